import { formatSpan } from '../base/format.ts';
import { spanMs, type TimeMs } from '../base/units.ts';
import type { TaskId } from '../model/ids.ts';
import { taskId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import { replicasOf, type UpdateTerms } from '../model/service.ts';
import {
  currentAttempt,
  type StepRecord,
  type TaskRecord,
  type WorkloadRecord,
} from './records.ts';
import { countOf, isGone, isLive, isReady, stepOf, updateBounds } from './service-record.ts';

/** Early ends of one replica in a row at which a new revision gives way; in a canary the first is enough. */
const FAILURES_ALLOWED = { canary: 0, 'blue-green': 1, rolling: 1 } as const;

/**
 * The next fact that follows for a service at `at`: what is stopped, which update gives way or is over, which
 * replica comes or goes. One at a time; reads the records and writes nothing.
 */
export function nextServiceEvent(workload: WorkloadRecord, at: TimeMs): Event | undefined {
  if (workload.state !== 'active') return undefined;
  const stop = nextStop(workload, at);
  if (stop !== undefined || workload.cancelledBy !== undefined) return stop;
  return (
    nextRollback(workload, at) ?? nextPhase(workload, at) ?? nextReplica(workload, at) ?? undefined
  );
}

/** When that may change although nothing happens: a drain, a hold or a deadline is over. */
export function serviceDueAt(workload: WorkloadRecord): TimeMs | undefined {
  if (workload.state !== 'active') return undefined;
  let due = Number.POSITIVE_INFINITY;
  for (const task of running(workload)) {
    const attempt = currentAttempt(task)!;
    if (task.retiringSince === undefined || attempt.stop !== undefined) continue;
    due = Math.min(due, task.retiringSince + termsOf(task.step).drainMs);
  }
  const { rollout } = workload.service!;
  if (rollout !== undefined && workload.cancelledBy === undefined) {
    const { update } = targetTerms(workload);
    if (mayRollBack(workload)) due = Math.min(due, rollout.progressAt + update.deadlineMs);
    const held = rollout.phase === 'canary' ? canariesSince(workload) : undefined;
    if (held !== undefined) due = Math.min(due, held + update.canary.holdMs);
  }
  return due === Number.POSITIVE_INFINITY ? undefined : (due as TimeMs);
}

const termsOf = ({ spec }: StepRecord) => spec.service!;
const targetTerms = (workload: WorkloadRecord) =>
  termsOf(stepOf(workload, workload.service!.target));

function* running({ steps }: WorkloadRecord): Iterable<TaskRecord> {
  for (const step of steps) {
    if (step.counts.running === 0) continue;
    for (const task of step.tasks) if (task.state === 'running') yield task;
  }
}

/** What a probe found failing, and what is drained. */
function nextStop(workload: WorkloadRecord, at: TimeMs): Event | undefined {
  for (const task of running(workload)) {
    const attempt = currentAttempt(task)!;
    if (attempt.stop !== undefined) continue;
    const { retiringSince } = task;
    if (retiringSince !== undefined && at >= retiringSince + termsOf(task.step).drainMs) {
      return { kind: 'stop-ordered', at, attempt: attempt.id, reason: 'cancelled' };
    }
    if (attempt.health?.isFailing === true) {
      return { kind: 'stop-ordered', at, attempt: attempt.id, reason: 'unhealthy' };
    }
  }
  return undefined;
}

function mayRollBack(workload: WorkloadRecord): boolean {
  const { rollout, target, stable } = workload.service!;
  if (rollout === undefined || rollout.isBack || target === stable) return false;
  return targetTerms(workload).update.rollback;
}

function nextRollback(workload: WorkloadRecord, at: TimeMs): Event | undefined {
  if (!mayRollBack(workload)) return undefined;
  const { rollout, target, stable } = workload.service!;
  const reason = failureOf(stepOf(workload, target), FAILURES_ALLOWED[rollout!.phase]);
  const { deadlineMs } = targetTerms(workload).update;
  const late = at >= rollout!.progressAt + deadlineMs;
  if (reason === undefined && !late) return undefined;
  return {
    kind: 'service-rolled-back',
    at,
    workload: workload.id,
    from: target,
    to: stable,
    reason: reason ?? `no new replica became ready within ${formatSpan(spanMs(deadlineMs))}`,
  };
}

function failureOf(step: StepRecord, allowed: number): string | undefined {
  const task = step.tasks.find(({ inRow }) => inRow > allowed);
  if (task === undefined) return undefined;
  const attempt = task.attempts.findLast(({ end }) => end !== undefined)!;
  const { cause, message } = attempt.end!;
  const why = attempt.health?.isFailing ? attempt.health.detail : (message ?? '');
  return `${attempt.id} ended: ${cause}${why === '' ? '' : ` (${why})`}`;
}

/** A canary that has held, and an update that is over. */
function nextPhase(workload: WorkloadRecord, at: TimeMs): Event | undefined {
  const { rollout, target, replicas } = workload.service!;
  if (rollout === undefined) return undefined;
  const { update } = targetTerms(workload);
  const revision = target;
  if (rollout.phase === 'canary') {
    const since = canariesSince(workload);
    if (since === undefined || at < since + update.canary.holdMs) return undefined;
    return { kind: 'canary-passed', at, workload: workload.id, revision };
  }
  const step = stepOf(workload, target);
  const isOver =
    countOf(step.tasks, isLive) === replicas &&
    countOf(step.tasks, isReady) === replicas &&
    others(workload).every(({ tasks }) => tasks.every(isGone));
  return isOver ? { kind: 'rollout-finished', at, workload: workload.id, revision } : undefined;
}

/** Since when all canaries are ready; undefined while one is not. */
function canariesSince(workload: WorkloadRecord): number | undefined {
  const { target, replicas } = workload.service!;
  const live = stepOf(workload, target).tasks.filter(isLive);
  if (live.length < canaryCount(targetTerms(workload).update, replicas)) return undefined;
  if (!live.every(isReady)) return undefined;
  return live.reduce((last, task) => {
    return Math.max(last, currentAttempt(task)!.health!.readySince!);
  }, 0);
}

const canaryCount = ({ canary }: UpdateTerms, replicas: number): number =>
  Math.min(replicas, Math.max(1, replicasOf(canary.replicas, replicas, Math.ceil)));

const others = (workload: WorkloadRecord): StepRecord[] => {
  const target = stepOf(workload, workload.service!.target);
  return workload.steps.filter((step) => step !== target && step.state === 'open');
};

function nextReplica(workload: WorkloadRecord, at: TimeMs): Event | undefined {
  const { rollout, target, stable, replicas } = workload.service!;
  const step = stepOf(workload, target);
  switch (rollout?.phase) {
    case undefined:
      return keep(step, replicas, at);
    case 'rolling':
      return roll(workload, step, at);
    case 'canary': {
      const base = stepOf(workload, stable);
      const canaries = canaryCount(termsOf(step).update, replicas);
      const room = replicas + updateBounds(workload).surge + canaries - occupied(workload.steps);
      return roll(workload, base, at, { step, room }) ?? keep(step, canaries, at, room);
    }
    case 'blue-green':
      return switchOver(workload, step, at);
  }
}

/** Exactly so many of one revision; at most `room` more at once. */
function keep(step: StepRecord, wanted: number, at: TimeMs, room = wanted): Event | undefined {
  const live = countOf(step.tasks, isLive);
  if (live < wanted) return room > 0 ? open(step, at) : undefined;
  return live > wanted ? retire(leastUseful(step.tasks.filter(isLive)), at) : undefined;
}

/** What leaves counts until it is gone. */
const occupied = (steps: readonly StepRecord[]): number =>
  steps.reduce((sum, { tasks }) => sum + countOf(tasks, (task) => !isGone(task)), 0);

/** All of `to` beside the others, at most twice as many as are wanted; once all are ready, the others leave. */
function switchOver(workload: WorkloadRecord, to: StepRecord, at: TimeMs): Event | undefined {
  const { replicas } = workload.service!;
  const room = 2 * replicas - occupied(workload.steps);
  const grown = keep(to, replicas, at, room);
  if (grown !== undefined) return grown;
  const old = others(workload).flatMap(({ tasks }) => tasks.filter(isLive));
  const least = leastUseful(old);
  if (least === undefined) return undefined;
  const ready = countOf(to.tasks, isReady);
  if (ready >= replicas) return retire(least, at);
  // Of updates that were overtaken there may be too many to begin.
  const isSpare = !isReady(least) || ready + countOf(old, isReady) > replicas;
  const isFull = room <= 0 && countOf(to.tasks, isLive) < replicas;
  return isFull && old.length > replicas && isSpare ? retire(least, at) : undefined;
}

/**
 * One step from all other revisions to `to`: never more than the surge above what is wanted, with those that
 * leave counted, and no ready replica is taken away when too few would be left. The canaries are let be.
 */
function roll(
  workload: WorkloadRecord,
  to: StepRecord,
  at: TimeMs,
  apart?: { readonly step: StepRecord; readonly room: number },
): Event | undefined {
  const { replicas } = workload.service!;
  const { surge, unavailable } = updateBounds(workload);
  const steps = workload.steps.filter((step) => step.state === 'open' && step !== apart?.step);
  const all = steps.flatMap(({ tasks }) => tasks);
  const old = all.filter((task) => task.step !== to && isLive(task));
  const mine = to.tasks.filter(isLive);
  const room = Math.min(apart?.room ?? replicas + surge, replicas + surge - occupied(steps));
  if (mine.length < replicas && room > 0) return open(to, at);
  const least = replicas - unavailable;
  const ready = countOf(all, isReady);
  const unreadyNew = mine.length - countOf(mine, isReady);
  const surplus = mine.length > replicas ? mine : [];
  const { stable } = workload.service!;
  // Of an update that was overtaken, the revision in between goes first.
  const between = old.filter(({ step }) => step !== stepOf(workload, stable));
  for (const group of [between, old, surplus]) {
    const task = leastUseful(group);
    if (task === undefined) continue;
    const spare = isReady(task)
      ? ready - least
      : group === surplus
        ? 1
        : old.length + mine.length - least - unreadyNew;
    if (spare > 0) return retire(task, at);
  }
  return undefined;
}

/** What has not started goes first, then what is not ready, then the one that was opened last. */
function leastUseful(tasks: readonly TaskRecord[]): TaskRecord | undefined {
  const use = (task: TaskRecord): number => (isReady(task) ? 2 : task.state === 'running' ? 1 : 0);
  return tasks.reduce<TaskRecord | undefined>((least, task) => {
    if (least === undefined) return task;
    return use(task) < use(least) || (use(task) === use(least) && task.index > least.index)
      ? task
      : least;
  }, undefined);
}

/** The first place that is free again, or a new one. */
function open(step: StepRecord, at: TimeMs): Event {
  const index = step.tasks.findIndex(isGone);
  const task = index >= 0 ? step.tasks[index]!.id : newId(step);
  return { kind: 'replica-opened', at, task };
}

const newId = ({ workload, spec, tasks }: StepRecord): TaskId =>
  taskId(workload.id, spec.id, tasks.length);

const retire = (task: TaskRecord | undefined, at: TimeMs): Event | undefined =>
  task && { kind: 'replica-retired', at, task: task.id };
