import { useEffect, useRef } from 'preact/hooks';
import { theme } from '../theme.ts';

export interface LaneSpan {
  readonly id: string;
  /** In percent of the width. */
  readonly x: number;
  readonly width: number;
  readonly lane: number;
  /** A class of the stylesheet whose `--state` is its colour. */
  readonly look: string;
  readonly isSelected: boolean;
}

interface LanesCanvasProps {
  readonly label: string;
  readonly spans: readonly LaneSpan[];
  /** In px, each of all with its gap. */
  readonly lane: number;
  readonly gap: number;
  readonly height: number;
  inWords(id: string): string;
  onPick(id: string): void;
}

/** Above the first lane. */
const MARGIN = 4;
const LEAST_PX = 1;

/** Spans as pixels: ten thousand of them as elements would hold up every frame that draws them. */
export function LanesCanvas(props: LanesCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const { label, spans, lane, gap, height, inWords, onPick } = props;
  const chosen = theme.value;
  useEffect(() => {
    const element = canvas.current!;
    const resized = new ResizeObserver(() => draw(element, latest.current));
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  useEffect(() => draw(canvas.current!, latest.current), [spans, lane, gap, height, chosen]);
  const under = (event: MouseEvent): LaneSpan | undefined => {
    const box = canvas.current!.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 100;
    const at = Math.floor((event.clientY - box.top - MARGIN) / lane);
    return spans.find((one) => one.lane === at && one.x <= x && x <= one.x + one.width);
  };
  return (
    <div class="lanes-canvas" style={{ height: `${height}px` }}>
      {[...new Set(spans.map(({ look }) => look))].map((look) => (
        <i key={look} class={`mark ${look}`} data-look={look} hidden />
      ))}
      <i class="mark lost" data-look="selected" hidden />
      <canvas
        ref={canvas}
        role="img"
        aria-label={label}
        onClick={(event) => {
          const found = under(event);
          if (found !== undefined) onPick(found.id);
        }}
        onMouseMove={(event) => {
          const found = under(event);
          event.currentTarget.title = found === undefined ? '' : inWords(found.id);
        }}
      />
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, { spans, lane, gap, height }: LanesCanvasProps): void {
  const scale = devicePixelRatio;
  const width = canvas.clientWidth;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d')!;
  context.scale(scale, scale);
  const colours = new Map(
    [...canvas.parentElement!.querySelectorAll<HTMLElement>('[data-look]')].map((one) => [
      one.dataset['look'],
      getComputedStyle(one).color,
    ]),
  );
  const place = (one: LaneSpan): [number, number, number, number] => [
    (one.x / 100) * width,
    MARGIN + one.lane * lane,
    Math.max(LEAST_PX, (one.width / 100) * width),
    lane - gap,
  ];
  // By colour: a change of it costs more than the span that is drawn.
  for (const [look, same] of Map.groupBy(spans, (one) => one.look)) {
    context.fillStyle = colours.get(look) ?? '';
    for (const one of same) context.fillRect(...place(one));
  }
  context.strokeStyle = colours.get('selected') ?? '';
  context.lineWidth = 1.5;
  for (const one of spans) if (one.isSelected) context.strokeRect(...place(one));
}
