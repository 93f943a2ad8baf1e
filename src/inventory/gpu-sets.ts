import type { GpuLink, LinkKind, Topology } from './topology.ts';
import { linkBetween } from './topology-queries.ts';

/** Bandwidth of the ways between two GPUs, in rough GB/s each way: enough to order sets, no promise. */
const WORTH: Readonly<Record<LinkKind, number>> = {
  NV: 25,
  PIX: 20,
  PXB: 18,
  PHB: 14,
  NODE: 12,
  SYS: 8,
};

/** C(16, 8): all sets of a node of 16 GPUs are looked at; of more, a greedy choice. */
const SETS_MAX = 12_870;

/**
 * The `k` of the candidates (PCI addresses) that talk to each other best: the weakest pair decides, since a
 * collective runs at its pace, then the sum over pairs, then the order of the candidates. Undefined when
 * there are fewer than `k`.
 */
export function bestGpuSet(
  topology: Topology,
  candidates: readonly string[],
  k: number,
): string[] | undefined {
  if (k < 1 || candidates.length < k) return undefined;
  return bestSetByWorth(linkWorth(topology, candidates), k).map((i) => candidates[i]!);
}

/** Rough GB/s each way over one link. */
export const linkWorthOf = ({ kind, lanes }: Pick<GpuLink, 'kind' | 'lanes'>): number =>
  WORTH[kind] * lanes;

/** What the way between each two of these PCI addresses carries, in rough GB/s; 0 where it is not known. */
export function linkWorth(topology: Topology, addresses: readonly string[]): number[][] {
  return addresses.map((a) =>
    addresses.map((b) => {
      const link = linkBetween(topology, a, b);
      return link === undefined ? 0 : linkWorthOf(link);
    }),
  );
}

/** The `k` that the rule of `bestGpuSet` chooses, as indexes into a square of worths. */
export function bestSetByWorth(worth: readonly (readonly number[])[], k: number): number[] {
  return setsOf(worth.length, k) <= SETS_MAX ? exhaustive(worth, k) : greedy(worth, k);
}

function setsOf(n: number, k: number): number {
  let sets = 1;
  for (let i = 1; i <= k; i++) {
    sets = (sets * (n - k + i)) / i;
    if (sets > SETS_MAX * 1000) return sets;
  }
  return sets;
}

interface Score {
  readonly weakest: number;
  readonly sum: number;
}

const isBetter = (a: Score, b: Score): boolean =>
  a.weakest !== b.weakest ? a.weakest > b.weakest : a.sum > b.sum;

function exhaustive(worth: readonly (readonly number[])[], k: number): number[] {
  let best: number[] = [];
  let bestScore: Score = { weakest: -1, sum: -1 };
  const visit = (chosen: number[], from: number, score: Score) => {
    if (chosen.length === k) {
      if (isBetter(score, bestScore)) [best, bestScore] = [[...chosen], score];
      return;
    }
    if (score.weakest < bestScore.weakest) return;
    for (let i = from; i <= worth.length - (k - chosen.length); i++) {
      visit([...chosen, i], i + 1, added(worth, chosen, score, i));
    }
  };
  visit([], 0, { weakest: Number.POSITIVE_INFINITY, sum: 0 });
  return best;
}

function added(
  worth: readonly (readonly number[])[],
  chosen: readonly number[],
  score: Score,
  next: number,
): Score {
  let { weakest, sum } = score;
  for (const i of chosen) {
    const w = worth[i]![next]!;
    weakest = Math.min(weakest, w);
    sum += w;
  }
  return { weakest, sum };
}

/** From every start, adds the GPU that keeps the score best. */
function greedy(worth: readonly (readonly number[])[], k: number): number[] {
  let best: number[] = [];
  let bestScore: Score = { weakest: -1, sum: -1 };
  for (let start = 0; start < worth.length; start++) {
    const chosen = [start];
    let score: Score = { weakest: Number.POSITIVE_INFINITY, sum: 0 };
    while (chosen.length < k) {
      let next = -1;
      let nextScore: Score = { weakest: -1, sum: -1 };
      for (let i = 0; i < worth.length; i++) {
        if (chosen.includes(i)) continue;
        const candidate = added(worth, chosen, score, i);
        if (isBetter(candidate, nextScore)) [next, nextScore] = [i, candidate];
      }
      chosen.push(next);
      score = nextScore;
    }
    if (isBetter(score, bestScore)) [best, bestScore] = [chosen, score];
  }
  return best.sort((a, b) => a - b);
}
