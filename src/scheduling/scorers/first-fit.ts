import { defineScorer } from '../scorer.ts';

/** Every node that fits is as good as another: the first in the table wins. */
export const firstFit = defineScorer({
  name: 'first-fit',
  what: 'The first node that fits, in the order in which nodes joined.',
  score: () => 0,
});
