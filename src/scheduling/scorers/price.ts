import { defineScorer, SCORE_MAX } from '../scorer.ts';
import { millionthsOf } from './decimal-label.ts';
import { sharesAfter } from './shares-after.ts';

/** Half of the points where the request costs so much an hour: a dollar. */
const HALF = 1_000_000;

/** The label `price/hour` in dollars, times the largest share of the node that the request takes. */
export const price = defineScorer({
  name: 'price',
  what: 'The node where the request costs least an hour, by its part of the price of the node.',
  readsNodes: true,
  score(table, row, ask) {
    const dollars = millionthsOf(table.node(row)!, 'price/hour');
    if (dollars === undefined) return SCORE_MAX / 2;
    const nothing = { ...ask, cpu: 0, memory: 0, gpu: 0 } as typeof ask;
    const before = sharesAfter(table, row, nothing);
    const taken = sharesAfter(table, row, ask).map((share, i) => share - before[i]!);
    return Math.floor((SCORE_MAX * HALF) / (HALF + dollars * Math.max(...taken)));
  },
});
