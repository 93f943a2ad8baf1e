import type { StepRecord, WorkloadRecord } from '../../engine/records.ts';
import type { StepDocument, WorkloadDocument } from '../contract/documents.ts';

/** `running` from its first placement on, as long as it has not ended. */
export function workloadStatus(workload: WorkloadRecord): WorkloadDocument['status'] {
  if (workload.state !== 'active') return workload.state;
  const busy = workload.steps.some((step) => step.counts.running > 0);
  return busy || workload.startedAt !== undefined ? 'running' : 'waiting';
}

export function stepState(step: StepRecord): StepDocument['state'] {
  if (step.state !== 'blocked' && step.state !== 'open') return step.state;
  const begun = step.counts.running > 0 || step.tasks.some((task) => task.attempts.length > 0);
  return begun ? 'running' : 'waiting';
}
