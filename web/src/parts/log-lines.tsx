import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** Of one height, `.log-line` of the stylesheet. */
const LINE_PX = 18;
const SPARE = 30;

interface LogLinesProps {
  readonly lines: readonly string[];
  readonly query: string;
  /** The line of the chosen match. */
  readonly at: number | undefined;
  /** Keeps the end in view; scrolling up turns it off, scrolling to the end turns it on. */
  readonly follow: Signal<boolean>;
  readonly head: ComponentChildren;
  readonly empty: string;
}

/** A scrolling window over lines, of which only those in view are drawn. */
export function LogLines({ lines, query, at, follow, head, empty }: LogLinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);

  useEffect(() => {
    const resized = new ResizeObserver(() => setHeight(box.current?.clientHeight ?? 400));
    resized.observe(box.current!);
    return () => resized.disconnect();
  }, []);
  useEffect(() => {
    if (follow.value) box.current!.scrollTop = box.current!.scrollHeight;
  }, [lines, follow.value, height]);
  useEffect(() => {
    if (at !== undefined) box.current!.scrollTop = at * LINE_PX - height / 2;
  }, [at]);

  const from = Math.max(0, Math.floor(top / LINE_PX) - SPARE);
  const to = Math.min(lines.length, Math.ceil((top + height) / LINE_PX) + SPARE);
  const onScroll = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = box.current!;
    const atEnd = scrollHeight - scrollTop - clientHeight < LINE_PX;
    if (scrollTop < top && !atEnd) follow.value = false;
    else if (atEnd && query === '') follow.value = true;
    setTop(scrollTop);
  };
  return (
    <div
      class="log-box"
      ref={box}
      onScroll={onScroll}
      role="log"
      aria-live="off"
      aria-label="Log"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it
      tabIndex={0}
    >
      <div class="log-head">{lines.length === 0 ? empty : head}</div>
      <div style={{ height: `${from * LINE_PX}px` }} />
      {lines.slice(from, to).map((line, i) => (
        <div key={from + i} class={from + i === at ? 'log-line chosen' : 'log-line'}>
          {query === '' ? line : marked(line, query)}
        </div>
      ))}
      <div style={{ height: `${(lines.length - to) * LINE_PX}px` }} />
    </div>
  );
}

function marked(line: string, query: string) {
  const parts: ComponentChildren[] = [];
  const low = line.toLowerCase();
  const wanted = query.toLowerCase();
  let from = 0;
  for (let at = low.indexOf(wanted); at !== -1; at = low.indexOf(wanted, from)) {
    parts.push(line.slice(from, at), <mark key={at}>{line.slice(at, at + query.length)}</mark>);
    from = at + query.length;
  }
  return [...parts, line.slice(from)];
}
