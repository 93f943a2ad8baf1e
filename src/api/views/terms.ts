import { formatAmount, formatBytes } from '../../base/format.ts';
import { termsNow } from '../../engine/live-changes.ts';
import {
  type AttemptRecord,
  currentAttempt,
  type StepRecord,
  type WorkloadRecord,
} from '../../engine/records.ts';
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
    const plain = execution === undefined && step.spec.inPlaceOf === undefined;
    if (plain && placement.cores === undefined && live === undefined) continue;
    for (const one of termsOf(attempt) ?? []) {
      terms.set(`${one.term}:${one.by}:${one.note}`, one);
    }
  }
  return [...terms.values()];
}

/** What became of its execution terms, and of the GPUs that it asked for where it runs on CPU in place of them. */
export function termsOf(attempt: AttemptRecord): readonly TermEnforcement[] | undefined {
  const terms = termsNow(attempt);
  const onCpu = onCpuSentence(attempt.task.step);
  if (onCpu === undefined) return terms;
  return [{ term: 'gpu', by: 'none', note: `${onCpu}: no node had any` }, ...(terms ?? [])];
}

/** Of a step that runs on CPU where it asked for GPUs. */
function onCpuSentence({ spec: { inPlaceOf } }: StepRecord): string | undefined {
  if (inPlaceOf === undefined) return undefined;
  const { gpu, gpuMemory, mig } = inPlaceOf;
  const amount = mig ?? formatAmount('gpu', gpu);
  const memory = gpuMemory === undefined ? '' : ` with ${formatBytes(gpuMemory)}`;
  return `runs on CPU in place of ${amount}${memory}`;
}

/** Of a workload of which a step runs, or ran, on CPU where it asked for GPUs. */
export function onCpuSummary({ steps }: WorkloadRecord): string | null {
  const [first] = steps.flatMap((step) => onCpuSentence(step) ?? []);
  return first ?? null;
}

/** A sentence of what does not hold while it runs; nothing where all does. */
export function unheldSentence(workload: WorkloadRecord): string | null {
  const running = workload.steps.filter((step) => step.counts.running > 0);
  const unheld = running.flatMap((step) => termsOfStep(step).filter(({ by }) => by === 'none'));
  if (unheld.length === 0) return null;
  const names = [...new Set(unheld.map(({ term }) => term))];
  return `not enforced: ${names.join(', ')}`;
}
