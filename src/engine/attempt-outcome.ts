import { neverFits } from '../admission/never-fits.ts';
import { type Bytes, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { AttemptEnd } from '../model/attempt.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Event, ScheduledRetry } from '../model/messages.ts';
import { isSpot } from '../model/spot.ts';
import { retryAfter } from '../pipeline/retry.ts';
import { lacksDevices } from '../scheduling/row-devices.ts';
import { endAsKnown, failsOnNotice } from './attempt-end.ts';
import { maySpot } from './may-spot.ts';
import {
  type AttemptRecord,
  isNotItsFault,
  isStopped,
  type TaskRecord,
  type WorkloadRecord,
} from './records.ts';
import { restartAfter } from './service-record.ts';
import { StartRoom } from './start-room.ts';
import type { State } from './state.ts';
import { limitPassed } from './told-use.ts';

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
  const end = endAsKnown(state, attempt, told);
  const paid = state.money.chargeFor(attempt, end, at);
  const ended = { kind: 'task-ended', at, attempt: id, end, ...paid } as const;
  const passed = end.used && !isStopped(workload) ? limitPassed(attempt, end.used) : undefined;
  if (passed !== undefined) {
    return [ended, { kind: 'limit-reached', at, workload: workload.id, reached: passed }];
  }
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
  const said = end.message === undefined ? message : `${message} ${end.message}`;
  const last = { ...ended, end: { ...end, message: said } };
  if (workload.limitReached !== undefined || before.isUsedUp) return [last];
  used.set(workload, { ...before, isUsedUp: true });
  const reached = { limit: 'retries', stops: false, message } as const;
  return [last, { kind: 'limit-reached', at, workload: workload.id, reached }];
}

/** Of an attempt after which its task tries again: not those that were stopped for others. */
export const countsAsRetry = (task: TaskRecord, { cause }: AttemptEnd): boolean =>
  !isNotItsFault(cause, task) && task.step.spec.service === undefined;

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
  if (end.cause === 'failed' && failsOnNotice(state, attempt)) return undefined;
  if (end.cause === 'over-budget') {
    return state.money.waitsForMoney(attempt, at) ? { dueAt: at } : undefined;
  }
  const isFree = isNotItsFault(end.cause, task);
  const attempts = isFree ? lostOf(task) + 1 : attempt.number - task.preempted - task.unstarted;
  const allowed = isFree ? { ...policy, maxRetries: UNLIMITED } : policy;
  const limit = attempt.placement.memoryLimit;
  // Nothing else grows, and there may be many nodes to look at.
  const max = end.cause === 'oom-killed' ? memoryMax(state, task) : limit;
  const retry = retryAfter(allowed, attempts, end, { limit, max });
  if (retry === undefined) return undefined;
  const dueAt = (at + retry.delayMs) as TimeMs;
  return retry.memory === undefined ? { dueAt } : { dueAt, memory: retry.memory };
}

const lostOf = ({ attempts }: TaskRecord): number =>
  attempts.filter(({ end }) => end?.cause === 'lost').length;

/** The most memory that a node with all that the step asks for has; 0 when there is none now. */
function memoryMax(state: State, task: TaskRecord): Bytes {
  const { spec, workload } = task.step;
  let most = 0;
  const { policy } = state.table.spot;
  const shuns = policy !== undefined && !maySpot(spec, workload.spec, policy);
  for (const node of state.nodes()) {
    if (node.memory <= most || (shuns && isSpot(node))) continue;
    if (neverFits(spec.id, spec.request, [node], lacksDevices) === undefined) most = node.memory;
  }
  const { queues } = state.scheduler;
  const inQueue = queues?.memoryMax(workload.spec.queue, workload.tenant) ?? most;
  return Math.min(most, inQueue, StartRoom.memoryMax(task)) as Bytes;
}
