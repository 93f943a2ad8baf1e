import { assert, assertNever } from '../base/assert.ts';
import type { TimeMs } from '../base/units.ts';
import { parseAttemptId, type TaskId } from '../model/ids.ts';
import type { ServiceEvent } from '../model/service-event.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import { newStep, newTask } from './new-records.ts';
import type { AttemptRecord, StepRecord, TaskRecord, WorkloadRecord } from './records.ts';
import {
  ATTEMPTS_KEPT,
  countOf,
  isReady,
  nextHealth,
  REVISIONS_KEPT,
  type Revision,
  type Rollout,
  type ServiceRecord,
  stepIdOf,
  stepOf,
  withScaling,
} from './service-record.ts';
import type { WorkloadTable } from './workload-table.ts';

/** What the state keeps beside the records of a service. */
export interface ServiceTables {
  readonly records: WorkloadTable;
  shapeOf(step: StepRecord): number;
  /** Waits for a place from now on. */
  enqueue(task: TaskRecord): void;
  withdraw(task: TaskRecord): void;
  /** Its tasks count for its queue. */
  counted(workload: WorkloadRecord, sign: 1 | -1): void;
  /** A step, or the whole, may have ended. */
  unsettle(workload: WorkloadRecord): void;
}

/** Writes what became of a service into its records. Chooses nothing. */
export function applyServiceEvent(event: ServiceEvent, tables: ServiceTables): WorkloadRecord {
  switch (event.kind) {
    case 'task-probed': {
      const attempt = tables.records.knownAttempt(event.attempt);
      attempt.health = nextHealth(attempt, event.at, event);
      return noteProgress(attempt, event.at);
    }
    case 'service-scaled':
      return scale(event, tables);
    case 'service-updated':
      return update(event, tables);
    case 'canary-passed': {
      const workload = tables.records.known(event.workload);
      moveOn(workload, { phase: 'rolling', progressAt: event.at });
      return workload;
    }
    case 'service-rolled-back':
      return rollBack(event, tables);
    case 'rollout-finished': {
      const workload = tables.records.known(event.workload);
      workload.service!.rollout = undefined;
      workload.service!.stable = event.revision;
      tables.unsettle(workload);
      return workload;
    }
    case 'replica-opened':
      return openReplica(event.task, event.at, tables);
    case 'replica-retired':
      return retireReplica(event.task, event.at, tables);
    default:
      return assertNever(event);
  }
}

/** What runs without a readiness probe is ready from now on. */
export function noteStarted(attempt: AttemptRecord, at: TimeMs): WorkloadRecord {
  const { workload } = attempt.task.step;
  if (workload.service === undefined) return workload;
  attempt.health = nextHealth(attempt, at);
  return noteProgress(attempt, at);
}

/** One more of the target is ready than ever before: its deadline begins anew. */
function noteProgress(attempt: AttemptRecord, at: TimeMs): WorkloadRecord {
  const { step } = attempt.task;
  const { workload } = step;
  const { rollout, target } = workload.service!;
  if (rollout === undefined || stepOf(workload, target) !== step) return workload;
  const readyMost = countOf(step.tasks, isReady);
  if (readyMost > rollout.readyMost) moveOn(workload, { readyMost, progressAt: at });
  return workload;
}

/** The oldest attempts of a replica are forgotten. */
export function forgetOldest(task: TaskRecord): void {
  const many = task.attempts.length - ATTEMPTS_KEPT;
  if (task.step.spec.service === undefined || many <= 0) return;
  task.attempts = task.attempts.slice(many);
  task.forgotten += many;
}

function moveOn(workload: WorkloadRecord, changes: Partial<Rollout>): void {
  const { rollout } = workload.service!;
  assert(rollout !== undefined, 'an update goes on');
  workload.service!.rollout = { ...rollout, ...changes };
}

function scale(
  { at, workload: id, replicas, auto }: Extract<ServiceEvent, { kind: 'service-scaled' }>,
  tables: ServiceTables,
): WorkloadRecord {
  const workload = tables.records.known(id);
  const service = workload.service!;
  const { replicas: from } = service;
  const made = { at, from, to: replicas, ...(auto && { reason: auto.reason }) };
  tables.counted(workload, -1);
  service.scalings = withScaling(service.scalings, made);
  service.replicas = replicas;
  for (const step of workload.steps) step.spec = { ...step.spec, count: replicas };
  workload.spec = counting(workload.spec, replicas);
  tables.counted(workload, 1);
  return workload;
}

