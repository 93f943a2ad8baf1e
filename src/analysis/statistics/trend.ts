import { normalTail } from '../../statistics/distributions.ts';
import { median, quantile } from '../../statistics/robust.ts';
import { memoryOf } from './change-points.ts';

export interface Trend {
  /** By step of the index, or unit of `at`: the median of the slopes of all pairs (Theil 1950, Sen 1968). */
  readonly slope: number;
  /** Ends of its 90 % interval (Sen 1968), wider where neighbours resemble each other. */
  readonly slopeLow: number;
  readonly slopeHigh: number;
  /** The line's value at the first and at the last point. */
  readonly first: number;
  readonly last: number;
  /** Two-sided, of Mann–Kendall. */
  readonly p: number;
  /** Kendall's tau with the time, −1 … 1. */
  readonly tau: number;
}

/** Pairs are compared one by one: more points are merged by whoever asks. */
export const TREND_POINTS_MAX = 2_000;

/**
 * Mann–Kendall with the correction for ties (Kendall 1975), and Theil–Sen. The variance grows by `memory`, the
 * points until neighbours are independent (Yue & Wang 2004): of what is left when the line is taken out, where
 * nobody knows better what the series would be without noise. `at`: each later than the one before.
 */
export function trendOf(
  values: readonly number[],
  {
    at = [...values.keys()],
    memory,
  }: { readonly at?: readonly number[]; readonly memory?: number } = {},
): Trend | undefined {
  const n = values.length;
  if (n < 4 || n > TREND_POINTS_MAX) return undefined;
  const slopes = new Float64Array((n * (n - 1)) / 2);
  let s = 0;
  let pairs = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const rise = values[j]! - values[i]!;
      s += Math.sign(rise);
      slopes[pairs++] = rise / (at[j]! - at[i]!);
    }
  }
  const slope = quantile(slopes.sort(), 0.5);
  const offset = median(values) - slope * median(at);
  const rest = values.map((value, i) => value - offset - slope * at[i]!);
  const variance = varianceOf(values) * (memory ?? (isNothing(rest, values) ? 1 : memoryOf(rest)));
  const z = variance === 0 || s === 0 ? 0 : (s - Math.sign(s)) / Math.sqrt(variance);
  const p = Math.min(1, 2 * normalTail(Math.abs(z)));
  const [slopeLow, slopeHigh] = endsOf(slopes, variance);
  return {
    slope,
    slopeLow,
    slopeHigh,
    first: offset + slope * at[0]!,
    last: offset + slope * at[n - 1]!,
    p,
    tau: s / pairs,
  };
}

/** Of the normal distribution, above which a twentieth lies. */
const Z = 1.6448536269514722;

/** The slopes that are as far from the middle as Kendall's S is from nothing by chance. */
function endsOf(
  sortedSlopes: Float64Array,
  variance: number,
): readonly [low: number, high: number] {
  const pairs = sortedSlopes.length;
  const half = (Z * Math.sqrt(variance)) / 2;
  const low = Math.max(0, Math.round(pairs / 2 - half) - 1);
  const high = Math.min(pairs - 1, Math.round(pairs / 2 + half));
  return [sortedSlopes[low]!, sortedSlopes[high]!];
}

/** What is left of an exact line is the last digits of its numbers, and those resemble each other. */
function isNothing(rest: readonly number[], values: readonly number[]): boolean {
  const greatest = (of: readonly number[]): number =>
    of.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return greatest(rest) <= greatest(values) * 1e-9;
}

/** Of Kendall's S, with ties. */
function varianceOf(values: readonly number[]): number {
  const n = values.length;
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let sum = n * (n - 1) * (2 * n + 5);
  for (const t of counts.values()) sum -= t * (t - 1) * (2 * t + 5);
  return sum / 18;
}
