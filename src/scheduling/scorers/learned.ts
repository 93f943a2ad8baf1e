import { defineScorer, SCORE_MAX, type Scorer } from '../scorer.ts';
import { bestFit } from './best-fit.ts';

const facts = {
  name: 'learned',
  what: 'What a trained model prefers; without one, and where its answer is no score, best fit.',
} as const;

export const learned = defineScorer({
  ...facts,
  score: bestFit.score,
  configured: ({ learned: model }) =>
    model === undefined ? bestFit : { ...facts, readsNodes: true, score: guarded(model) },
});

/** A model may be wrong, and may not stop a site: an answer that is no score is replaced. */
function guarded(model: Scorer['score']): Scorer['score'] {
  return (table, row, ask, outlook) => {
    const score = model(table, row, ask, outlook);
    const usable = Number.isInteger(score) && score >= 0 && score <= SCORE_MAX;
    return usable ? score : bestFit.score(table, row, ask, outlook);
  };
}
