import { addAmount, type Bytes, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { AttemptEnd, StopReason } from '../model/attempt.ts';
import {
  type AttemptId,
  type StepId,
  type TenantId,
  taskId,
  type WorkloadId,
} from '../model/ids.ts';
import type { EndState, Placement } from '../model/messages.ts';
import type { Preemption } from '../model/preemption.ts';
import type { Resources } from '../model/resources.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import type { Candidate, Gang } from '../scheduling/scheduler.ts';
import type { ShapeIndex } from '../scheduling/shape.ts';
import { over } from '../scheduling/usage-account.ts';

/** The tables behind the engine. Mutable, and written by `apply` alone. */

export interface WorkloadRecord {
  readonly id: WorkloadId;
  readonly number: number;
  readonly tenant: TenantId;
  readonly spec: WorkloadSpec;
  readonly submittedAt: TimeMs;
  startedAt: TimeMs | undefined;
  endedAt: TimeMs | undefined;
  state: 'active' | EndState;
  cancelledBy: TenantId | undefined;
  readonly steps: readonly StepRecord[];
  /** What its ended attempts held × time, in milli-CPU-seconds and milli-GPU-seconds. */
  readonly attained: { cpu: number; gpu: number };
}

export interface StepRecord {
  readonly workload: WorkloadRecord;
  readonly index: number;
  readonly spec: StepSpec;
  /** `blocked` until every step it needs has succeeded. */
  state: 'blocked' | 'open' | EndState | 'skipped';
  /** Steps of `needs` that have not succeeded yet. */
  unmet: number;
  /** Indexes of the steps that need this one. */
  readonly dependents: readonly number[];
  endedAt: TimeMs | undefined;
  /** Made when the step opens; empty before. */
  tasks: TaskRecord[];
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
  /** Memory limit of the next attempt. */
  memoryLimit: Bytes;
  dueAt: TimeMs | undefined;
  /** Attempts that were stopped for others: they count against no retry. */
  preempted: number;
  /** Attempts that were never begun: they count against no retry either. */
  unstarted: number;
  waitingSince: TimeMs;
  readonly attempts: AttemptRecord[];
}

export interface AttemptRecord {
  readonly id: AttemptId;
  readonly task: TaskRecord;
  readonly number: number;
  readonly placement: Placement;
  /** Since when it holds its place; in line, since when it stands there. */
  placedAt: TimeMs;
  startedAt: TimeMs | undefined;
  pid: number | undefined;
  stop: StopReason | undefined;
  /** It was stopped for others; absent when it was stopped with its gang. */
  preemption: PreemptionRecord | undefined;
  end: AttemptEnd | undefined;
  endedAt: TimeMs | undefined;
  /** Whose place it takes over; absent once it has. */
  behind: AttemptRecord | undefined;
  /** Who takes over its place. */
  next: AttemptRecord | undefined;
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

const NOBODY: readonly TaskRecord[] = [];

export const stepNamed = (workload: WorkloadRecord, id: StepId): StepRecord | undefined =>
  workload.steps.find((step) => step.spec.id === id);

export const currentAttempt = (task: TaskRecord): AttemptRecord | undefined => task.attempts.at(-1);

/** A workload as it stands right after it was submitted. */
export function newWorkload(
  id: WorkloadId,
  tenant: TenantId,
  spec: WorkloadSpec,
  at: TimeMs,
): WorkloadRecord {
  const workload: WorkloadRecord & { steps: readonly StepRecord[] } = {
    id,
    number: Number(id),
    tenant,
    spec,
    submittedAt: at,
    startedAt: undefined,
    endedAt: undefined,
    state: 'active',
    cancelledBy: undefined,
    steps: [],
    attained: { cpu: 0, gpu: 0 },
  };
  const dependents = new Map<StepId, number[]>(spec.steps.map((step) => [step.id, []]));
  spec.steps.forEach((step, index) => {
    for (const need of step.needs) dependents.get(need)!.push(index);
  });
  // Of exact length: an array that grows keeps room for more, which a million waiting jobs would pay for.
  workload.steps = Array.from(
    spec.steps,
    (step, index): StepRecord => ({
      workload,
      index,
      spec: step,
      state: 'blocked',
      unmet: step.needs.length,
      dependents: dependents.get(step.id)!,
      endedAt: undefined,
      tasks: [],
      counts: { waiting: step.count, running: 0, succeeded: 0, failed: 0, cancelled: 0 },
      gang: undefined,
      released: 0,
      lined: 0,
      returned: NOBODY,
      queued: 0,
      queuedPlain: 0,
      paceEnds: 0,
      paceMs: 0,
    }),
  );
  for (const step of workload.steps) step.gang = gangOf(step);
  return workload;
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
    queue: workload.spec.queue,
    priority: workload.spec.priority,
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
    unstarted: 0,
    attempts: [],
  };
}

export function newAttempt(
  id: AttemptId,
  task: TaskRecord,
  placement: Placement,
  at: TimeMs,
): AttemptRecord {
  return {
    id,
    task,
    number: task.attempts.length + 1,
    placement,
    placedAt: at,
    startedAt: undefined,
    pid: undefined,
    stop: undefined,
    preemption: undefined,
    end: undefined,
    endedAt: undefined,
    behind: undefined,
    next: undefined,
  };
}

/** After an attempt ended: what it held counts as served. */
export function attain(attempt: AttemptRecord): void {
  const { task, placement, placedAt, endedAt } = attempt;
  if (endedAt === undefined) return;
  const { attained } = task.step.workload;
  attained.cpu = addAmount(attained.cpu, over(placement.held.cpu, endedAt - placedAt));
  attained.gpu = addAmount(attained.gpu, over(placement.held.gpu, endedAt - placedAt));
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

/** A step that failed, or whose workload was cancelled, starts nothing more. */
export const startsMore = (step: StepRecord): boolean =>
  step.state === 'open' && step.counts.failed === 0 && step.workload.cancelledBy === undefined;
