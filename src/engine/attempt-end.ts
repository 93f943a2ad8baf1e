import { type AttemptEnd, causeOfStop, type EndCause, type StopReason } from '../model/attempt.ts';
import { newerTerms } from './live-changes.ts';
import { type AttemptRecord, outputCharsOf, stopOf, type WorkloadRecord } from './records.ts';
import type { State } from './state.ts';
import { exceededBy, toldBy } from './told-use.ts';

/**
 * The end as a driver told it, and what only the engine knows: what it was stopped for, and what became of
 * changes that were made while it ran.
 */
export function endAsKnown(state: State, attempt: AttemptRecord, told: AttemptEnd): AttemptEnd {
  const { live, stop } = attempt;
  const used = toldBy(attempt, told.used);
  // In one batch with what stops its workload, before any order.
  const order = stop ?? stopOf(attempt.task.step.workload);
  const isOrdered = byOrder.has(told.cause);
  const exceeded = byItself.has(told.cause) ? exceededBy(attempt, used) : undefined;
  const seen = isOrdered ? causeOfOrder(order) : savedAndGone(attempt, told.cause);
  const failed = seen === 'preempted' && failsOnNotice(state, attempt);
  const cause = exceeded?.cause ?? (failed ? 'failed' : seen);
  const why =
    exceeded?.message ??
    (cause === 'over-limit'
      ? attempt.task.step.workload.limitReached?.message
      : seen === 'preempted' || cause === 'over-budget'
        ? whyStopped(state, attempt)
        : isOrdered && order === undefined
          ? `Its driver says that it was stopped (${told.cause}): nobody had ordered that.`
          : undefined);
  const message = [why, told.message].filter((part) => part !== undefined).join(' ');
  const enforced =
    live?.terms === undefined
      ? told.enforced
      : { ...told.enforced, terms: newerTerms(told.enforced.terms, live.terms) };
  const { used: _, ...plain } = told;
  const end = {
    ...plain,
    cause,
    enforced,
    ...(used && { used }),
    ...(message !== '' && { message }),
  };
  return withinBound(end, attempt.task.step.workload);
}

/** Ends that only an order of the engine makes. */
const byOrder: ReadonlySet<EndCause> = new Set([
  'cancelled',
  'preempted',
  'over-limit',
  'over-budget',
]);

/**
 * A driver only knows that it was told to stop it, and one that was stopped before it was begun ends as `cancelled`,
 * whatever for. Where nobody ordered it, its work is gone for a reason that nobody knows: it is tried again as its
 * policy says. As `cancelled` it would end its step, of which others still wait.
 */
function causeOfOrder(stop: StopReason | undefined): EndCause {
  if (stop === undefined) return 'lost';
  return stop === 'over-limit' ? stop : causeOfStop(stop);
}

/**
 * Who was asked to save his work before he is stopped may end by himself, with whatever exit code, and before
 * his shim has heard of the order.
 */
function savedAndGone({ stop, task }: AttemptRecord, cause: EndCause): EndCause {
  const saves = task.step.spec.execution?.checkpoint !== undefined && stop !== undefined;
  const ended = cause === 'failed' || cause === 'signalled';
  return saves && ended && causeOfStop(stop) === 'preempted' ? 'preempted' : cause;
}

/** Ends in which it did its work, or was told to stop: that it went beyond its limits says more. */
const byItself: ReadonlySet<EndCause> = new Set(['succeeded', 'failed', 'signalled', 'cancelled']);

/** Its node is taken away, and the site says that this is its end. */
export const failsOnNotice = (state: State, { stop, task }: AttemptRecord): boolean =>
  stop === 'spot' &&
  task.step.spec.service === undefined &&
  state.table.spot.policy?.onInterruption === 'fail';

/** What tasks of one workload say of their results, together: all of it goes into the journal again when it is gone on with. */
export const OUTPUT_CHARS_MAX = 8 * 1024 * 1024;

function withinBound(end: AttemptEnd, { outputChars }: WorkloadRecord): AttemptEnd {
  if (outputChars + outputCharsOf(end.outputs) <= OUTPUT_CHARS_MAX) return end;
  const { outputs: _, ...rest } = end;
  const why = `Its outputs are left out: those of its workload are more than ${OUTPUT_CHARS_MAX / 1024 ** 2} MiB together.`;
  return { ...rest, message: end.message === undefined ? why : `${why} ${end.message}` };
}

function whyStopped(state: State, { id, stop, placement }: AttemptRecord): string | undefined {
  const { node } = placement;
  if (stop === 'over-budget')
    return 'What was reserved for it is used up, and there is no money for more.';
  if (stop === 'spot') return `Spot notice: ${node} is taken away.`;
  if (stop === 'moved') return `Moved away from ${node}.`;
  const eviction = stop === 'evicted' ? state.live.lastEviction(node)?.eviction : undefined;
  if (eviction?.attempt !== id) return undefined;
  return `Evicted from ${node} (${eviction.threshold} for ${eviction.qos}).`;
}
