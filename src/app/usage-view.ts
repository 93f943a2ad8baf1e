import type { Usage } from '../api/contract/documents.ts';
import type { SpanMs, TimeMs } from '../base/units.ts';
import type { MetricHistory, SeriesSelector } from '../telemetry/metric.ts';
import { gridOf, onGrid } from './metric-grid.ts';

const POINTS = 240;
const waiting = (resource: string): SeriesSelector => ({
  name: 'berth_node_pressure_waiting_ratio',
  labels: { resource },
});
const columns = {
  cpu_ratio: { name: 'berth_node_cpu_busy_ratio' },
  cpu_held_ratio: { name: 'berth_node_cpu_held_ratio' },
  memory_used_bytes: { name: 'berth_node_memory_used_bytes' },
  memory_held_bytes: { name: 'berth_node_memory_held_bytes' },
  io_pressure_ratio: waiting('io'),
  memory_pressure_ratio: waiting('memory'),
  cpu_pressure_ratio: waiting('cpu'),
} as const satisfies Readonly<Record<string, SeriesSelector>>;

/** The window in at most 240 columns on one grid; null where nothing was measured. */
export function usageView(
  history: MetricHistory,
  memoryTotal: number | undefined,
  now: TimeMs,
  window: SpanMs,
): Usage {
  const grid = gridOf(now, window, POINTS);
  const column = (selector: SeriesSelector): (number | null)[] => {
    const [series] = history.query({ ...selector, ...grid.query, seriesMax: 1 });
    return onGrid(grid, series?.points ?? [], ({ mean }) => mean);
  };
  const series = Object.fromEntries(
    Object.entries(columns).map(([name, selector]) => [name, column(selector)]),
  );
  return {
    interval_ms: grid.intervalMs,
    at: grid.at,
    memory_total_bytes: memoryTotal ?? null,
    ...(series as Record<keyof typeof columns, (number | null)[]>),
  };
}
