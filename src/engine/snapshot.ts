import { assert } from '../base/assert.ts';
import type { Bytes, TimeMs } from '../base/units.ts';
import type { AttemptEnd, StopReason, TermEnforcement, ToldUse } from '../model/attempt.ts';
import type { FlowValue, LimitReached, StepEndReason, TakenOver } from '../model/flow.ts';
import type { TenantId, WorkloadId } from '../model/ids.ts';
import type { Placement } from '../model/messages.ts';
import type { BudgetFacts } from '../model/money.ts';
import type { Node } from '../model/node.ts';
import type { WorkloadSpec } from '../model/workload.ts';
import type { SavedState } from './engine-options.ts';
import type { LiveRecord, SavedLive } from './live-changes.ts';
import { saveMemory } from './memory.ts';
import { newAttempt, newTask, newWorkload } from './new-records.ts';
import {
  type AttemptCost,
  type AttemptRecord,
  isMet,
  isNotItsFault,
  NOTHING_SPENT,
  outputCharsOf,
  type PreemptionRecord,
  type StepRecord,
  serve,
  served,
  stepNamed,
  type TaskRecord,
  type WorkloadRecord,
  type WorkloadSpending,
} from './records.ts';
import { UNKNOWN_SHAPE } from './restore-tables.ts';
import { restoreService } from './service-apply.ts';
import type { Health, ServiceRecord } from './service-record.ts';
import type { State } from './state.ts';

/** Raised when the written form of the state changes; an older one is then replayed from the journal. */
export const SNAPSHOT_FORMAT = 4;

interface Snapshot extends SavedBeside {
  readonly format: number;
  readonly workloads: readonly SavedWorkload[];
}

interface SavedBeside extends SavedState {
  readonly nodes: readonly Node[];
  readonly preemptions: readonly PreemptionRecord[];
  readonly live: SavedLive;
}

interface SavedWorkload {
  readonly id: WorkloadId;
  readonly tenant: TenantId;
  readonly spec: WorkloadSpec;
  readonly submittedAt: TimeMs;
  readonly startedAt?: TimeMs | undefined;
  readonly endedAt?: TimeMs | undefined;
  readonly state: WorkloadRecord['state'];
  readonly cancelledBy?: TenantId | undefined;
  readonly limitReached?: LimitReached | undefined;
  readonly retried: number;
  readonly resumes?: WorkloadRecord['resumes'];
  readonly overBudget?: BudgetFacts | undefined;
  /** Absent where it has cost nothing. */
  readonly spent?: SavedSpent | undefined;
  readonly leaseEndsAt?: TimeMs | undefined;
  readonly priority: number;
  /** Its revisions name the steps. */
  readonly service?: ServiceRecord | undefined;
  readonly steps: readonly SavedStep[];
}

type SavedSpent = Pick<WorkloadSpending, 'charged' | 'tokens' | 'calls' | 'unpriced'>;

interface SavedStep {
  readonly state: StepRecord['state'];
  readonly openedAt?: TimeMs | undefined;
  readonly batchKind?: string | undefined;
  readonly endedAt?: TimeMs | undefined;
  readonly reason?: StepEndReason | undefined;
  readonly items?: readonly FlowValue[] | undefined;
  readonly takenOver?: TakenOver | undefined;
  readonly released: number;
  readonly pace: readonly [ends: number, heldMs: number];
  readonly tasks: readonly SavedTask[];
}

interface SavedTask {
  readonly state: TaskRecord['state'];
  readonly memoryLimit: Bytes;
  readonly dueAt?: TimeMs | undefined;
  readonly replica?: SavedReplica;
  readonly attempts: readonly SavedAttempt[];
}

interface SavedReplica {
  readonly retiringSince?: TimeMs | undefined;
  readonly inRow: number;
  readonly forgotten: number;
  readonly preempted: number;
}

interface SavedAttempt {
  readonly placement: Placement;
  readonly placedAt: TimeMs;
  readonly startedAt?: TimeMs | undefined;
  readonly pid?: number | undefined;
  readonly terms?: readonly TermEnforcement[] | undefined;
  readonly stop?: StopReason | undefined;
  readonly used?: ToldUse | undefined;
  readonly cost?: AttemptCost | undefined;
  readonly live?: LiveRecord | undefined;
  readonly end?: AttemptEnd | undefined;
  readonly endedAt?: TimeMs | undefined;
  readonly health?: Health | undefined;
}

