import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Measured } from '../analysis/kpis.ts';
import { trendOf } from '../analysis/trend.ts';
import type { ReportDocument } from '../api/contract/report-documents.ts';
import type { TimeMs } from '../base/units.ts';
import type { KeptSeries, MetricHistory, SeriesPoint } from '../telemetry/metric.ts';

type Trend = ReportDocument['historical_trends'][number];
type Status = ReportDocument['current_status'][number];

interface Window {
  readonly from: TimeMs;
  readonly to: TimeMs;
}

interface Plotted {
  readonly name: string;
  readonly unit: Trend['unit'];
  readonly title: (labels: Readonly<Record<string, string>>) => string;
  /** Series that are shown at most, those with the greatest mean. */
  readonly most: number;
}

const plain = (title: string) => (): string => title;

/** What a report plots, in this order, where it was measured. */
const plotted: readonly Plotted[] = [
  { name: 'berth_node_cpu_busy_ratio', unit: 'ratio', title: plain('CPUs busy'), most: 1 },
  { name: 'berth_node_cpu_held_ratio', unit: 'ratio', title: plain('CPUs given out'), most: 1 },
  { name: 'berth_node_memory_used_bytes', unit: 'bytes', title: plain('Memory used'), most: 1 },
  {
    name: 'berth_gpu_busy_ratio',
    unit: 'ratio',
    title: ({ index }) => `GPU ${index ?? ''} busy`,
    most: 8,
  },
  {
    name: 'berth_node_disk_busy_ratio',
    unit: 'ratio',
    title: ({ device }) => `Disk ${device ?? ''} busy`,
    most: 2,
  },
  {
    name: 'berth_node_filesystem_available_bytes',
    unit: 'bytes',
    title: ({ mount }) => `Free on ${mount ?? ''}`,
    most: 2,
  },
  {
    name: 'berth_node_network_received_bytes_per_second',
    unit: 'bytes_per_second',
    title: ({ device }) => `Received by ${device ?? ''}`,
    most: 1,
  },
  {
    name: 'berth_node_network_sent_bytes_per_second',
    unit: 'bytes_per_second',
    title: ({ device }) => `Sent by ${device ?? ''}`,
    most: 1,
  },
  {
    name: 'berth_node_pressure_waiting_ratio',
    unit: 'ratio',
    title: ({ resource }) => `Waiting for ${resource ?? ''} (PSI)`,
    most: 3,
  },
];

/** A plot is a few hundred pixels wide. */
const POINTS = 96;

/** Somebody reads it weeks later: a direction is told where it is sure and worth telling. */
const TOLD = { chanceMax: 0.01, changeMin: 0.05 };

/** One name after the other; between them everybody else has his turn. */
export async function trendsOf(history: MetricHistory, { from, to }: Window): Promise<Trend[]> {
  const found: Trend[] = [];
  for (const { name, unit, title, most } of plotted) {
    await nextTurn();
    for (const { labels, points } of history.query({
      name,
      from,
      to,
      pointsMax: POINTS,
      seriesMax: most,
    })) {
      const trend = trendOf(points, TOLD);
      if (trend === undefined) continue;
      found.push({
        name,
        title: title(labels),
        unit,
        average: trend.average,
        peak: trend.peak,
        trough: trend.trough,
        volatility: trend.deviation,
        direction: trend.direction,
        slope_per_day: trend.slopePerHour === undefined ? null : trend.slopePerHour * 24,
        at: points.map(({ at }) => at),
        mean: points.map(({ mean }) => mean),
        max: points.map(({ max }) => max),
      });
    }
  }
  return found;
}

/** Of all samples, so that a point of many counts for as many. */
function meanOf(points: readonly SeriesPoint[]): Measured | undefined {
  let sum = 0;
  let count = 0;
  for (const point of points) {
    sum += point.mean * point.count;
    count += point.count;
  }
  return count === 0 ? undefined : { mean: sum / count, count };
}

/** Over all series of a name, each as much as its samples. */
export function measured(
  history: MetricHistory,
  name: string,
  { from, to }: Window,
): Measured | undefined {
  const all = history.query({ name, from, to, pointsMax: POINTS, seriesMax: 1_000 });
  return meanOf(all.flatMap(({ points }) => points));
}

/** Of the last minute; what was not measured in it is null. */
const CURRENT_MS = 60_000;

const asked: readonly (Pick<Status, 'resource' | 'title' | 'unit'> & {
  readonly name: string;
  readonly total?: string;
  /** `sum` of what every series says, or the `mean`. */
  readonly of: 'sum' | 'mean';
})[] = [
  {
    resource: 'cpu',
    title: 'CPUs busy',
    unit: 'ratio',
    name: 'berth_node_cpu_busy_ratio',
    of: 'mean',
  },
  {
    resource: 'memory',
    title: 'Memory used',
    unit: 'bytes',
    name: 'berth_node_memory_used_bytes',
    total: 'berth_node_memory_total_bytes',
    of: 'sum',
  },
  {
    resource: 'storage',
    title: 'Free on disks',
    unit: 'bytes',
    name: 'berth_node_filesystem_available_bytes',
    total: 'berth_node_filesystem_size_bytes',
    of: 'sum',
  },
  {
    resource: 'network',
    title: 'Received',
    unit: 'bytes_per_second',
    name: 'berth_node_network_received_bytes_per_second',
    of: 'sum',
  },
  {
    resource: 'gpu',
    title: 'GPUs busy',
    unit: 'ratio',
    name: 'berth_gpu_busy_ratio',
    of: 'mean',
  },
  {
    resource: 'power',
    title: 'Power',
    unit: 'watts',
    name: 'berth_node_power_watts',
    of: 'sum',
  },
];

export function currentStatus(history: MetricHistory, now: TimeMs): Status[] {
  return asked.map(({ resource, title, unit, name, total, of }) => {
    const found = newest(history, name, now);
    const all = total === undefined ? [] : newest(history, total, now);
    return {
      resource,
      title,
      unit,
      value: together(found, of),
      total: together(all, of),
      at: found.length === 0 ? null : Math.max(...found.map(({ at }) => at)),
    };
  });
}

function newest(history: MetricHistory, name: string, now: TimeMs): SeriesPoint[] {
  const from = Math.max(0, now - CURRENT_MS) as TimeMs;
  const series = history.query({ name, from, to: now, pointsMax: 2, seriesMax: 1_000 });
  return series.flatMap(({ points }: KeptSeries) => points.at(-1) ?? []);
}

function together(points: readonly SeriesPoint[], of: 'sum' | 'mean'): number | null {
  if (points.length === 0) return null;
  const sum = points.reduce((total, { last }) => total + last, 0);
  return of === 'sum' ? sum : sum / points.length;
}

const SLOTS = 240;

/** Share of equal parts of the window, since the first sample in it, in which the host was measured. */
export function monitoringUptime(history: MetricHistory, { from, to }: Window): number | undefined {
  const name = 'berth_node_cpu_busy_ratio';
  const [series] = history.query({ name, from, to, pointsMax: SLOTS });
  const [first] = series?.points ?? [];
  if (series === undefined || first === undefined) return undefined;
  const since = Math.max(from, first.at) as TimeMs;
  const slot = Math.max(60_000, (to - since) / SLOTS);
  const slots = Math.max(1, Math.floor((to - since) / slot));
  const [again] = history.query({ name, from: since, to, pointsMax: SLOTS * 4 });
  const seen = new Set(again?.points.map(({ at }) => Math.floor((at - since) / slot)));
  return Math.min(1, seen.size / slots);
}
