import { type Remedy, severityOf } from '../finding.ts';
import { type StrategyName, strategyFor } from './ladder.ts';
import { type DoctorFinding, ratioOf } from './report.ts';

type Given = Omit<DoctorFinding, 'severity' | 'strategy' | 'remedies' | 'culprits' | 'sufferers'> &
  Partial<Pick<DoctorFinding, 'culprits' | 'sufferers'>> & {
    readonly remedies: (strategy: StrategyName) => readonly Remedy[];
  };

/** Severity, the step of the ladder and with it the order of the remedies follow from the score. */
export function makeFinding(given: Given): DoctorFinding {
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
