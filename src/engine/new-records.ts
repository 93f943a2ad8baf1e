import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { FlowValue, Resumption, TakenOver } from '../model/flow.ts';
import { attemptId, type StepId, type TenantId, taskId, type WorkloadId } from '../model/ids.ts';
import type { Placement } from '../model/messages.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import { Service } from '../scheduling/attained.ts';
import type { Gang } from '../scheduling/scheduler.ts';
import type { ShapeIndex } from '../scheduling/shape.ts';
import {
  type AttemptRecord,
  leaseEnd,
  NOTHING_SPENT,
  outputCharsOf,
  type StepRecord,
  stepNamed,
  type TaskRecord,
  type WorkloadRecord,
} from './records.ts';
import { newService } from './service-record.ts';

const NONE: readonly never[] = [];

/** A workload as it stands right after it was submitted. */
export function newWorkload(
  id: WorkloadId,
  tenant: TenantId,
  spec: WorkloadSpec,
  at: TimeMs,
  resumes?: Resumption,
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
    limitReached: undefined,
    retried: 0,
    outputChars: 0,
    stepsLeft: spec.steps.length,
    resumes: resumes && { from: resumes.from, folder: resumes.folder },
    overBudget: undefined,
    spent: NOTHING_SPENT,
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
  for (const done of resumes?.done ?? []) takeOver(workload, done);
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
    openedAt: undefined,
    batchKind: undefined,
    endedAt: undefined,
    reason: undefined,
    items: undefined,
    takenOver: undefined,
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

/** Its list is known: one task for each item, once it opens. */
export function expand(step: StepRecord, items: readonly FlowValue[]): void {
  const { workload, index } = step;
  step.items = items;
  step.spec = { ...step.spec, count: items.length };
  step.counts.waiting = items.length;
  const steps = workload.spec.steps.with(index, step.spec);
  workload.spec = { ...workload.spec, steps };
}

/** It succeeded in the run that this one goes on with. */
function takeOver(workload: WorkloadRecord, done: TakenOver): void {
  const step = stepNamed(workload, done.step)!;
  const { counts, spec } = step;
  step.state = 'succeeded';
  step.endedAt = workload.submittedAt;
  step.takenOver = done;
  workload.outputChars += done.outputs.reduce((sum, one) => sum + outputCharsOf(one), 0);
  counts.succeeded = spec.count;
  counts.waiting = 0;
  workload.stepsLeft--;
  for (const index of step.dependents) workload.steps[index]!.unmet--;
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
    used: undefined,
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

/** A task of an open step as it stands before its first attempt. */
export function newTask(step: StepRecord, index: number, shape: ShapeIndex): TaskRecord {
  const { workload, spec } = step;
  return {
    step,
    index,
    id: taskId(workload.id, spec.id, index),
    tenant: workload.tenant,
    workloadName: workload.spec.name,
    className: workload.spec.class?.name,
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
