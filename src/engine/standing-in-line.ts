import { assert } from '../base/assert.ts';
import type { TimeMs } from '../base/units.ts';
import type { Event } from '../model/messages.ts';
import { looksAround } from '../scheduling/company.ts';
import { nodeLabels } from '../scheduling/filters/node-labels.ts';
import type { NodeTable } from '../scheduling/node-table.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';
import { Deferrals } from './deferrals.ts';
import type { Lines } from './lines.ts';
import { maySpot } from './may-spot.ts';
import { newAttempt } from './new-records.ts';
import { type AttemptRecord, type StepRecord, serve, served, type TaskRecord } from './records.ts';
import type { StartRoom } from './start-room.ts';
import type { State } from './state.ts';
import { metersUse } from './told-use.ts';
import type { WorkloadTable } from './workload-table.ts';

/** Whether tasks of the step may take over places from each other: no rule counts each start by itself. */
export function mayStandInLine(
  { spec, workload }: StepRecord,
  {
    quotas,
    money,
    storage,
    table,
    batches,
  }: Pick<State, 'quotas' | 'money' | 'storage' | 'table' | 'batches'>,
): boolean {
  if (spec.gangMin !== undefined || spec.run.kind === 'held') return false;
  if (spec.service !== undefined) return false;
  if (Deferrals.mayDefer({ spec, workload }) || batches.governs(workload.spec.queue)) return false;
  // Each is a program of its own, or may not need to be run.
  if (spec.flow?.holes !== undefined || spec.flow?.cache !== undefined) return false;
  if (looksAround(spec.constraints)) return false;
  // What each of them tells of its use is held to limits.
  if (metersUse(workload.spec, spec)) return false;
  // What its node costs, or how many more are on such nodes, may have changed meanwhile.
  if (maySpot(spec, workload.spec, table.spot.policy)) return false;
  if (money.limits(workload) || spec.limits.cost !== undefined) return false;
  // Its first phase begins anew, when others counted on the last.
  if (spec.constraints?.scratch !== undefined) return false;
  if (storage?.governs(workload.tenant) === true) return false;
  return quotas?.governs(workload.spec.queue, workload.tenant) !== true;
}

/** Whether its node still has and allows what it holds there: it may have shrunk. */
export function isRoomFor({ placement, task }: AttemptRecord, table: NodeTable): boolean {
  const row = table.rowOf(placement.node);
  if (row === undefined) return false;
  const { gpus, closed } = table.node(row)!;
  const { constraints } = task.step.spec;
  return (
    closed === undefined &&
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
    const { placement } = behind;
    const attempt = newAttempt(task, task.attempts.length + 1, { placement, at: event.at });
    task.attempts = [...task.attempts, attempt];
    task.state = 'lined-up';
    step.lined++;
    lines.add(attempt, behind);
    behind = attempt;
  }
  return behind.task.step;
}

/** The next task that `maxParallel` no longer holds back, taken from those that it does. */
export function letIn(step: StepRecord, room: StartRoom | undefined): TaskRecord | undefined {
  const { released, counts, lined, returned, spec } = step;
  if (released - counts.succeeded - lined - returned.length >= spec.maxParallel) return undefined;
  if (returned.length === 0 && released === spec.count) return undefined;
  if (room?.refusal(step) !== undefined) return undefined;
  room?.take(step);
  const [first] = returned;
  if (first !== undefined) {
    step.returned = without(returned, first);
    return first;
  }
  step.released++;
  return step.tasks[released];
}

const without = (tasks: readonly TaskRecord[], gone: TaskRecord): readonly TaskRecord[] =>
  tasks.filter((task) => task !== gone);

/** The attempt will never begin, and held nothing. */
export function leaveLine(attempt: AttemptRecord, lines: Lines, at: TimeMs): void {
  const { step } = attempt.task;
  attempt.placedAt = at;
  step.lined--;
  step.counts.waiting--;
  serve(attempt);
  served(attempt);
  lines.drop(attempt);
}

/** Its task is held back again until there is room. */
export function comeBack(task: TaskRecord): void {
  const { step } = task;
  task.unstarted++;
  task.state = 'held-back';
  step.counts.waiting++;
  const at = step.returned.findIndex(({ index }) => index > task.index);
  step.returned = step.returned.toSpliced(at === -1 ? step.returned.length : at, 0, task);
}
