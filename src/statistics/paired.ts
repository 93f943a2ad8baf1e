import { assert } from '../base/assert.ts';
import { normalTail } from './distributions.ts';
import { autocorrelation, mean } from './robust.ts';
import { studentQuantile, studentTail } from './student-t.ts';

/** A mean with the ends of its interval, and the probability of one as far from 0 where the true mean is 0. */
export interface MeanTest {
  readonly n: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Two-sided. */
  readonly p: number;
  /** Of one value. */
  readonly deviation: number;
}

/** A mean of independent values: Student's t. Undefined of fewer than two. */
export function meanTest(values: readonly number[], alpha: number): MeanTest | undefined {
  const n = values.length;
  if (n < 2) return undefined;
  const centre = mean(values);
  const deviation = Math.sqrt(sumOfSquares(values, centre) / (n - 1));
  return tested({ n, centre, deviation, error: deviation / Math.sqrt(n), degrees: n - 1 }, alpha);
}

/** Parts of a series that are compared with each other. More know the variance better, and each less of the past. */
export const BATCHES = 20;
/** As many values as that are in each. */
const BATCH_MIN = 10;
/** Correlation of neighbouring parts above which they are no strangers: twice its error where there is none. */
const RELATED = 2 / Math.sqrt(BATCHES);

export interface SeriesTest extends MeanTest {
  /** Neighbouring parts resemble each other: the interval is too narrow, and nothing may be made of it. */
  readonly isDependent: boolean;
}

/**
 * A mean of values in the order of time, of which neighbours resemble each other: overlapping batch means (Meketon &
 * Schmeiser, WSC'84), the variance that moving blocks (Künsch 1989) come to, without drawing any. Each block is
 * 1/20 of all; t with 1.5 × (blocks − 1) degrees of freedom. Undefined of fewer than 200 values.
 */
export function seriesMeanTest(values: ArrayLike<number>, alpha: number): SeriesTest | undefined {
  const n = values.length;
  if (n < BATCHES * BATCH_MIN) return undefined;
  const size = Math.floor(n / BATCHES);
  const sums = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) sums[i + 1] = sums[i]! + values[i]!;
  const centre = sums[n]! / n;
  const blocks = n - size + 1;
  let squares = 0;
  for (let i = 0; i < blocks; i++) {
    const apart = (sums[i + size]! - sums[i]!) / size - centre;
    squares += apart * apart;
  }
  // The factor takes out what overlapping and the common centre make too small.
  const variance = (squares / blocks) * (n / (n - size)) * (size / n);
  const error = Math.sqrt(variance);
  const apart = Array.from({ length: BATCHES }, (_, i) => {
    return (sums[(i + 1) * size]! - sums[i * size]!) / size;
  });
  const facts = { n, centre, deviation: error * Math.sqrt(n), error, degrees: 1.5 * (BATCHES - 1) };
  return { ...tested(facts, alpha), isDependent: autocorrelation(apart) > RELATED };
}

interface Estimated {
  readonly n: number;
  readonly centre: number;
  readonly deviation: number;
  /** Of the mean. */
  readonly error: number;
  readonly degrees: number;
}

function tested({ n, centre, deviation, error, degrees }: Estimated, alpha: number): MeanTest {
  const half = error * studentQuantile(alpha / 2, degrees);
  const t = error === 0 ? (centre === 0 ? 0 : Number.POSITIVE_INFINITY) : Math.abs(centre) / error;
  const p = Math.min(1, 2 * studentTail(t, degrees));
  return { n, mean: centre, low: centre - half, high: centre + half, p, deviation };
}

function sumOfSquares(values: readonly number[], centre: number): number {
  return values.reduce((sum, value) => sum + (value - centre) * (value - centre), 0);
}

/** Beyond, the normal distribution is as good. */
const EXACT_MAX = 50;

/**
 * Wilcoxon's signed-rank test, two-sided: whether differences are as often and as far above 0 as below. Zeros are
 * left out, equal ones share their ranks; exact for up to 50 differences.
 */
export function signedRankTest(differences: readonly number[]): number {
  const values = differences.filter((value) => value !== 0);
  const n = values.length;
  if (n === 0) return 1;
  const ranks = doubledRanks(values.map(Math.abs));
  const above = values.reduce((sum, value, i) => sum + (value > 0 ? ranks[i]! : 0), 0);
  const all = n * (n + 1);
  const least = Math.min(above, all - above);
  if (n <= EXACT_MAX) return Math.min(1, 2 * exactTail(ranks, least));
  const variance = ranks.reduce((sum, rank) => sum + rank * rank, 0) / 4;
  return Math.min(1, 2 * normalTail((all / 2 - least - 1) / Math.sqrt(variance)));
}

/** Twice the ranks, so that halves are whole. */
function doubledRanks(sizes: readonly number[]): number[] {
  const order = [...sizes.keys()].sort((a, b) => sizes[a]! - sizes[b]!);
  const ranks = new Array<number>(sizes.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && sizes[order[to + 1]!] === sizes[order[from]!]) to++;
    for (let i = from; i <= to; i++) ranks[order[i]!] = from + to + 2;
    from = to + 1;
  }
  return ranks;
}

/** Probability that the ranks of which each is counted by the toss of a coin sum to at most `most`. */
function exactTail(ranks: readonly number[], most: number): number {
  let ways = new Float64Array(most + 1);
  ways[0] = 1;
  for (const rank of ranks) {
    const next = new Float64Array(most + 1);
    for (let sum = 0; sum <= most; sum++) {
      next[sum] = ways[sum]! / 2 + (sum >= rank ? ways[sum - rank]! / 2 : 0);
    }
    ways = next;
  }
  return ways.reduce((sum, one) => sum + one, 0);
}

/**
 * Probabilities raised for as many questions as were asked at once (Holm 1979): whoever calls those up to `alpha`
 * sure is wrong about any of them with probability `alpha` at most. In the same order.
 */
export function holm(ps: readonly number[]): number[] {
  const order = [...ps.keys()].sort((a, b) => ps[a]! - ps[b]! || a - b);
  const adjusted = new Array<number>(ps.length);
  let highest = 0;
  order.forEach((i, rank) => {
    assert(ps[i]! >= 0 && ps[i]! <= 1, `a probability: ${ps[i]}`);
    highest = Math.max(highest, Math.min(1, (ps.length - rank) * ps[i]!));
    adjusted[i] = highest;
  });
  return adjusted;
}
