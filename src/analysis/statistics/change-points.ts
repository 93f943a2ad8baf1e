import { Prng } from '../../base/prng.ts';
import { autocorrelation, mean, median } from '../../statistics/robust.ts';

/** Where the level of a series changes: from `index` on it is `after`, until the next change. */
export interface ChangePoint {
  readonly index: number;
  /** Medians of the segments on both sides. */
  readonly before: number;
  readonly after: number;
  /** Of the permutation test. */
  readonly p: number;
}

export interface ChangePointOptions {
  /** A smaller change is none, as a share of the level before it. */
  readonly magnitudeMin?: number;
  /** Points on both sides: what lasts less long is no change. */
  readonly persistence?: number;
  readonly significance?: number;
  readonly permutations?: number;
  readonly changesMax?: number;
}

const SEED = 20_150_101;

/**
 * E-divisive means with α = 1 (Matteson & James, "A nonparametric approach for multiple change point analysis",
 * 2014): the cut where the energy distance between both sides is greatest, tested by permutation, and again in
 * both parts. What is permuted are blocks about as long as neighbours resemble each other, so that noise with a
 * memory is not taken for changes.
 */
export function changePoints(
  values: readonly number[],
  options: ChangePointOptions = {},
): readonly ChangePoint[] {
  const { persistence = 5, changesMax = 16, magnitudeMin = 0.05 } = options;
  const prng = new Prng(SEED);
  const cuts: { index: number; p: number }[] = [];
  const open: (readonly [number, number])[] = [[0, values.length]];
  while (open.length > 0 && cuts.length < changesMax) {
    const [from, to] = open.shift()!;
    const cut = significantCut(values.slice(from, to), { ...options, persistence }, prng);
    if (cut === undefined) continue;
    cuts.push({ index: from + cut.index, p: cut.p });
    open.push([from, from + cut.index], [from + cut.index, to]);
  }
  cuts.sort((a, b) => a.index - b.index);
  return merged(values, cuts, magnitudeMin);
}

interface Cut {
  readonly index: number;
  readonly energy: number;
}

function significantCut(
  values: readonly number[],
  options: ChangePointOptions & { readonly persistence: number },
  prng: Prng,
): { index: number; p: number } | undefined {
  const { permutations = 199, significance = 0.01, magnitudeMin = 0.05, persistence } = options;
  const found = bestCut(values, persistence);
  if (found === undefined || found.energy <= 0) return undefined;
  const left = values.slice(0, found.index);
  const right = values.slice(found.index);
  if (!isLarge(median(left), median(right), magnitudeMin)) return undefined;
  const blocks = blocksOf(values, [left, right], persistence);
  const allowed = Math.floor(significance * (permutations + 1)) - 1;
  let exceeded = 0;
  for (let i = 0; i < permutations; i++) {
    const drawn = bestCut(shuffled(blocks, prng), persistence);
    if (drawn !== undefined && drawn.energy >= found.energy) exceeded++;
    // However the rest comes out, it is not significant.
    if (exceeded > allowed) return undefined;
  }
  return { index: found.index, p: (exceeded + 1) / (permutations + 1) };
}

export const isLarge = (before: number, after: number, magnitudeMin: number): boolean =>
  Math.abs(after - before) > magnitudeMin * Math.max(Math.abs(before), Number.EPSILON);

/**
 * As long as it takes until neighbours are no longer alike, of what is left when the change is taken out, and in
 * each part the next one: another step is no memory either.
 */
function blocksOf(
  values: readonly number[],
  parts: readonly (readonly number[])[],
  persistence: number,
): readonly (readonly number[])[] {
  const rest = parts.flatMap((part) => {
    const next = bestCut(part, persistence)?.index ?? part.length;
    return [part.slice(0, next), part.slice(next)].flatMap((piece) => {
      const level = mean(piece);
      return piece.map((value) => value - level);
    });
  });
  const memory = memoryOf(rest, parts.length + 2);
  // Blocks are cut loose from each other at their ends: twice as long loses half as much of what they remember.
  const wished = memory === 1 ? 1 : 2 * memory;
  const length = Math.min(wished, Math.max(1, Math.floor(values.length / BLOCKS_MIN)));
  const blocks: (readonly number[])[] = [];
  for (let at = 0; at < values.length; at += length) blocks.push(values.slice(at, at + length));
  return blocks;
}

