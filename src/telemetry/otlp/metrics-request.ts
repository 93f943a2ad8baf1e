import {
  type OtlpOrigin,
  otlpAttributes,
  otlpNanos,
  otlpResource,
  otlpScope,
} from '../../base/otlp-json.ts';
import type { TimeMs } from '../../base/units.ts';
import { type Labels, type LatestReading, type MetricFamily, seriesKey } from '../metric.ts';
import { type OtlpName, otlpName } from './names.ts';
import type { StartTimes } from './start-times.ts';

/** Of AggregationTemporality: since the start of the series. */
const CUMULATIVE = 2;

type Point = Readonly<Record<string, unknown>>;

interface Metric extends OtlpName {
  readonly family: MetricFamily;
  readonly points: Point[];
}

/**
 * ExportMetricsServiceRequests of OpenTelemetry 1 with all readings of the families, each with at most `pointsMax`
 * points; what belongs to no family is left out, as what is no number. What nobody ever noted is as of `now`.
 */
export function* otlpMetrics(
  families: readonly MetricFamily[],
  readings: readonly LatestReading[],
  {
    origin,
    starts,
    pointsMax,
    now,
  }: {
    readonly origin: OtlpOrigin;
    readonly starts: StartTimes;
    readonly pointsMax: number;
    readonly now: TimeMs;
  },
): Generator<{ readonly request: object; readonly points: number }> {
  const dated = readings.map((one) => (one.at > 0 ? one : { ...one, at: now }));
  const metrics = metricsOf(families, dated, starts);
  let part: object[] = [];
  let count = 0;
  for (const metric of metrics) {
    for (let from = 0; from < metric.points.length; ) {
      const points = metric.points.slice(from, from + pointsMax - count);
      part.push(metricJson(metric, points));
      count += points.length;
      from += points.length;
      if (count < pointsMax) continue;
      yield { request: requestOf(part, origin), points: count };
      part = [];
      count = 0;
    }
  }
  if (count > 0) yield { request: requestOf(part, origin), points: count };
}

const requestOf = (metrics: readonly object[], origin: OtlpOrigin): object => ({
  resourceMetrics: [
    { resource: otlpResource(origin), scopeMetrics: [{ scope: otlpScope(origin), metrics }] },
  ],
});

/** By name; families that are parts of one metric of the conventions are joined in it. */
function metricsOf(
  families: readonly MetricFamily[],
  readings: readonly LatestReading[],
  starts: StartTimes,
): readonly Metric[] {
  const byReading = new Map<string, Metric>();
  const byName = new Map<string, Metric>();
  for (const family of families) {
    if (byReading.has(firstName(family))) continue;
    const named = unlikeOthers(family, byName);
    const metric = byName.get(named.name) ?? { ...named, family, points: [] };
    byName.set(named.name, metric);
    // Attributes are those of the family; points go where the others of the name are.
    const own: Metric = { ...named, family, points: metric.points };
    for (const name of readingNames(family)) byReading.set(name, own);
  }
  addPoints(byReading, readings, starts);
  return [...byName.values()]
    .filter(({ points }) => points.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Two of different kinds are not called the same: then the second keeps the name that is scraped. */
function unlikeOthers(family: MetricFamily, byName: ReadonlyMap<string, Metric>): OtlpName {
  const named = otlpName(family);
  const other = byName.get(named.name);
  if (other === undefined) return named;
  const isAlike = other.family.kind === family.kind && other.unit === named.unit;
  return isAlike ? named : { ...named, name: family.name };
}

const firstName = ({ name, kind }: MetricFamily): string =>
  kind === 'histogram' ? `${name}_bucket` : name;

const readingNames = ({ name, kind }: MetricFamily): readonly string[] =>
  kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];

function addPoints(
  byReading: ReadonlyMap<string, Metric>,
  readings: readonly LatestReading[],
  starts: StartTimes,
): void {
  const seen = new Set<string>();
  const histograms = new Map<string, HistogramParts>();
  for (const reading of readings) {
    const metric = byReading.get(reading.name);
    const { labels, value } = reading;
    if (metric === undefined || !Number.isFinite(value)) continue;
    if (metric.family.kind === 'histogram') {
      gather(histograms, metric, reading);
      continue;
    }
    const key = seriesKey(reading.name, labels);
    if (seen.has(key)) continue;
    seen.add(key);
    metric.points.push(numberPoint(metric, reading, key, starts));
  }
  for (const [key, parts] of histograms) {
    const point = histogramPoint(parts, key, starts);
    if (point !== undefined) parts.metric.points.push(point);
  }
}

function numberPoint(
  metric: Metric,
  { labels, value, at }: LatestReading,
  key: string,
  starts: StartTimes,
): Point {
  const { name, kind } = metric.family;
  const isCounted = kind === 'counter';
  const start = isCounted ? starts.startOf(name, key, { value, at }) : undefined;
  return {
    attributes: otlpAttributes(metric.attributesOf(labels)),
    ...(start !== undefined && { startTimeUnixNano: otlpNanos(start) }),
    timeUnixNano: otlpNanos(at),
    asDouble: value,
  };
}

interface HistogramParts {
  readonly metric: Metric;
  readonly labels: Labels;
  at: number;
  /** Each with how many are at most so much. */
  readonly buckets: { readonly bound: number; readonly upTo: number }[];
  sum?: number;
  count?: number;
}

function gather(
  histograms: Map<string, HistogramParts>,
  metric: Metric,
  { name, labels: written, value, at }: LatestReading,
): void {
  const { le, ...labels } = written;
  const key = seriesKey(metric.family.name, labels);
  const parts = histograms.get(key) ?? { metric, labels, at, buckets: [] };
  histograms.set(key, parts);
  parts.at = Math.max(parts.at, at);
  if (name.endsWith('_sum')) parts.sum = value;
  else if (name.endsWith('_count')) parts.count = value;
  else if (le !== undefined) {
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    parts.buckets.push({ bound, upTo: value });
  }
}

/** Each bucket has what is in it alone; the last has no bound. */
function histogramPoint(parts: HistogramParts, key: string, starts: StartTimes): Point | undefined {
  const { metric, labels, at, sum, count } = parts;
  const buckets = [...parts.buckets].sort((a, b) => a.bound - b.bound);
  const isWhole = buckets.at(-1)?.bound === Number.POSITIVE_INFINITY;
  if (!isWhole || sum === undefined || count === undefined) return undefined;
  const start = starts.startOf(metric.family.name, key, { value: count, at });
  return {
    attributes: otlpAttributes(metric.attributesOf(labels)),
    startTimeUnixNano: otlpNanos(start),
    timeUnixNano: otlpNanos(at),
    count: String(count),
    sum,
    bucketCounts: buckets.map(({ upTo }, i) => String(upTo - (buckets[i - 1]?.upTo ?? 0))),
    explicitBounds: buckets.slice(0, -1).map(({ bound }) => bound),
  };
}

function metricJson({ name, unit, isUpDown, family }: Metric, dataPoints: readonly Point[]) {
  const head = { name, description: family.help, ...(unit !== '' && { unit }) };
  switch (family.kind) {
    case 'counter':
      return {
        ...head,
        sum: { dataPoints, aggregationTemporality: CUMULATIVE, isMonotonic: true },
      };
    case 'histogram':
      return { ...head, histogram: { dataPoints, aggregationTemporality: CUMULATIVE } };
    case 'gauge':
      return isUpDown
        ? { ...head, sum: { dataPoints, aggregationTemporality: CUMULATIVE, isMonotonic: false } }
        : { ...head, gauge: { dataPoints } };
  }
}
