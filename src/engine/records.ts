import { type Bytes, type MicroDollars, type TimeMs, UNLIMITED } from '../base/units.ts';
import type {
  AttemptEnd,
  EndCause,
  StopReason,
  TermEnforcement,
  ToldUse,
} from '../model/attempt.ts';
import type {
  FlowValue,
  LimitReached,
  Resumption,
  StepEndReason,
  TakenOver,
} from '../model/flow.ts';
import type { AttemptId, StepId, TenantId, WorkloadId } from '../model/ids.ts';
import type { EndState, Placement } from '../model/messages.ts';
import type { BudgetFacts, Reserve } from '../model/money.ts';
import type { Preemption } from '../model/preemption.ts';
import type { Resources } from '../model/resources.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import type { Service } from '../scheduling/attained.ts';
import type { NodeIndex, NodeTable } from '../scheduling/node-table.ts';
import type { Who } from '../scheduling/residents.ts';
import type { Candidate, Gang, Running } from '../scheduling/scheduler.ts';
import type { ShapeIndex, Shapes } from '../scheduling/shape.ts';
import type { LiveRecord } from './live-changes.ts';
import { boundOf } from './may-spot.ts';
import type { Health, ServiceRecord } from './service-record.ts';

/** The tables behind the engine. Mutable, and written by `apply` alone. */

export interface WorkloadRecord {
  readonly id: WorkloadId;
  readonly number: number;
  readonly tenant: TenantId;
  /** Replaced when a service is scaled, updated or rolled back. */
  spec: WorkloadSpec;
  readonly submittedAt: TimeMs;
  startedAt: TimeMs | undefined;
  endedAt: TimeMs | undefined;
  /** −1,000 … 1,000, as last changed. */
  priority: number;
  state: 'active' | EndState;
  /** Or stopped: then by `BY_BUDGET`, and `overBudget` says why. */
  cancelledBy: TenantId | undefined;
  /** The first of its own limits that it reached. */
  limitReached: LimitReached | undefined;
  /** Retries of all its tasks so far; those after they were stopped for others do not count. */
  retried: number;
  /** Characters of JSON that its tasks said of their results, with those taken over of an earlier run. */
  outputChars: number;
  /** Steps that have not ended. */
  stepsLeft: number;
  /** The run that it goes on with. */
  readonly resumes: Pick<Resumption, 'from' | 'folder'> | undefined;
  /** There was no money for the rest of it. */
  overBudget: BudgetFacts | undefined;
  spent: WorkloadSpending;
  /** Of a service one a revision, the newest last; revisions that ended long ago are forgotten. */
  steps: readonly StepRecord[];
  readonly service: ServiceRecord | undefined;
  readonly who: Who;
  readonly attained: Service;
  /** Of a lease: it ends by itself unless its holder is heard of before. */
  leaseEndsAt: TimeMs | undefined;
}

/** What a workload has cost. */
export interface WorkloadSpending {
  /** Of its attempts, and otherwise. */
  readonly charged: number;
  readonly reserved: number;
  /** What its running tasks cost in an hour. */
  readonly perHour: number;
  readonly tokens: number;
  readonly calls: number;
  /** Things without a known price, which cost nothing here. */
  readonly unpriced: readonly string[];
}

/** Shared by all that have cost nothing yet, of which there may be a million. */
export const NOTHING_SPENT: WorkloadSpending = {
  charged: 0,
  reserved: 0,
  perHour: 0,
  tokens: 0,
  calls: 0,
  unpriced: [],
};

export interface StepRecord {
  readonly workload: WorkloadRecord;
  readonly index: number;
  /** Its `count` changes when a service is scaled. */
  spec: StepSpec;
  /** `blocked` until all that it needs is as `isMet` says, and its condition and its list are known. */
  state: 'blocked' | 'open' | EndState | 'skipped';
  /** Steps of `needs` that it still waits for. */
  unmet: number;
  /** Indexes of the steps that need this one. */
  readonly dependents: readonly number[];
  /** Since when its tasks may start; undefined before, and of a service. */
  openedAt: TimeMs | undefined;
  /** Steps of a queue that works in batches with the same text here are of the same one; absent elsewhere. */
  batchKind: string | undefined;
  endedAt: TimeMs | undefined;
  /** Why it ended, where its tasks do not say. */
  reason: StepEndReason | undefined;
  /** What its list came to; absent where it has none, or it is written in the document. */
  items: readonly FlowValue[] | undefined;
  /** It succeeded in an earlier run, and has no tasks here. */
  takenOver: TakenOver | undefined;
  /** Made when the step opens; empty before. */
  tasks: readonly TaskRecord[];
  readonly counts: TaskCounts;
  /** Shared by its tasks; absent when they do not start together. */
  gang: Gang | undefined;
  /** Tasks 0 … released − 1 have been let into the queue or a line; the others wait for `maxParallel`. */
  released: number;
  /** Its tasks that stand in line. */
  lined: number;
  /** Of tasks below `released`, those that came back from a line and are held back again, by index. */
  returned: readonly TaskRecord[];
  /** Its tasks in the queue, and those of them that ask for what the step asks for. */
  queued: number;
  queuedPlain: number;
  /** Of its latest successes in a row: how many, and how long they held their places together. */
  paceEnds: number;
  paceMs: number;
}

