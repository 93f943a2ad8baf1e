import { type StrategyName, strategyFor } from './ladder.ts';
import { type Finding, type Remedy, ratioOf, severityOf } from './report.ts';

type Given = Omit<Finding, 'severity' | 'strategy' | 'remedies' | 'culprits' | 'sufferers'> &
  Partial<Pick<Finding, 'culprits' | 'sufferers'>> & {
    readonly remedies: (strategy: StrategyName) => readonly Remedy[];
  };

/** Severity, the step of the ladder and with it the order of the remedies follow from the score. */
export function makeFinding(given: Given): Finding {
  const score = ratioOf(given.score);
  const severity = severityOf(score);
  const strategy = strategyFor(severity, given.resource);
  return {
    culprits: [],
    sufferers: [],
    ...given,
    score,
    severity,
    strategy,
    remedies: given.remedies(strategy),
  };
}
