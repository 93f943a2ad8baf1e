import { neverFits } from '../admission/never-fits.ts';
import { type Bytes, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { AttemptEnd } from '../model/attempt.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Event, ScheduledRetry } from '../model/messages.ts';
import { retryAfter } from '../pipeline/retry.ts';
import { lacksDevices } from '../scheduling/row-devices.ts';
import { newerTerms } from './live-changes.ts';
import { type AttemptRecord, isStopped, type TaskRecord, type WorkloadRecord } from './records.ts';
import { restartAfter } from './service-record.ts';
import { StartRoom } from './start-room.ts';
import type { State } from './state.ts';

/** What is known of an end when nobody reported one. */
export function endWithout(cause: 'lost' | 'unstarted', message: string): AttemptEnd {
  return {
    cause,
    usage: {},
    enforced: { driver: 'unknown', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
    message,
  };
}

/** All of them ended so at once. */
export function endAll(
  state: State,
  at: TimeMs,
  attempts: readonly AttemptRecord[],
  told: AttemptEnd,
): Event[] {
  const used: Used = new Map();
  return attempts.flatMap(({ id }) => endAttempt(state, at, id, told, used));
}

/** Retries by workload that were decided, and are not in the state yet. */
type Used = Map<WorkloadRecord, { retries: number; isUsedUp: boolean }>;

/** The attempt has ended as was told: that, whether its task tries again, and a limit that it may not pass. */
export function endAttempt(
  state: State,
  at: TimeMs,
  id: AttemptId,
  told: AttemptEnd,
  used: Used = new Map(),
): Event[] {
  const attempt = state.attempt(id)!;
  const { task } = attempt;
  const { workload } = task.step;
  const end = explained(state, attempt, told);
  const ended = { kind: 'task-ended', at, attempt: id, end } as const;
  const isLast = isStopped(workload) || task.retiringSince !== undefined;
  if (isLast || end.cause === 'unstarted') return [ended];
  const retry = nextTry(state, attempt, end, at);
  if (retry === undefined) return [ended];
  if (!countsAsRetry(task, end)) return [{ ...ended, retry }];
  const max = workload.spec.limits?.retries ?? UNLIMITED;
  const before = used.get(workload) ?? { retries: workload.retried, isUsedUp: false };
  if (before.retries < max) {
    used.set(workload, { ...before, retries: before.retries + 1 });
    return [{ ...ended, retry }];
  }
  const message = `The workload has used up its retries: ${max}.`;
  const last = { ...ended, end: saying(end, message) };
  if (workload.limitReached !== undefined || before.isUsedUp) return [last];
  used.set(workload, { ...before, isUsedUp: true });
  const reached = { limit: 'retries', stops: false, message } as const;
  return [last, { kind: 'limit-reached', at, workload: workload.id, reached }];
}

/** Of an attempt after which its task tries again: not those that were stopped for others. */
export const countsAsRetry = ({ step }: TaskRecord, { cause }: AttemptEnd): boolean =>
  cause !== 'preempted' && step.spec.service === undefined;

function nextTry(
  state: State,
  attempt: AttemptRecord,
  end: AttemptEnd,
  at: TimeMs,
): ScheduledRetry | undefined {
  const { task } = attempt;
  const { service, retry: policy } = task.step.spec;
  if (service !== undefined) {
    const { delayMs, inRow } = restartAfter(attempt, end, service.restart, at);
    return { dueAt: (at + delayMs) as TimeMs, inRow };
  }
  const attempts = attempt.number - task.preempted - task.unstarted;
  const limit = attempt.placement.memoryLimit;
  const retry = retryAfter(policy, attempts, end, { limit, max: memoryMax(state, task) });
  if (retry === undefined) return undefined;
  const dueAt = (at + retry.delayMs) as TimeMs;
  return retry.memory === undefined ? { dueAt } : { dueAt, memory: retry.memory };
}

/** The most memory that a node with all that the step asks for has; 0 when there is none now. */
function memoryMax(state: State, task: TaskRecord): Bytes {
  const { spec, workload } = task.step;
  let most = 0;
  for (const node of state.nodes()) {
    if (node.memory <= most) continue;
    if (neverFits(spec.id, spec.request, [node], lacksDevices) === undefined) most = node.memory;
  }
  const { queues } = state.scheduler;
  const inQueue = queues?.memoryMax(workload.spec.queue, workload.tenant) ?? most;
  return Math.min(most, inQueue, StartRoom.memoryMax(task)) as Bytes;
}

/** A driver knows only that it was told to stop it; what was changed while it ran stands with all that held it. */
function explained(state: State, attempt: AttemptRecord, told: AttemptEnd): AttemptEnd {
  const { stop, live, task } = attempt;
  let end = told;
  if (told.cause === 'cancelled' && stop === 'unhealthy') end = { ...told, cause: stop };
  if (told.cause === 'cancelled' && stop === 'over-limit') {
    end = saying({ ...told, cause: stop }, task.step.workload.limitReached?.message);
  }
  if (stop === 'evicted') end = evicted(state, attempt, told);
  if (live?.terms === undefined) return end;
  const terms = newerTerms(end.enforced.terms, live.terms);
  return { ...end, enforced: { ...end.enforced, terms } };
}

function evicted(state: State, { id, placement }: AttemptRecord, end: AttemptEnd): AttemptEnd {
  const record = state.live.lastEviction(placement.node);
  if (end.cause !== 'preempted' || record?.eviction.attempt !== id) return end;
  const { threshold, qos, node } = record.eviction;
  return saying(end, `Evicted from ${node} (${threshold} for ${qos}).`);
}

const saying = (end: AttemptEnd, why: string | undefined): AttemptEnd =>
  why === undefined
    ? end
    : { ...end, message: end.message === undefined ? why : `${why} ${end.message}` };
