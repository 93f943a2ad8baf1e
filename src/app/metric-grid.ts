import type { TimeMs } from '../base/units.ts';
import type { SeriesPoint, SeriesQuery } from '../telemetry/metric.ts';

/** Columns of equal width that end with the one that has begun. */
export interface MetricGrid {
  readonly intervalMs: number;
  /** Where each column begins. */
  readonly at: number[];
  /** What asks history for one point a column. */
  readonly query: Pick<SeriesQuery, 'from' | 'to' | 'pointsMax'>;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** The last `windowMs` in at most so many columns, of whole hours, minutes or seconds. */
export function gridOf(now: number, windowMs: number, columnsMax: number): MetricGrid {
  const wanted = windowMs / columnsMax;
  const unit = wanted > HOUR_MS ? HOUR_MS : wanted > MINUTE_MS ? MINUTE_MS : SECOND_MS;
  const intervalMs = Math.max(1, Math.ceil(wanted / unit)) * unit;
  const count = Math.max(1, Math.floor(windowMs / intervalMs));
  const last = now - (now % intervalMs);
  const first = Math.max(0, last - (count - 1) * intervalMs);
  const at = Array.from({ length: count }, (_, i) => first + i * intervalMs);
  const to = first + count * intervalMs;
  return {
    intervalMs,
    at,
    query: { from: first as TimeMs, to: to as TimeMs, pointsMax: count + 1 },
  };
}

/** Null where nothing was measured. */
export function onGrid(
  { at, intervalMs }: MetricGrid,
  points: readonly SeriesPoint[],
  pick: (point: SeriesPoint) => number,
): (number | null)[] {
  const cells = new Array<number | null>(at.length).fill(null);
  for (const point of points) {
    const cell = Math.floor((point.at - at[0]!) / intervalMs);
    if (cell >= 0 && cell < cells.length) cells[cell] = pick(point);
  }
  return cells;
}