/** The state as JSON text: the same for the same events, so that it also serves to compare two states. */
export function takeSnapshot(state: State): string {
  const workloads = Array.from(state.workloads(), saveWorkload);
  return JSON.stringify({ format: SNAPSHOT_FORMAT, ...saveBeside(state), workloads });
}

/** Fills an empty state. The text is our own and its checksum was verified by the store. */
export function restoreSnapshot(state: State, text: string): void {
  const snapshot = JSON.parse(text) as Snapshot;
  assert(snapshot.format === SNAPSHOT_FORMAT, `snapshot format ${snapshot.format}`);
  load(state, snapshot, snapshot.workloads.map(loadWorkload));
}

/**
 * Fills an empty state with what another one has, as its snapshot would, and without the text of that. Both share what
 * never changes: documents, placements, ends, nodes. Of the `same-site` they share shapes, too; on another one each
 * task has the shape that it would have there.
 */
export function copyState(from: State, to: State, onto: 'same-site' | 'other-site'): void {
  const { nodes, order, ...beside } = saveBeside(from);
  const workloads = Array.from(from.workloads(), loadWorkload);
  if (onto === 'same-site') to.shapes.copyOf(from.shapes);
  else for (const workload of workloads) forgetShapes(workload);
  load(to, { nodes, order, ...structuredClone(beside) }, workloads);
}

function forgetShapes({ steps }: WorkloadRecord): void {
  for (const { tasks } of steps) for (const task of tasks) task.shape = UNKNOWN_SHAPE;
}

/** All but the workloads. */
function saveBeside(state: State): SavedBeside {
  return {
    ever: state.workloadsEver,
    nodes: state.nodes(),
    order: state.order(),
    preemptions: state.preemptions,
    memory: saveMemory(state),
    live: state.live.save(),
    ...(state.spilled.size > 0 && { spilled: [...state.spilled.values()] }),
  };
}

function load(state: State, beside: SavedBeside, workloads: readonly WorkloadRecord[]): void {
  for (const node of beside.nodes) state.table.join(node);
  state.restore(workloads, beside);
  state.restorePreemptions(beside.preemptions);
  state.live.restore(beside.live);
}

function saveWorkload(workload: WorkloadRecord): SavedWorkload {
  const { id, tenant, spec, submittedAt, startedAt, endedAt, state } = workload;
  const { cancelledBy, limitReached, retried, resumes, leaseEndsAt, priority, service } = workload;
  const { overBudget } = workload;
  const steps = workload.steps.map((step) => ({
    state: step.state,
    openedAt: step.openedAt,
    batchKind: step.batchKind,
    endedAt: step.endedAt,
    reason: step.reason,
    items: step.items,
    takenOver: step.takenOver,
    released: step.released,
    pace: [step.paceEnds, step.paceMs] as const,
    tasks: step.tasks.map((task) => ({
      state: task.state,
      memoryLimit: task.memoryLimit,
      dueAt: task.dueAt,
      ...(service && { replica: saveReplica(task) }),
      attempts: task.attempts.map(saveAttempt),
    })),
  }));
  const times = { submittedAt, startedAt, endedAt, leaseEndsAt };
  const ends = { state, cancelledBy, limitReached, retried };
  const money = { overBudget, spent: saveSpent(workload) };
  return { id, tenant, spec, ...times, priority, ...ends, ...money, resumes, service, steps };
}

function saveSpent({ spent }: WorkloadRecord): SavedSpent | undefined {
  const { charged, tokens, calls, unpriced } = spent;
  const isNothing = charged === 0 && tokens === 0 && calls === 0 && unpriced.length === 0;
  return isNothing ? undefined : { charged, tokens, calls, unpriced };
}

const saveReplica = ({ retiringSince, inRow, forgotten, preempted }: TaskRecord): SavedReplica => ({
  retiringSince,
  inRow,
  forgotten,
  preempted,
});

function saveAttempt(attempt: AttemptRecord): SavedAttempt {
  const { placement, placedAt, startedAt, pid, terms, stop, used, live, cost } = attempt;
  const { end, endedAt, health } = attempt;
  const times = { placedAt, startedAt };
  return { placement, ...times, pid, terms, stop, used, live, cost, end, endedAt, health };
}

