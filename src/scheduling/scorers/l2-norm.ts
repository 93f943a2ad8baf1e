import { defineScorer, SCORE_MAX } from '../scorer.ts';
import { sharesAfter } from './shares-after.ts';

/** Norm-based greedy of Panigrahy et al., "Heuristics for Vector Bin Packing" (2011), without its weights. */
export const l2Norm = defineScorer({
  name: 'l2-norm',
  what: 'The node where what is left, squared and summed over resources, is least.',
  score(table, row, ask) {
    const shares = sharesAfter(table, row, ask);
    const left = shares.reduce((sum, share) => sum + (1 - share) * (1 - share), 0);
    return Math.floor((1 - left / shares.length) * SCORE_MAX);
  },
});
