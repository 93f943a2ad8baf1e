import type { StepDocument, WorkloadDocument } from '../api/contract/documents.ts';

/**
 * Milliseconds until the step ends, from its finished tasks: the mean of their wall times, as many
 * at once as run now. Undefined while none has finished: then nothing is known.
 */
export function stepEstimate(step: StepDocument, now: number): number | undefined {
  const { waiting, running, succeeded } = step.tasks;
  if (waiting + running === 0) return 0;
  if (succeeded === 0) return undefined;
  let sum = 0;
  let finished = 0;
  for (const attempt of step.attempts) {
    if (attempt.cause !== 'succeeded' || attempt.wall_ms === null) continue;
    sum += attempt.wall_ms;
    finished++;
  }
  if (finished === 0) return undefined;
  const mean = sum / finished;
  let current = 0;
  for (const attempt of step.attempts) {
    if (attempt.state !== 'running' || attempt.started_at === null) continue;
    current = Math.max(current, mean - (now - attempt.started_at));
  }
  return current + Math.ceil(waiting / Math.max(1, running)) * mean;
}

/** Along the longest chain of `needs`; undefined as soon as one step on the way is unknown. */
export function estimateRemaining(document: WorkloadDocument, now: number): number | undefined {
  const endsIn = new Map<string, number>();
  let last = 0;
  for (const step of inOrderOfNeeds(document.steps)) {
    const own = stepEstimate(step, now);
    if (own === undefined) return undefined;
    const begins = Math.max(0, ...step.needs.map((id) => endsIn.get(id) ?? 0));
    const end = own === 0 ? 0 : begins + own;
    endsIn.set(step.id, end);
    last = Math.max(last, end);
  }
  return last === 0 ? undefined : last;
}

/** `needs` form no cycle; unknown names are left out. */
function inOrderOfNeeds(steps: readonly StepDocument[]): readonly StepDocument[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const placed = new Set<string>();
  const ordered: StepDocument[] = [];
  const visit = (step: StepDocument): void => {
    if (placed.has(step.id)) return;
    placed.add(step.id);
    for (const id of step.needs) {
      const needed = byId.get(id);
      if (needed !== undefined) visit(needed);
    }
    ordered.push(step);
  };
  for (const step of steps) visit(step);
  return ordered;
}
