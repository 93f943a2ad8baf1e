import type { Resumption, TakenOver } from '../model/flow.ts';
import type { TenantId } from '../model/ids.ts';
import type { Command } from '../model/messages.ts';
import type { Refusal } from '../model/refusal.ts';
import type { WorkloadSpec } from '../model/workload.ts';
import { outputsOf } from './flow-scope.ts';
import type { StepRecord, WorkloadRecord } from './records.ts';
import type { State } from './state.ts';

interface Again {
  readonly tenant: TenantId;
  readonly spec: WorkloadSpec;
  readonly resumes: Resumption;
}

type Retry = Extract<Command, { kind: 'retry' }>;

/** The same document again, with what is taken over of its last run. */
export function planRetry(state: State, { workload: id, afresh }: Retry): Again | Refusal {
  const workload = state.workload(id);
  if (workload === undefined) return { code: 'no-such-workload', workload: id };
  const { spec, state: end, resumes } = workload;
  if (spec.kind !== 'job' && spec.kind !== 'pipeline') return { code: 'not-retried', workload: id };
  if (end === 'active') return { code: 'not-ended', workload: id };
  if (end === 'succeeded' && !afresh) return { code: 'nothing-failed', workload: id };
  const folder = resumes?.folder ?? id;
  const busy = userOf(state, folder);
  if (busy !== undefined) return { code: 'retried-already', workload: id, by: busy.id };
  const done = afresh ? [] : takenOver(workload);
  const { tenant } = workload;
  return { tenant, spec: asWritten(spec), resumes: { from: id, folder, done } };
}

/** Who works in the folder of an earlier run now. */
function userOf(state: State, folder: WorkloadRecord['id']): WorkloadRecord | undefined {
  for (const other of state.workloads()) {
    if (other.state === 'active' && other.resumes?.folder === folder) return other;
  }
  return undefined;
}

/** Lists that were evaluated are evaluated again. */
const asWritten = (spec: WorkloadSpec): WorkloadSpec => ({
  ...spec,
  steps: spec.steps.map((step) =>
    step.flow?.each?.kind === 'expression' ? { ...step, count: 0 } : step,
  ),
});

/** Steps that succeeded, and would again be what they were: all that they need is so, too. */
function takenOver({ steps }: WorkloadRecord): TakenOver[] {
  // From each step that is to run again to all that need it, without recursion: chains may be long.
  const again = new Set(steps.filter((step) => !isFinal(step)));
  for (const step of again) for (const index of step.dependents) again.add(steps[index]!);
  return steps
    .filter((step) => step.state === 'succeeded' && !again.has(step))
    .map((step) => ({ step: step.spec.id, outputs: outputsOf(step) }));
}

const isFinal = ({ state, reason }: StepRecord): boolean =>
  state === 'succeeded' || (state === 'skipped' && reason?.kind === 'condition');
