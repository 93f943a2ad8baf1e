import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

interface Shown {
  readonly from: number;
  readonly to: number;
  /** Heights of what is not drawn, in px. */
  readonly before: number;
  readonly after: number;
}

/** Rows drawn beyond the screen on either side, so that the keyboard always finds the next one. */
const SPARE = 20;
/** Rows come and go so many at a time: a table that changes is laid out and painted anew. */
const STEP = 16;

/** Which rows of a long table are on the screen. All rows are of one height, `--row` of the stylesheet. */
export function useVisibleRows(
  body: RefObject<HTMLElement | null>,
  count: number,
  windowed: boolean,
): Shown {
  const [range, setRange] = useState({ from: 0, to: 2 * SPARE, height: 32 });
  useEffect(() => {
    if (!windowed) return undefined;
    const measure = (): void => {
      if (body.current === null) return;
      const height =
        Number.parseFloat(getComputedStyle(body.current).getPropertyValue('--row')) || 32;
      const top = body.current.getBoundingClientRect().top;
      const first = Math.max(0, Math.min(count - 1, Math.floor(-top / height)) - SPARE);
      const from = Math.floor(first / STEP) * STEP;
      const last = Math.ceil((innerHeight - top) / height) + SPARE;
      const to = Math.min(count, Math.ceil(last / STEP) * STEP);
      setRange((was) =>
        was.from === from && was.to === to && was.height === height
          ? was
          : { from, to: Math.max(to, from + 1), height },
      );
    };
    let frame = 0;
    const soon = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(measure);
    };
    measure();
    // Captured, for the scroller may be the table's own.
    addEventListener('scroll', soon, { passive: true, capture: true });
    addEventListener('resize', soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', soon, { capture: true });
      removeEventListener('resize', soon);
    };
  }, [windowed, count]);
  if (!windowed) return { from: 0, to: count, before: 0, after: 0 };
  const to = Math.min(count, range.to);
  const from = Math.min(range.from, to);
  return { from, to, before: from * range.height, after: (count - to) * range.height };
}
