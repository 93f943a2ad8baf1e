import type { Interference } from '../../model/scheduling-config.ts';
import { defineScorer, SCORE_MAX, type Scorer } from '../scorer.ts';

/** Slower by so much (basis points) on top of each other: no points left. */
const SLOWDOWN_MAX = 10_000;

/**
 * Where what runs beside it slows it least, by what was measured of pairs of workloads (as Paragon and
 * Quasar do from profiles). Pairs that nobody measured count as if they did not mind each other.
 */
function scoreWith(pairs: ReadonlyMap<string, number>): Scorer['score'] {
  return (table, row, { constraints }) => {
    const self = constraints?.self;
    if (self === undefined || pairs.size === 0) return SCORE_MAX;
    let slowdown = 0;
    for (const { name } of table.residents.on(row))
      slowdown += pairs.get(keyOf(self.name, name)) ?? 0;
    return SCORE_MAX - Math.min(SLOWDOWN_MAX, slowdown);
  };
}

const facts = {
  name: 'co-location',
  what: 'The node where others slow it least, by measured pairs of workload names.',
  readsNodes: true,
  knowsWho: true,
} as const;

export const coLocation = defineScorer({
  ...facts,
  score: scoreWith(new Map()),
  configured: ({ interference = [] }) => ({ ...facts, score: scoreWith(tableOf(interference)) }),
});

function tableOf(measured: readonly Interference[]): Map<string, number> {
  return new Map(measured.map(({ a, b, slowdown }) => [keyOf(a, b), slowdown]));
}

const keyOf = (a: string, b: string): string => JSON.stringify(a < b ? [a, b] : [b, a]);
