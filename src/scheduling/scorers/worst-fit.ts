import { defineScorer, SCORE_MAX } from '../scorer.ts';
import { fullnessAfter } from './fullness.ts';

export const worstFit = defineScorer({
  name: 'worst-fit',
  what: 'The emptiest node that fits: leaves each task the most room to burst.',
  score: (table, row, ask) => SCORE_MAX - fullnessAfter(table, row, ask),
});