export interface TaskCounts {
  waiting: number;
  running: number;
  succeeded: number;
  failed: number;
  cancelled: number;
}

export interface TaskRecord extends Candidate {
  readonly step: StepRecord;
  /** `held-back`: behind `maxParallel`. `resting`: until its retry is due. `lined-up`: see `behind`. */
  state:
    | 'held-back'
    | 'waiting'
    | 'resting'
    | 'lined-up'
    | 'running'
    | 'succeeded'
    | 'failed'
    | 'cancelled';
  shape: ShapeIndex;
  priority: number;
  /** Memory limit of the next attempt. */
  memoryLimit: Bytes;
  dueAt: TimeMs | undefined;
  /** Attempts that were stopped for others: they count against no retry. */
  preempted: number;
  /** Attempts that were never begun: they count against no retry either. */
  unstarted: number;
  waitingSince: TimeMs;
  /** Of a replica: since when it leaves the service. */
  retiringSince: TimeMs | undefined;
  /** Of a replica: how often in a row it has ended early. */
  inRow: number;
  /** The first ones, of which nothing is known any more. */
  forgotten: number;
  /** Replaced when one is added, so that it is as long as it needs to be. */
  attempts: readonly AttemptRecord[];
}

export interface AttemptRecord {
  readonly id: AttemptId;
  readonly task: TaskRecord;
  readonly number: number;
  placement: Placement;
  /** Since when it holds its place; in line, since when it stands there. */
  placedAt: TimeMs;
  startedAt: TimeMs | undefined;
  pid: number | undefined;
  /** What became of its execution terms when it started; its end knows better. */
  terms: readonly TermEnforcement[] | undefined;
  stop: StopReason | undefined;
  /** What it told of its use; absent where it told nothing. */
  used: ToldUse | undefined;
  /** What was changed while it ran; absent when nothing was. */
  live: LiveRecord | undefined;
  /** It was stopped for others; absent when it was stopped with its gang. */
  preemption: PreemptionRecord | undefined;
  /** Absent where nothing of it has a price. */
  cost: AttemptCost | undefined;
  end: AttemptEnd | undefined;
  endedAt: TimeMs | undefined;
  /** What its probes said last, and since when it is ready; absent before any did. */
  health: Health | undefined;
  /** Whose place it takes over; absent once it has. */
  behind: AttemptRecord | undefined;
  /** Who takes over its place. */
  next: AttemptRecord | undefined;
}

export interface AttemptCost {
  readonly reserve: Reserve;
  /** Since when it is not paid. */
  readonly since: TimeMs;
  /** For its time until then. */
  readonly charged: MicroDollars;
}

export interface ToStop {
  readonly attempt: AttemptRecord;
  readonly reason: StopReason;
}

/** Orders that the records themselves do not show. */
export interface SavedOrder {
  /** Attempts that run, in order of placement. */
  readonly running: readonly AttemptId[];
  /** Attempts in line, in the order in which they came there, each with the one before it. */
  readonly lined: readonly (readonly [attempt: AttemptId, behind: AttemptId])[];
  /** Workloads that ended, the first that ended first. */
  readonly ended: readonly WorkloadId[];
}

export interface PreemptionRecord {
  readonly at: TimeMs;
  readonly preemption: Preemption;
  /** Of the task that it was for, until then: with one more it has what it waited for. Absent in old snapshots. */
  readonly attempts?: number;
}

/** What stops a workload that nobody cancelled. */
export const BY_BUDGET = 'budget' as TenantId;

/** More steps than this are looked up by a map. */
const STEPS_SEARCHED = 16;
const byId = new WeakMap<readonly StepRecord[], ReadonlyMap<StepId, StepRecord>>();

export function stepNamed({ steps }: WorkloadRecord, id: StepId): StepRecord | undefined {
  if (steps.length <= STEPS_SEARCHED) return steps.find((step) => step.spec.id === id);
  let map = byId.get(steps);
  if (map === undefined) {
    map = new Map(steps.map((step) => [step.spec.id, step]));
    byId.set(steps, map);
  }
  return map.get(id);
}

export const outputCharsOf = (outputs: AttemptEnd['outputs']): number =>
  outputs === undefined ? 0 : JSON.stringify(outputs).length;

/** How many attempts were made, those forgotten included. */
export const attemptsOf = (task: TaskRecord): number => task.forgotten + task.attempts.length;

export const currentAttempt = (task: TaskRecord): AttemptRecord | undefined => task.attempts.at(-1);

/**
 * Whether a step need not wait for one that it needs any more: with a condition of its own, once that has ended
 * in whatever way; else once it has succeeded, was skipped by its own condition, or may fail.
 */
export function isMet({ spec }: StepRecord, need: StepRecord): boolean {
  if (need.endedAt === undefined) return false;
  return spec.flow?.condition !== undefined || isFine(need);
}