const counting = (spec: WorkloadSpec, count: number): WorkloadSpec => ({
  ...spec,
  steps: spec.steps.map((step): StepSpec => ({ ...step, count })),
});

function update(
  { workload: id, revision, spec, at }: Extract<ServiceEvent, { kind: 'service-updated' }>,
  tables: ServiceTables,
): WorkloadRecord {
  const workload = tables.records.known(id);
  const service = workload.service!;
  const [first] = spec.steps;
  tables.counted(workload, -1);
  service.newest = revision;
  service.target = revision;
  service.replicas = first!.count;
  service.rollout = {
    phase: first!.service!.update.strategy,
    isBack: false,
    progressAt: at,
    readyMost: 0,
  };
  const step = newRevision(workload, { revision, spec });
  step.state = 'open';
  for (const other of workload.steps) other.spec = { ...other.spec, count: service.replicas };
  workload.steps = [...workload.steps, step];
  service.revisions = [...service.revisions, { revision, spec }];
  workload.spec = spec;
  forgetRevisions(workload);
  tables.counted(workload, 1);
  return workload;
}

/** The step that a revision becomes. */
function newRevision(workload: WorkloadRecord, { revision, spec }: Revision): StepRecord {
  const [first] = spec.steps;
  const { base, replicas } = workload.service!;
  const id = revision === 1 ? base : stepIdOf(workload.service!, revision);
  return newStep(workload, { ...first!, id, count: replicas }, revision - 1);
}

/** A service as a snapshot has it, with the steps of its revisions as they stand before their first replica. */
export function restoreService(workload: WorkloadRecord, saved: ServiceRecord): void {
  Object.assign(workload.service!, saved);
  workload.steps = saved.revisions.map((revision) => newRevision(workload, revision));
}

/** Those that ended first, when there are more than are kept. */
function forgetRevisions(workload: WorkloadRecord): void {
  const service = workload.service!;
  let many = workload.steps.filter(({ state }) => state !== 'open').length - REVISIONS_KEPT;
  const kept = workload.steps.map((step) => step.state === 'open' || many-- <= 0);
  workload.steps = workload.steps.filter((_, i) => kept[i]);
  service.revisions = service.revisions.filter((_, i) => kept[i]);
}

function rollBack(
  event: Extract<ServiceEvent, { kind: 'service-rolled-back' }>,
  tables: ServiceTables,
): WorkloadRecord {
  const { at, from, to, reason } = event;
  const workload = tables.records.known(event.workload);
  const service = workload.service!;
  tables.counted(workload, -1);
  service.target = to;
  service.rolledBack = { at, from, to, reason };
  service.rollout = { phase: 'rolling', isBack: true, progressAt: at, readyMost: 0 };
  const back = service.revisions.find(({ revision }) => revision === to)!.spec;
  workload.spec = counting(back, service.replicas);
  tables.counted(workload, 1);
  return workload;
}

function openReplica(id: TaskId, at: TimeMs, tables: ServiceTables): WorkloadRecord {
  const name = parseAttemptId(`${id}.1`);
  assert(name !== undefined, 'a task id of ours');
  const workload = tables.records.known(name.workload);
  const step = workload.steps.find(({ spec }) => spec.id === name.step);
  assert(step?.state === 'open', 'only a revision that goes on gets replicas');
  let task = step.tasks[name.index];
  if (task === undefined) {
    assert(name.index === step.tasks.length, 'replicas are numbered in order');
    task = newTask(step, name.index, tables.shapeOf(step));
    step.tasks = [...step.tasks, task];
  } else {
    assert(task.state === 'cancelled', 'a replica that is gone comes again');
    step.counts.cancelled--;
    task.retiringSince = undefined;
    task.inRow = 0;
  }
  step.counts.waiting++;
  task.waitingSince = at;
  tables.enqueue(task);
  return workload;
}

function retireReplica(id: TaskId, at: TimeMs, tables: ServiceTables): WorkloadRecord {
  const task = tables.records.knownTask(id);
  const { workload, counts } = task.step;
  assert(task.retiringSince === undefined, 'a replica leaves once');
  if (task.state === 'running') {
    // It is stopped when it is drained.
    task.retiringSince = at;
    return workload;
  }
  if (task.state === 'waiting') tables.withdraw(task);
  task.state = 'cancelled';
  task.dueAt = undefined;
  counts.waiting--;
  counts.cancelled++;
  tables.unsettle(workload);
  return workload;
}
