import { type Bytes, type MicroDollars, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { AttemptEnd, EndCause, StopReason, TermEnforcement } from '../model/attempt.ts';
import {
  type AttemptId,
  attemptId,
  type StepId,
  type TenantId,
  taskId,
  type WorkloadId,
} from '../model/ids.ts';
import type { EndState, Placement } from '../model/messages.ts';
import type { BudgetFacts, Reserve } from '../model/money.ts';
import type { Preemption } from '../model/preemption.ts';
import type { Resources } from '../model/resources.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import { Service } from '../scheduling/attained.ts';
import type { NodeIndex } from '../scheduling/node-table.ts';
import type { Who } from '../scheduling/residents.ts';
import type { Candidate, Gang, Running } from '../scheduling/scheduler.ts';
import type { ShapeIndex, Shapes } from '../scheduling/shape.ts';
import type { LiveRecord } from './live-changes.ts';
import { type Health, newService, type ServiceRecord } from './service-record.ts';

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
  /** There was no money for the rest of it. */
  overBudget: BudgetFacts | undefined;
  readonly spent: WorkloadSpending;
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
  charged: number;
  reserved: number;
  /** What its running tasks cost in an hour. */
  perHour: number;
  tokens: number;
  calls: number;
  /** Things without a known price, which cost nothing here. */
  unpriced: readonly string[];
}

export interface StepRecord {
  readonly workload: WorkloadRecord;
  readonly index: number;
  /** Its `count` changes when a service is scaled. */
  spec: StepSpec;
  /** `blocked` until every step it needs has succeeded. */
  state: 'blocked' | 'open' | EndState | 'skipped';
  /** Steps of `needs` that have not succeeded yet. */
  unmet: number;
  /** Indexes of the steps that need this one. */
  readonly dependents: readonly number[];
  endedAt: TimeMs | undefined;
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
}

/** What stops a workload that nobody cancelled. */
export const BY_BUDGET = 'budget' as TenantId;

export const stepNamed = (workload: WorkloadRecord, id: StepId): StepRecord | undefined =>
  workload.steps.find((step) => step.spec.id === id);

/** How many attempts were made, those forgotten included. */
export const attemptsOf = (task: TaskRecord): number => task.forgotten + task.attempts.length;

export const currentAttempt = (task: TaskRecord): AttemptRecord | undefined => task.attempts.at(-1);

/** A workload as it stands right after it was submitted. */
export function newWorkload(
  id: WorkloadId,
  tenant: TenantId,
  spec: WorkloadSpec,
  at: TimeMs,
): WorkloadRecord {
  const workload: WorkloadRecord = {
    id,
    number: Number(id),
    tenant,
    spec,
    submittedAt: at,
    startedAt: undefined,
    endedAt: undefined,
    priority: spec.priority,
    state: 'active',
    cancelledBy: undefined,
    overBudget: undefined,
    spent: { charged: 0, reserved: 0, perHour: 0, tokens: 0, calls: 0, unpriced: NONE },
    steps: [],
    service: spec.kind === 'service' ? newService(spec) : undefined,
    who: { workload: id, name: spec.name, labels: spec.labels },
    attained: new Service(at),
    leaseEndsAt: leaseEnd(spec, at),
  };
  const dependents = dependentsOf(spec.steps);
  // Of exact length: an array that grows keeps room for more, which a million waiting jobs would pay for.
  workload.steps = spec.steps.map(
    (step, index): StepRecord => newStep(workload, step, index, dependents?.get(step.id) ?? NONE),
  );
  for (const step of workload.steps) step.gang = gangOf(step);
  return workload;
}

export function newStep(
  workload: WorkloadRecord,
  spec: StepSpec,
  index: number,
  dependents: readonly number[] = NONE,
): StepRecord {
  // Replicas are opened one by one.
  const waiting = spec.service === undefined ? spec.count : 0;
  return {
    workload,
    index,
    spec,
    state: 'blocked',
    unmet: spec.needs.length,
    dependents,
    endedAt: undefined,
    tasks: NONE,
    counts: { waiting, running: 0, succeeded: 0, failed: 0, cancelled: 0 },
    gang: undefined,
    released: 0,
    lined: 0,
    returned: NONE,
    queued: 0,
    queuedPlain: 0,
    paceEnds: 0,
    paceMs: 0,
  };
}

/** When a lease ends whose holder was last heard of at `at`; undefined for what is no lease. */
export function leaseEnd(spec: WorkloadSpec, at: TimeMs): TimeMs | undefined {
  const run = spec.steps[0]?.run;
  return run?.kind === 'held' ? ((at + run.ttlMs) as TimeMs) : undefined;
}