/** Of a step that has ended: what needs it goes on, and its workload may succeed. */
export const isFine = ({ state, reason, spec }: StepRecord): boolean =>
  state === 'succeeded' ||
  (state === 'skipped' && reason?.kind === 'condition') ||
  (state === 'failed' && spec.flow?.onFailure === 'continue');

/** Snapshots from before it was noted know only when the workload was submitted. */
export const readySince = ({ openedAt, workload }: StepRecord): TimeMs =>
  openedAt ?? workload.submittedAt;

/** When a lease ends whose holder was last heard of at `at`; undefined for what is no lease. */
export function leaseEnd(spec: WorkloadSpec, at: TimeMs): TimeMs | undefined {
  const run = spec.steps[0]?.run;
  return run?.kind === 'held' ? ((at + run.ttlMs) as TimeMs) : undefined;
}

/** A gang that lost so many that the rest is of no use: it is stopped, and starts again as one. */
export const isBroken = ({ gang, counts }: StepRecord): boolean =>
  gang !== undefined && counts.running > 0 && gang.alive < gang.min;

/** From `placedAt` on its workload is served. */
export function serve({ task, placement, placedAt, live }: AttemptRecord): void {
  const { attained } = task.step.workload;
  const former = live?.before ?? [];
  attained.start(former[0]?.held ?? placement.held, placedAt);
  former.forEach(({ held, until }, i) => {
    attained.end(held, until);
    attained.start(former[i + 1]?.held ?? placement.held, until);
  });
}

/** After an attempt ended: what it held counts as served. */
export function served({ task, placement, endedAt }: AttemptRecord): void {
  if (endedAt === undefined) return;
  task.step.workload.attained.end(placement.held, endedAt);
  task.waitingSince = endedAt;
}

/** The longest that an attempt of the task may run: until it is killed, or until it is expected to end. */
export function runMaxOf({ step, estimateMs }: TaskRecord): number {
  const { wallMs, graceMs } = step.spec.limits;
  return wallMs === UNLIMITED ? (estimateMs ?? UNLIMITED) : wallMs + graceMs;
}

/** Amount that the task's next attempt asks for: its step's request, with the memory that it grew to. */
export function requestOf(task: Pick<TaskRecord, 'step' | 'memoryLimit'>): Resources {
  const { request, limits } = task.step.spec;
  if (task.memoryLimit === limits.memory || task.memoryLimit <= request.memory) return request;
  return { ...request, memory: task.memoryLimit };
}

/** The shape of the task's next attempt. */
export const shapeOf = (tables: ShapeTables, task: Pick<TaskRecord, 'step' | 'memoryLimit'>) =>
  shapeFor(tables, task.step, requestOf(task));

export interface ShapeTables {
  readonly shapes: Shapes;
  readonly table: Pick<NodeTable, 'spot'>;
}

export function shapeFor(
  { shapes, table }: ShapeTables,
  { spec, workload }: Pick<StepRecord, 'spec' | 'workload'>,
  request = spec.request,
): ShapeIndex {
  const constraints = boundOf(spec, workload.spec, table.spot.policy);
  return shapes.intern(request, constraints, workload.who);
}

/** An attempt as policies see it. */
export function runningOf(attempt: AttemptRecord, row: NodeIndex): Running<TaskRecord> {
  const { id, task, placement, placedAt } = attempt;
  return { attempt: id, task, row, held: placement.held, gpus: placement.gpus, placedAt };
}

/** Why what still runs of it stops; undefined while it goes on. */
export function stopOf(
  workload: WorkloadRecord,
): 'cancelled' | 'over-budget' | 'over-limit' | undefined {
  const { cancelledBy, overBudget, limitReached } = workload;
  if (cancelledBy !== undefined) return overBudget === undefined ? 'cancelled' : 'over-budget';
  return limitReached?.stops === true ? 'over-limit' : undefined;
}

/**
 * It was stopped for others, or until there is money again, or was lost although Berth promised never to give it
 * up: it counts against no retry.
 */
export const isNotItsFault = (cause: EndCause, { step }: Pick<TaskRecord, 'step'>): boolean =>
  cause === 'preempted' ||
  cause === 'over-budget' ||
  (cause === 'lost' && step.workload.spec.guaranteed === true);

/** A step that failed, or whose workload was cancelled, starts nothing more. */
export const startsMore = (step: StepRecord): boolean =>
  step.state === 'open' && step.counts.failed === 0 && !isStopped(step.workload);

/** Nothing of it starts any more, and what runs is stopped. */
export const isStopped = (workload: WorkloadRecord): boolean => stopOf(workload) !== undefined;

/** Of a step that ends: what has not started is not started any more. */
export function cancelWaiting({ tasks, counts }: StepRecord): void {
  for (const task of tasks) {
    if (task.state === 'held-back' || task.state === 'waiting' || task.state === 'resting') {
      task.state = 'cancelled';
    }
  }
  counts.cancelled += counts.waiting;
  counts.waiting = 0;
}
