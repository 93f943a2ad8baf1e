import { termsNow } from '../../engine/live-changes.ts';
import { currentAttempt, type StepRecord, type WorkloadRecord } from '../../engine/records.ts';
import type { TermEnforcement } from '../../model/attempt.ts';

/** Of a step that has so many tasks, those are looked at that came last. */
const TASKS_MAX = 100;

/** What became of the execution terms of a step in its newest attempts, each once; nothing where it has none. */
export function termsOfStep(step: StepRecord): readonly TermEnforcement[] {
  const { execution } = step.spec;
  const terms = new Map<string, TermEnforcement>();
  for (const task of step.tasks.slice(-TASKS_MAX)) {
    // Those with exclusive cores may keep others to the rest.
    const attempt = currentAttempt(task);
    if (attempt === undefined) continue;
    const { placement, live } = attempt;
    if (execution === undefined && placement.cores === undefined && live === undefined) continue;
    for (const one of termsNow(attempt) ?? []) {
      terms.set(`${one.term}:${one.by}:${one.note}`, one);
    }
  }
  return [...terms.values()];
}

/** A sentence of what does not hold while it runs; nothing where all does. */
export function unheldSentence(workload: WorkloadRecord): string | null {
  const running = workload.steps.filter((step) => step.counts.running > 0);
  const unheld = running.flatMap((step) => termsOfStep(step).filter(({ by }) => by === 'none'));
  if (unheld.length === 0) return null;
  const names = [...new Set(unheld.map(({ term }) => term))];
  return `not enforced: ${names.join(', ')}`;
}
