import { defineScorer, SCORE_MAX } from '../scorer.ts';
import { sharesAfter } from './shares-after.ts';

/** By the largest share, where `worst-fit` takes the mean: one full resource makes a node slow. */
export const spread = defineScorer({
  name: 'spread',
  what: 'The least loaded node: the one whose fullest resource is then least full.',
  score: (table, row, ask) =>
    SCORE_MAX - Math.floor(Math.max(...sharesAfter(table, row, ask)) * SCORE_MAX),
});
