import type { SqliteHistory } from '../store/io/history.ts';
import { families } from '../telemetry/families.ts';
import type {
  KeptSeries,
  Labels,
  LatestReading,
  LiveMetrics,
  MetricFamily,
  MetricHistory,
  SeriesQuery,
} from '../telemetry/metric.ts';
import { seriesKey } from '../telemetry/metric.ts';
import type { HostSample } from '../telemetry/sample-host.ts';

const BUSY = 'berth_node_cpu_busy_ratio';
const PRESSURE = 'berth_node_pressure_waiting_ratio';
const USED = 'berth_node_memory_used_bytes';
const TOTAL = 'berth_node_memory_total_bytes';
const AVAILABLE = 'berth_node_memory_available_bytes';

/** What the newest sample of the host says, by the names of metrics. */
export class SampledMetrics implements LiveMetrics {
  readonly #sample: () => HostSample | undefined;

  constructor(sample: () => HostSample | undefined) {
    this.#sample = sample;
  }

  families(): readonly MetricFamily[] {
    const known = new Set([BUSY, USED, TOTAL, AVAILABLE]);
    return families.filter(({ name }) => known.has(name));
  }

  latest(name?: string): readonly LatestReading[] {
    const sample = this.#sample();
    if (sample === undefined) return [];
    const { memoryTotalBytes: total, memoryUsedBytes: used } = sample;
    const available = total === undefined || used === undefined ? undefined : total - used;
    const rows: readonly (readonly [string, Labels, number | undefined])[] = [
      [BUSY, {}, sample.cpuBusyRatio],
      ['berth_node_load1', {}, sample.load1],
      [TOTAL, {}, total],
      [USED, {}, used],
      [AVAILABLE, {}, available],
      [PRESSURE, { resource: 'cpu' }, sample.cpuPressureRatio],
      [PRESSURE, { resource: 'memory' }, sample.memoryPressureRatio],
      [PRESSURE, { resource: 'io' }, sample.ioPressureRatio],
    ];
    return rows.flatMap(([of, labels, value]) =>
      value === undefined || (name !== undefined && of !== name)
        ? []
        : [{ name: of, labels, value, at: sample.at }],
    );
  }

  quality(): undefined {
    return undefined;
  }
}

const columns: readonly (readonly [name: string, column: string, labels: Labels])[] = [
  [BUSY, 'cpu_ratio', {}],
  [USED, 'memory_used_bytes', {}],
  [PRESSURE, 'cpu_pressure_ratio', { resource: 'cpu' }],
  [PRESSURE, 'memory_pressure_ratio', { resource: 'memory' }],
  [PRESSURE, 'io_pressure_ratio', { resource: 'io' }],
];

/** Use of the host that is kept, by the names of metrics. What is available follows from how much there is now. */
export class SampledHistory implements MetricHistory {
  readonly #history: SqliteHistory;
  readonly #memoryTotal: () => number | undefined;

  constructor(history: SqliteHistory, memoryTotal: () => number | undefined) {
    this.#history = history;
    this.#memoryTotal = memoryTotal;
  }

  query({ name, labels = {}, from, to, pointsMax }: SeriesQuery): readonly KeptSeries[] {
    const total = this.#memoryTotal();
    if ((name === AVAILABLE || name === TOTAL) && total !== undefined) {
      const used = this.query({ name: USED, labels, from, to, pointsMax });
      return used.map((series) => ({
        ...series,
        key: name,
        name,
        points: series.points.map(({ at, min, max, mean, last, count }) =>
          name === TOTAL
            ? { at, count, min: total, max: total, mean: total, last: total }
            : {
                at,
                count,
                min: total - max,
                max: total - min,
                mean: total - mean,
                last: total - last,
              },
        ),
      }));
    }
    return columns.flatMap(([of, column, own]) => {
      const fits = Object.entries(labels).every(([label, value]) => own[label] === value);
      if (of !== name || !fits) return [];
      const points = this.#history
        .query({ column, from, to, pointsMax })
        .map((point) => ({ ...point, count: 1 }));
      return points.length === 0 ? [] : [{ key: seriesKey(of, own), name, labels: own, points }];
    });
  }

  names(): readonly string[] {
    return [...new Set([...columns.map(([name]) => name), TOTAL, AVAILABLE])];
  }
}