/** An attempt as it stands right after it was placed or put in line. */
export function newAttempt(
  task: TaskRecord,
  number: number,
  placed: { readonly placement: Placement; readonly at: TimeMs },
): AttemptRecord {
  return {
    id: attemptId(task.id, number),
    task,
    number,
    placement: placed.placement,
    placedAt: placed.at,
    startedAt: undefined,
    pid: undefined,
    terms: undefined,
    stop: undefined,
    live: undefined,
    preemption: undefined,
    cost: undefined,
    end: undefined,
    endedAt: undefined,
    health: undefined,
    behind: undefined,
    next: undefined,
  };
}

const NONE: readonly never[] = [];

/** By step, the indexes of those that need it; nothing where none needs another. */
function dependentsOf(steps: readonly StepSpec[]): Map<StepId, number[]> | undefined {
  if (steps.every((step) => step.needs.length === 0)) return undefined;
  const dependents = new Map<StepId, number[]>(steps.map((step) => [step.id, []]));
  steps.forEach((step, index) => {
    for (const need of step.needs) dependents.get(need)!.push(index);
  });
  return dependents;
}

function gangOf({ spec, workload, counts }: StepRecord): Gang | undefined {
  if (spec.gangMin === undefined) return undefined;
  return {
    key: `${workload.id}.${spec.id}`,
    min: spec.gangMin,
    size: spec.count,
    topology: spec.topology,
    get alive() {
      return counts.running + counts.succeeded;
    },
    get running() {
      return counts.running;
    },
  };
}

/** A gang that lost so many that the rest is of no use: it is stopped, and starts again as one. */
export const isBroken = ({ gang, counts }: StepRecord): boolean =>
  gang !== undefined && counts.running > 0 && gang.alive < gang.min;

/** A task of an open step as it stands before its first attempt. */
export function newTask(step: StepRecord, index: number, shape: ShapeIndex): TaskRecord {
  const { workload, spec } = step;
  return {
    step,
    index,
    id: taskId(workload.id, spec.id, index),
    tenant: workload.tenant,
    workloadName: workload.spec.name,
    who: workload.who,
    queue: workload.spec.queue,
    priority: workload.priority,
    age: workload.number,
    submittedAt: workload.submittedAt,
    stepIndex: step.index,
    estimateMs:
      spec.estimateMs ?? (spec.limits.wallMs === UNLIMITED ? undefined : spec.limits.wallMs),
    gang: step.gang,
    stops: spec.stops,
    deadlineAt: workload.spec.deadlineAt,
    waitingSince: workload.submittedAt,
    attained: workload.attained,
    state: 'held-back',
    shape,
    memoryLimit: spec.limits.memory,
    dueAt: undefined,
    preempted: 0,
    retiringSince: undefined,
    inRow: 0,
    forgotten: 0,
    unstarted: 0,
    attempts: NONE,
  };
}

/** The tasks of a step that opens. */
export function newTasks(step: StepRecord, shape: ShapeIndex): TaskRecord[] {
  const { count } = step.spec;
  if (count === 1) return [newTask(step, 0, shape)];
  return Array.from({ length: count }, (_, index) => newTask(step, index, shape));
}

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
export const shapeOf = (shapes: Shapes, task: Pick<TaskRecord, 'step' | 'memoryLimit'>) =>
  shapes.intern(requestOf(task), task.step.spec.constraints, task.step.workload.who);

/** An attempt as policies see it. */
export function runningOf(attempt: AttemptRecord, row: NodeIndex): Running<TaskRecord> {
  const { id, task, placement, placedAt } = attempt;
  return { attempt: id, task, row, held: placement.held, gpus: placement.gpus, placedAt };
}

/** Why what still runs of it stops; undefined while it goes on. */
export function stopOf(workload: WorkloadRecord): 'cancelled' | 'over-budget' | undefined {
  if (workload.cancelledBy === undefined) return undefined;
  return workload.overBudget === undefined ? 'cancelled' : 'over-budget';
}

/** It was stopped for others, or until there is money again: it counts against no retry. */
export const isNotItsFault = (cause: EndCause): boolean =>
  cause === 'preempted' || cause === 'over-budget';

/** A step that failed, or whose workload was cancelled, starts nothing more. */
export const startsMore = (step: StepRecord): boolean =>
  step.state === 'open' && step.counts.failed === 0 && stopOf(step.workload) === undefined;

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
