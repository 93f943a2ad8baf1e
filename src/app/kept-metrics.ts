import type { SqliteHistory } from '../store/io/history.ts';
import type { KeptSeries, MetricHistory, SeriesQuery } from '../telemetry/metric.ts';

/** What the history of the host calls a metric. */
const columns: Readonly<Record<string, string>> = {
  berth_node_cpu_busy_ratio: 'cpu_ratio',
  berth_node_cpu_held_ratio: 'cpu_held_ratio',
  berth_node_memory_used_bytes: 'memory_used_bytes',
  berth_node_memory_held_bytes: 'memory_held_bytes',
};

/** The history of the host, asked for by the names of metrics. */
export class KeptMetrics implements MetricHistory {
  readonly #history: SqliteHistory;

  constructor(history: SqliteHistory) {
    this.#history = history;
  }

  names(): readonly string[] {
    return Object.keys(columns);
  }

  query({ name, labels = {}, from, to, pointsMax }: SeriesQuery): readonly KeptSeries[] {
    const column = columns[name];
    if (column === undefined || Object.keys(labels).length > 0) return [];
    const points = this.#history
      .query({ column, from, to, pointsMax })
      .map((point) => ({ ...point, count: 1 }));
    return points.length === 0 ? [] : [{ key: name, name, labels: {}, points }];
  }
}