/** A record has all that is saved of it. */
function loadWorkload(saved: SavedWorkload | WorkloadRecord): WorkloadRecord {
  const { resumes: from } = saved;
  const resumes = from && { ...from, done: [] };
  const workload = newWorkload(saved.id, saved.tenant, saved.spec, saved.submittedAt, resumes);
  if (saved.service !== undefined) restoreService(workload, saved.service);
  workload.startedAt = saved.startedAt;
  workload.endedAt = saved.endedAt;
  workload.state = saved.state;
  workload.priority = saved.priority;
  workload.cancelledBy = saved.cancelledBy;
  workload.limitReached = saved.limitReached;
  workload.retried = saved.retried;
  workload.overBudget = saved.overBudget;
  if (saved.spent !== undefined) workload.spent = { ...NOTHING_SPENT, ...saved.spent };
  workload.leaseEndsAt = saved.leaseEndsAt;
  saved.steps.forEach((from, index) => {
    loadStep(workload.steps[index]!, from);
  });
  for (const step of workload.steps) {
    step.unmet = step.spec.needs.filter((need) => !isMet(step, stepNamed(workload, need)!)).length;
  }
  workload.stepsLeft = workload.steps.filter(({ endedAt }) => endedAt === undefined).length;
  return workload;
}

function loadStep(step: StepRecord, saved: SavedStep | StepRecord): void {
  step.state = saved.state;
  step.openedAt = saved.openedAt;
  step.batchKind = saved.batchKind;
  step.endedAt = saved.endedAt;
  step.reason = saved.reason;
  step.items = saved.items;
  step.takenOver = saved.takenOver;
  for (const one of saved.takenOver?.outputs ?? []) step.workload.outputChars += outputCharsOf(one);
  step.released = saved.released;
  [step.paceEnds, step.paceMs] = 'pace' in saved ? saved.pace : [saved.paceEnds, saved.paceMs];
  step.tasks = saved.tasks.map((task, index) => loadTask(step, task, index));
  if (step.spec.service !== undefined) step.counts.waiting = step.tasks.length;
  if (step.endedAt !== undefined && step.tasks.length === 0) {
    const { counts } = step;
    counts[step.takenOver === undefined ? 'cancelled' : 'succeeded'] = counts.waiting;
    counts.waiting = 0;
  }
  for (const task of step.tasks) {
    if (task.state === 'held-back' && task.index < step.released) {
      step.returned = [...step.returned, task];
    }
    if (task.state === 'lined-up') step.lined++;
    if (
      task.state === 'held-back' ||
      task.state === 'waiting' ||
      task.state === 'resting' ||
      task.state === 'lined-up'
    ) {
      continue;
    }
    step.counts.waiting--;
    step.counts[task.state]++;
  }
}

function loadTask(step: StepRecord, saved: SavedTask | TaskRecord, index: number): TaskRecord {
  const task = newTask(step, index, 'shape' in saved ? saved.shape : UNKNOWN_SHAPE);
  task.state = saved.state;
  task.memoryLimit = saved.memoryLimit;
  task.dueAt = saved.dueAt;
  task.preempted = saved.attempts.filter(({ end }) => end && isNotItsFault(end.cause, task)).length;
  task.unstarted = saved.attempts.filter(({ end }) => end?.cause === 'unstarted').length;
  if (step.spec.service !== undefined) {
    Object.assign(task, 'step' in saved ? saveReplica(saved) : saved.replica);
  }
  if (saved.attempts.length === 0) return task;
  for (const { end } of saved.attempts) step.workload.outputChars += outputCharsOf(end?.outputs);
  task.attempts = saved.attempts.map((attempt, i) => {
    const {
      placement,
      placedAt: at,
      ...since
    } = 'task' in attempt ? saveAttempt(attempt) : attempt;
    const record = newAttempt(task, task.forgotten + i + 1, { placement, at });
    return Object.assign(record, since);
  });
  for (const attempt of task.attempts) {
    if (attempt.end === undefined && task.state === 'lined-up') continue;
    serve(attempt);
    served(attempt);
  }
  return task;
}
