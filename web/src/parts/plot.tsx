import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clock } from '../format.ts';
import type { Line } from '../panels.ts';
import { theme } from '../theme.ts';

interface PlotProps {
  readonly label: string;
  /** Milliseconds since 1970. */
  readonly at: readonly number[];
  readonly lines: readonly Line[];
  /** The plot shows these milliseconds up to the last sample. */
  readonly windowMs: number;
  /** The top of the vertical axis, unless a value is higher. */
  readonly top: number;
  /** Distances between the lines of the grid: round ones are powers of two for bytes. */
  readonly steps: readonly number[];
  readonly format: (value: number) => string;
  /** In px. */
  readonly height?: number;
  /** The sample under the cursor, or nothing when it is elsewhere. */
  readonly onCursor: (index: number | undefined) => void;
}

const HEIGHT = 132;
/** So that the highest value is not hidden by the edge. */
const HEADROOM = 1.04;
/** A time so near to the right edge would be cut off. */
const EDGE_SHARE = 0.05;
const AXIS_PX_MIN = 56;
const FIGURE_PX = 7;
const sync = uPlot.sync('usage');

/** Lines over time, with a cursor shared by every plot on the page. */
export function Plot({
  label,
  at,
  lines,
  windowMs,
  top,
  steps,
  format,
  height = HEIGHT,
  onCursor,
}: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const chosen = theme.value;
  const shape = lines.map(({ name, kind }) => `${name}/${kind}`).join();

  useEffect(() => {
    const element = box.current!;
    const made = new uPlot(
      optionsFor(element, { lines, top, steps, format, height, onCursor }),
      [[], ...lines.map(() => [])],
      element,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [chosen, shape, top]);

  useEffect(() => {
    const seconds = at.map((t) => t / 1_000);
    plot.current?.setData([seconds, ...lines.map(({ values }) => [...values])], false);
    const end = seconds.at(-1) ?? Date.now() / 1_000;
    plot.current?.setScale('x', { min: end - windowMs / 1_000, max: end });
  }, [at, lines, windowMs, chosen, shape]);

  return (
    <div class="plot" ref={box} role="img" aria-label={label} style={{ height: `${height}px` }}>
      <i class="plot-axis" />
      <i class="plot-grid" />
      {lines.map(({ name, colour }) => (
        <i key={name} class={colour} />
      ))}
    </div>
  );
}

type Looks = Pick<PlotProps, 'lines' | 'top' | 'steps' | 'format' | 'onCursor'> & {
  readonly height: number;
};

/** A canvas knows no custom properties: colours are read from elements that have them. */
function optionsFor(
  element: HTMLElement,
  { lines, top, steps, format, height, onCursor }: Looks,
): uPlot.Options {
  const colourOf = (name: string): string =>
    getComputedStyle(element.querySelector(`i.${name}`)!).color;
  const grid = { stroke: colourOf('plot-grid'), width: 1 };
  const font = `11px ${getComputedStyle(element).fontFamily}`;
  const axis = { stroke: colourOf('plot-axis'), font, grid, ticks: { show: false } };
  return {
    width: Math.max(element.clientWidth, 100),
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      sync: { key: sync.key },
      points: { size: 6 },
      drag: { x: false, y: false },
    },
    scales: {
      x: { time: true },
      y: { range: (_, __, max) => [0, Math.max(top, (max ?? 0) * HEADROOM)] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        space: 60,
        values: (u, ticks, __, ___, step) => {
          const { min = 0, max = 0 } = u.scales['x'] ?? {};
          const isCut = (t: number): boolean => t > max! - (max! - min!) * EDGE_SHARE;
          return ticks.map((t) => (isCut(t) ? '' : clock(t * 1_000).slice(0, step < 60 ? 8 : 5)));
        },
      },
      {
        ...axis,
        size: (_, ticks) =>
          Math.max(AXIS_PX_MIN, ...(ticks ?? []).map((text) => text.length * FIGURE_PX + 6)),
        space: 28,
        incrs: [...steps],
        values: (_, ticks) => ticks.map(format),
      },
    ],
    series: [
      {},
      ...lines.map(({ name, colour, kind }) => {
        const stroke = colourOf(colour);
        return {
          label: name,
          stroke,
          width: kind === 'requested' || kind === 'limit' ? 1 : 1.5,
          points: { show: false },
          ...(kind === 'used' && { fill: stroke.replace('rgb(', 'rgba(').replace(')', ', 0.22)') }),
          ...(kind === 'requested' && { dash: [4, 3] }),
        };
      }),
    ],
    hooks: { setCursor: [(u) => onCursor(u.cursor.idx ?? undefined)] },
  };
}
