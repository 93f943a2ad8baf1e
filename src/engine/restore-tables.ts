import { assert } from '../base/assert.ts';
import type { SavedState } from './engine-options.ts';
import { restoreAfter, restoreBefore } from './memory.ts';
import {
  currentAttempt,
  type StepRecord,
  shapeOf,
  startsMore,
  stopOf,
  type TaskRecord,
} from './records.ts';
import type { RestingTasks } from './resting-tasks.ts';
import type { RunningAttempts } from './running-attempts.ts';
import type { State } from './state.ts';
import type { WorkloadTable } from './workload-table.ts';

/** Of a task that was read: shapes are numbered afresh. */
export const UNKNOWN_SHAPE = -1;

/** What the state keeps to itself. */
interface OwnTables {
  readonly workloads: WorkloadTable;
  readonly running: RunningAttempts;
  readonly resting: RestingTasks;
  /** Waits for a place from now on. */
  wait(task: TaskRecord): void;
}

/** Fills what is kept beside the workloads, which are in their table already. */
export function restoreTables(state: State, own: OwnTables, saved: SavedState): void {
  const { workloads, running } = own;
  const { order, memory } = saved;
  restoreBefore(state, memory);
  for (const workload of workloads.values()) {
    for (const step of workload.steps) restoreStep(state, own, step);
    if (workload.state === 'active') state.active.count(workload, 1);
    state.leases.add(workload);
    state.limitEnds.add(workload);
    state.services.touch(workload);
    state.money.touch(workload);
  }
  for (const id of order.running) running.restore(workloads.knownAttempt(id));
  for (const [id, behind] of order.lined) {
    state.lines.add(workloads.knownAttempt(id), workloads.knownAttempt(behind));
  }
  for (const { steps } of workloads.values()) for (const step of steps) state.lines.judge(step);
  restoreAfter(state, memory);
  state.spilled.restore(saved.spilled ?? [], state.active);
  for (const id of order.ended) workloads.ended(workloads.known(id));
}

function restoreStep(state: State, own: OwnTables, step: StepRecord): void {
  for (const task of step.tasks) {
    if (task.shape === UNKNOWN_SHAPE) task.shape = shapeOf(state, task);
    if (task.state === 'waiting' && startsMore(step)) own.wait(task);
    if (task.state === 'resting') own.resting.push(task);
    if (task.state !== 'running') continue;
    const attempt = currentAttempt(task)!;
    const row = state.table.rowOf(attempt.placement.node);
    assert(row !== undefined, 'what runs, runs on a node that is there');
    state.table.take(row, attempt.placement.held, attempt.placement.gpus);
    const reason = stopOf(step.workload);
    if (reason === undefined || step.spec.service !== undefined) continue;
    state.toStop.push({ attempt, reason });
  }
}
