import type { Usage } from '../api/contract/documents.ts';
import type { SpanMs, TimeMs } from '../base/units.ts';
import type { SqliteHistory } from '../store/io/history.ts';

const POINTS = 240;
const columns = [
  'cpu_ratio',
  'cpu_held_ratio',
  'memory_used_bytes',
  'memory_held_bytes',
  'io_pressure_ratio',
  'memory_pressure_ratio',
  'cpu_pressure_ratio',
] as const;

/** The window in at most 240 columns on one grid; null where nothing was measured. */
export function usageView(
  history: SqliteHistory,
  memoryTotal: number | undefined,
  now: TimeMs,
  window: SpanMs,
): Usage {
  const interval = Math.max(1_000, Math.ceil(window / POINTS / 1_000) * 1_000);
  const last = Math.floor(now / interval) * interval;
  const count = Math.floor(window / interval);
  const first = last - (count - 1) * interval;
  const at = Array.from({ length: count }, (_, i) => first + i * interval);
  const grid = (column: string): (number | null)[] => {
    const cells = new Array<number | null>(count).fill(null);
    const points = history.query({ column, from: first as TimeMs, to: now, pointsMax: POINTS * 2 });
    for (const point of points) {
      const cell = Math.floor((point.at - first) / interval);
      if (cell >= 0 && cell < count) cells[cell] = point.mean;
    }
    return cells;
  };
  const series = Object.fromEntries(columns.map((column) => [column, grid(column)]));
  return {
    interval_ms: interval,
    at,
    memory_total_bytes: memoryTotal ?? null,
    ...(series as Record<(typeof columns)[number], (number | null)[]>),
  };
}
