import type { TimeMs } from '../base/units.ts';
import { requestBounds } from '../telemetry/counting.ts';
import type { MetricHistory } from '../telemetry/metric.ts';
import { type Estimate, ranksAround, UNKNOWN } from './intervals.ts';

/** As history has it: calls that tasks timed between two looks, by the longest time of their bucket. */
export const TIMED_CALLS = 'berth_inference_calls';

const QUANTILE = 0.99;
/** Of a 90 % interval, in standard deviations. */
const Z = 1.645;
/** From here on the binomial distribution is normal. */
const MANY = 10_000;
const POINTS_MAX = 500;
const SERIES_MAX = 1_000;

export interface LatencyWindow {
  readonly from: TimeMs;
  readonly to: TimeMs;
  /** Calls of this tenant's tasks; undefined: of all. */
  readonly only: string | undefined;
}

/** The 99th percentile of calls that tasks timed in that time, in milliseconds; undefined where none did. */
export function callLatency(
  history: MetricHistory,
  { from, to, only }: LatencyWindow,
): (Estimate & { readonly samples: number }) | undefined {
  const buckets = new Map<number, number>();
  const kept = history.query({
    name: TIMED_CALLS,
    ...(only !== undefined && { labels: { tenant: only } }),
    from,
    to,
    pointsMax: POINTS_MAX,
    seriesMax: SERIES_MAX,
  });
  for (const { labels, points } of kept) {
    const written = labels['le'];
    const bound = written === '+Inf' ? Number.POSITIVE_INFINITY : Number(written);
    const calls = points.reduce((sum, { mean, count }) => sum + mean * count, 0);
    buckets.set(bound, (buckets.get(bound) ?? 0) + calls);
  }
  const sorted = [...buckets]
    .map(([bound, calls]) => ({ bound, calls: Math.round(calls) }))
    .filter(({ bound, calls }) => !Number.isNaN(bound) && calls > 0)
    .sort((a, b) => a.bound - b.bound);
  return sorted.length === 0 ? undefined : percentile(sorted);
}

interface Bucket {
  /** Seconds that a call took at most. */
  readonly bound: number;
  readonly calls: number;
}

/**
 * Within a bucket calls are held to be spread evenly; beyond the last bound nothing is known but that it is beyond. The
 * interval is that of the order statistic, out to the ends of the buckets that it falls into.
 */
function percentile(buckets: readonly Bucket[]): Estimate & { readonly samples: number } {
  const n = buckets.reduce((sum, { calls }) => sum + calls, 0);
  const [lowRank, highRank] = ranksOf(n);
  const { below, bucket, from } = bucketOf(buckets, Math.ceil(QUANTILE * n));
  const share = (QUANTILE * n - below) / bucket.calls;
  const seconds = from + (bucket.bound - from) * share;
  const low = lowRank < 1 ? undefined : bucketOf(buckets, lowRank).from * 1_000;
  const high = highRank > n ? undefined : bucketOf(buckets, highRank).bucket.bound * 1_000;
  const isKnown = Number.isFinite(seconds);
  return {
    ...UNKNOWN,
    samples: n,
    ...(isKnown ? { value: Math.round(seconds * 1e6) / 1_000, low } : { low: from * 1_000 }),
    ...(high !== undefined && Number.isFinite(high) && { high }),
  };
}

function ranksOf(n: number): readonly [low: number, high: number] {
  if (n < MANY) return ranksAround(n, QUANTILE);
  const half = Z * Math.sqrt(n * QUANTILE * (1 - QUANTILE));
  return [Math.floor(n * QUANTILE - half), Math.ceil(n * QUANTILE + half) + 1];
}

/** The bucket with the call of that rank, where it begins, and how many calls are in those before. */
function bucketOf(buckets: readonly Bucket[], rank: number) {
  let below = 0;
  let bucket = buckets[0]!;
  for (const next of buckets.slice(1)) {
    if (below + bucket.calls >= rank) break;
    below += bucket.calls;
    bucket = next;
  }
  // Those without a call are not kept.
  const from = requestBounds.findLast((bound) => bound < bucket.bound) ?? 0;
  return { bucket, below, from };
}
