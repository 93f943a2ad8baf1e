import { defineScorer } from '../scorer.ts';
import { fullnessAfter } from './fullness.ts';

export const bestFit = defineScorer({
  name: 'best-fit',
  what: 'The fullest node that fits: keeps others empty for large requests.',
  score: fullnessAfter,
});
