import type { AttemptRecord, TaskRecord } from '../../engine/records.ts';
import type { Event } from '../../model/messages.ts';
import { type Vector, vectorOf } from '../../scheduling/usage-account.ts';
import type { TraceJob } from '../trace.ts';

type Ended = Extract<Event, { kind: 'task-ended' }>;

/** Why attempts were cut short. `failed`: of itself, but not as its trace says. */
export const interruptionKinds = [
  'preempted',
  'evicted',
  'spot',
  'moved',
  'node-lost',
  'failed',
  'cancelled',
] as const;
export type InterruptionKind = (typeof interruptionKinds)[number];

interface Held {
  ms: number;
  readonly amounts: [number, number, number];
}

interface Seat {
  vector: Vector;
  readonly placedAt: number;
  /** Of what it held before `since`, × milliseconds. */
  readonly before: [number, number, number];
  since: number;
}

/** How an attempt ended, as far as measures go. All amounts × milliseconds. */
export interface EndedSeat {
  /** What it held last. */
  readonly vector: Vector;
  readonly ms: number;
  readonly held: Vector;
  /** Work that has to be done again, or was for nothing: of this attempt and those before it. */
  readonly lost: Vector;
  /** Held beyond what the work takes by itself: starting, fetching, slowed down by others. */
  readonly overhead: Vector;
  readonly interruption: InterruptionKind | undefined;
}

const NOTHING: Vector = [0, 0, 0];

/**
 * What attempts hold from their place to their end, and how much of it was lost. A task that came to its own end
 * held more than its work takes alone: after interruptions that is work done again (what it had saved it does
 * not do again, so that checkpoints count), otherwise overhead.
 */
export class AttemptBook {
  readonly #seats = new Map<AttemptRecord, Seat>();
  /** Of tasks that try again. */
  readonly #interrupted = new Map<TaskRecord, Held>();

  get running(): number {
    return this.#seats.size;
  }

  seat(attempt: AttemptRecord, at: number): Vector {
    const vector = vectorOf(attempt.placement.held);
    this.#seats.set(attempt, { vector, placedAt: at, before: [0, 0, 0], since: at });
    return vector;
  }

  /** It holds something else from now on. */
  adjust(attempt: AttemptRecord, at: number): readonly [before: Vector, after: Vector] | undefined {
    const seat = this.#seats.get(attempt);
    if (seat === undefined) return undefined;
    const { vector: former } = seat;
    addTimes(seat.before, former, at - seat.since);
    seat.since = at;
    seat.vector = vectorOf(attempt.placement.held);
    return [former, seat.vector];
  }

  /** Undefined of one that never held a place. */
  end(attempt: AttemptRecord, { at, end, retry }: Ended, job: TraceJob | undefined) {
    const seat = this.#seats.get(attempt);
    if (seat === undefined) return undefined;
    this.#seats.delete(attempt);
    const { task } = attempt;
    const held = addTimes([...seat.before], seat.vector, at - seat.since);
    const ms = at - seat.placedAt;
    const course = courseOf(attempt, job);
    const before = this.#interrupted.get(task);
    const ended = { vector: seat.vector, ms, held };
    if (end.cause === course.outcome) {
      this.#interrupted.delete(task);
      const wasted = split({ ms, amounts: held }, before, course.runMs ?? ms + (before?.ms ?? 0));
      return { ...ended, ...wasted, interruption: undefined } satisfies EndedSeat;
    }
    const interruption = kindOf(attempt, end.cause);
    const sum = before ?? { ms: 0, amounts: [0, 0, 0] as [number, number, number] };
    sum.ms += ms;
    addTimes(sum.amounts, held, 1);
    if (retry !== undefined) {
      this.#interrupted.set(task, sum);
      return { ...ended, lost: NOTHING, overhead: NOTHING, interruption } satisfies EndedSeat;
    }
    this.#interrupted.delete(task);
    return { ...ended, lost: sum.amounts, overhead: NOTHING, interruption } satisfies EndedSeat;
  }
}

function split(last: Held, before: Held | undefined, neededMs: number) {
  const allMs = last.ms + (before?.ms ?? 0);
  const excess = Math.max(0, allMs - neededMs);
  if (excess === 0) return { lost: NOTHING, overhead: NOTHING };
  const lostMs = Math.min(before?.ms ?? 0, excess);
  const overheadMs = excess - lostMs;
  return {
    lost:
      before === undefined || before.ms === 0 ? NOTHING : part(before.amounts, lostMs / before.ms),
    overhead: last.ms === 0 ? NOTHING : part(last.amounts, Math.min(1, overheadMs / last.ms)),
  };
}

const part = (amounts: Vector, ratio: number): Vector => [
  amounts[0] * ratio,
  amounts[1] * ratio,
  amounts[2] * ratio,
];

/** What its trace says of it; without a trace, that it succeeds, and nothing of its time. */
function courseOf({ task, number }: AttemptRecord, job: TraceJob | undefined) {
  if (job === undefined) return { outcome: 'succeeded', runMs: undefined };
  const { step, index } = task;
  const which = { step: step.spec.id, index, attempt: number };
  return job.truth?.(which) ?? { outcome: 'succeeded', runMs: job.runMs };
}

function kindOf({ stop }: AttemptRecord, cause: string): InterruptionKind {
  if (cause === 'preempted') {
    return stop === 'evicted' || stop === 'spot' || stop === 'moved' ? stop : 'preempted';
  }
  if (cause === 'lost') return 'node-lost';
  return cause === 'cancelled' ? 'cancelled' : 'failed';
}

/** to += amounts × times; returns `to`. */
export function addTimes(
  to: [number, number, number],
  amounts: Vector,
  times: number,
): [number, number, number] {
  for (let r = 0; r < 3; r++) to[r] = to[r]! + amounts[r]! * times;
  return to;
}