/** Of fewer, no order is rare enough to be significant. */
const BLOCKS_MIN = 14;

/**
 * Points until neighbours are independent, of noise of the first order: (1 + ρ) / (1 − ρ), rounded up. Of short
 * series ρ comes out too small (Marriott & Pope 1954), the more so the more levels were taken out.
 */
export function memoryOf(values: readonly number[], levels = 2): number {
  const n = values.length;
  const found = autocorrelation(values);
  const rho = Math.min(0.95, Math.max(0, found + (1 + 3 * levels * found) / n));
  // A correlation within two standard errors of nothing is nothing.
  if (rho < 2 / Math.sqrt(n)) return 1;
  return Math.ceil((1 + rho) / (1 - rho));
}

function shuffled(blocks: readonly (readonly number[])[], prng: Prng): number[] {
  const order = [...blocks];
  for (let i = order.length - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order.flat();
}

/**
 * The cut with the greatest energy statistic mn/(m+n)·(2·mean|x−y| − mean|x−x′| − mean|y−y′|), the means within a
 * side over different points. Sums of distances come from a tree over ranks: n log n for all cuts together.
 */
export function bestCut(values: readonly number[], persistence: number): Cut | undefined {
  const n = values.length;
  const side = Math.max(2, persistence);
  if (n < 2 * side) return undefined;
  const ranks = ranksOf(values);
  const within = distancesBefore(values, ranks, false);
  const beyond = distancesBefore(values, ranks, true);
  const total = within[n]!;
  let best: Cut = { index: 0, energy: Number.NEGATIVE_INFINITY };
  for (let m = side; m <= n - side; m++) {
    const k = n - m;
    const across = total - within[m]! - beyond[k]!;
    const energy =
      ((m * k) / n) *
      ((2 * across) / (m * k) -
        (2 * within[m]!) / (m * (m - 1)) -
        (2 * beyond[k]!) / (k * (k - 1)));
    if (energy > best.energy) best = { index: m, energy };
  }
  return best;
}

/** At `i`, the sum of |x − x′| over all pairs of the first `i` values, or of the last `i`. */
function distancesBefore(
  values: readonly number[],
  ranks: Uint32Array,
  fromEnd: boolean,
): Float64Array {
  const n = values.length;
  const sums = new Float64Array(n + 1);
  const counts = new Float64Array(n + 1);
  const found = new Float64Array(n + 1);
  let all = 0;
  for (let i = 0; i < n; i++) {
    const at = fromEnd ? n - 1 - i : i;
    const value = values[at]!;
    let below = 0;
    let belowSum = 0;
    for (let node = ranks[at]!; node > 0; node -= node & -node) {
      below += counts[node]!;
      belowSum += sums[node]!;
    }
    found[i + 1] = found[i]! + value * below - belowSum + (all - belowSum) - value * (i - below);
    all += value;
    for (let node = ranks[at]!; node <= n; node += node & -node) {
      counts[node] = counts[node]! + 1;
      sums[node] = sums[node]! + value;
    }
  }
  return found;
}

/** From 1; which of equal values comes first makes no difference to distances. */
function ranksOf(values: readonly number[]): Uint32Array {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b);
  const ranks = new Uint32Array(values.length);
  order.forEach((at, rank) => {
    ranks[at] = rank + 1;
  });
  return ranks;
}

/** Cuts whose segments are not really apart once all are known, are none: the smallest goes first. */
function merged(
  values: readonly number[],
  cuts: readonly { readonly index: number; readonly p: number }[],
  magnitudeMin: number,
): readonly ChangePoint[] {
  let left = [...cuts];
  for (;;) {
    const bounds = [0, ...left.map(({ index }) => index), values.length];
    const levels = bounds.slice(1).map((to, i) => median(values.slice(bounds[i]!, to)));
    const changes = left.map(({ index, p }, i) => {
      return { index, p, before: levels[i]!, after: levels[i + 1]! };
    });
    const size = (one: ChangePoint): number =>
      Math.abs(one.after - one.before) / Math.max(Math.abs(one.before), Number.EPSILON);
    const small = changes.filter((one) => !isLarge(one.before, one.after, magnitudeMin));
    if (small.length === 0) return changes;
    const least = small.reduce((a, b) => (size(b) < size(a) ? b : a));
    left = left.filter(({ index }) => index !== least.index);
  }
}
