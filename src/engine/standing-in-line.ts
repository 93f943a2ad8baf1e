import type { QuotaBook } from '../admission/quota.ts';
import { assert } from '../base/assert.ts';
import type { Event } from '../model/messages.ts';
import { nodeLabels } from '../scheduling/filters/node-labels.ts';
import type { NodeTable } from '../scheduling/node-table.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';
import type { Lines } from './lines.ts';
import { type AttemptRecord, newAttempt, type StepRecord, type TaskRecord } from './records.ts';
import type { WorkloadTable } from './workload-table.ts';

/** Whether tasks of the step may take over places from each other: no rule counts each start by itself. */
export function mayStandInLine(
  { spec, workload }: StepRecord,
  quotas: QuotaBook | undefined,
): boolean {
  if (spec.gangMin !== undefined) return false;
  return quotas?.governs(workload.spec.queue, workload.tenant) !== true;
}

/** Whether its node still has and allows what it holds there: it may have shrunk. */
export function isRoomFor({ placement, task }: AttemptRecord, table: NodeTable): boolean {
  const row = table.rowOf(placement.node);
  if (row === undefined) return false;
  const { gpus } = table.node(row)!;
  const { constraints } = task.step.spec;
  return (
    table.freeCpu(row) >= 0 &&
    table.freeMemory(row) >= 0 &&
    placement.held.custom.every(([name]) => table.freeCustom(row, name) >= 0) &&
    placement.gpus.every((id) => gpus.some((gpu) => gpu.id === id)) &&
    (constraints === undefined || nodeLabels.passes(table, row, placement.held.gpu, constraints))
  );
}

/** Enters the attempts of one event; returns their step, in which they hold no slot of `maxParallel` now. */
export function lineUp(
  event: Extract<Event, { kind: 'attempts-lined-up' }>,
  workloads: WorkloadTable,
  lines: Lines,
  scheduler: Pick<Scheduler<TaskRecord>, 'withdraw'>,
): StepRecord {
  let behind = workloads.knownAttempt(event.behind);
  for (const id of event.attempts) {
    const task = workloads.taskOfNext(id);
    const { step } = task;
    if (task.state === 'waiting') {
      lines.queued(task, -1);
      scheduler.withdraw(task);
    } else {
      assert(task.state === 'held-back', `only a task that waits is put in line: ${task.id}`);
      if (task.index < step.released) step.returned = without(step.returned, task);
      else step.released++;
    }
    const attempt = newAttempt(id, task, behind.placement, event.at);
    task.attempts.push(attempt);
    task.state = 'lined-up';
    step.lined++;
    lines.add(attempt, behind);
    behind = attempt;
  }
  return behind.task.step;
}

/** The next task that `maxParallel` no longer holds back, taken from those that it does. */
export function letIn(step: StepRecord): TaskRecord | undefined {
  const { released, counts, lined, returned, spec } = step;
  if (released - counts.succeeded - lined - returned.length >= spec.maxParallel) return undefined;
  const [first] = returned;
  if (first !== undefined) {
    step.returned = without(returned, first);
    return first;
  }
  if (released === spec.count) return undefined;
  step.released++;
  return step.tasks[released];
}

const without = (tasks: readonly TaskRecord[], gone: TaskRecord): readonly TaskRecord[] =>
  tasks.filter((task) => task !== gone);

/** With one more, in the order of their indexes. */
export function withReturned(
  tasks: readonly TaskRecord[],
  task: TaskRecord,
): readonly TaskRecord[] {
  const at = tasks.findIndex(({ index }) => index > task.index);
  return at === -1 ? [...tasks, task] : tasks.toSpliced(at, 0, task);
}
