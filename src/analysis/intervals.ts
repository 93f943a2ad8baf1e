import { assert } from '../base/assert.ts';

/** A value with the ends of its 90 % interval. What is undefined is not known. */
export interface Estimate {
  readonly value: number | undefined;
  readonly low: number | undefined;
  readonly high: number | undefined;
}

export const UNKNOWN: Estimate = { value: undefined, low: undefined, high: undefined };

/** So much lies outside of an interval on each side. */
export const TAIL = 0.05;
/** Of the normal distribution, above which `TAIL` lies. */
const Z = 1.6448536269514722;

/** A share of `n` with the interval of Wilson (1927), which holds for few and for all, too. */
export function shareOf(good: number, n: number): Estimate {
  assert(good >= 0 && good <= n, `${good} of ${n}`);
  if (n === 0) return UNKNOWN;
  const share = good / n;
  const squared = (Z * Z) / n;
  const centre = share + squared / 2;
  const half = Z * Math.sqrt((share * (1 - share)) / n + squared / (4 * n));
  const [low, high] = [(centre - half) / (1 + squared), (centre + half) / (1 + squared)];
  return { value: share, low: Math.max(0, low), high: Math.min(1, high) };
}

/**
 * The value that a share `q` of all does not exceed (nearest rank), with the interval between two of the samples
 * that holds whatever they are distributed like; an end that so few samples cannot give is unknown.
 * `sorted` ascending.
 */
export function quantileOf(sorted: readonly number[], q: number): Estimate {
  assert(q > 0 && q < 1, `quantile ${q}`);
  const n = sorted.length;
  if (n === 0) return UNKNOWN;
  const [low, high] = ranksAround(n, q);
  return {
    value: sorted[Math.max(0, Math.ceil(q * n) - 1)],
    low: low === 0 ? undefined : sorted[low - 1],
    high: high > n ? undefined : sorted[high - 1],
  };
}

/** Ranks from 1: how many of `n` lie below the quantile is binomial. 0 and n + 1: none is far enough out. */
export function ranksAround(n: number, q: number): readonly [low: number, high: number] {
  let low = 0;
  let high = n + 1;
  let below = 0;
  /** Logarithm of P(B = k), which itself may be too small for a number. */
  let log = n * Math.log(1 - q);
  for (let k = 0; k <= n; k++) {
    // Here `below` is P(B < k).
    if (below <= TAIL) low = k;
    if (1 - below <= TAIL) {
      high = k;
      break;
    }
    below += Math.exp(log);
    log += Math.log(((n - k) / (k + 1)) * (q / (1 - q)));
  }
  return [low, high];
}
