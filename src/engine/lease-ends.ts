import { Heap } from '../base/heap.ts';
import { spanMs, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { EndCause } from '../model/attempt.ts';
import type { Event } from '../model/messages.ts';
import { type AttemptRecord, currentAttempt, leaseEnd, type WorkloadRecord } from './records.ts';

interface Due {
  readonly at: TimeMs;
  readonly workload: WorkloadRecord;
}

/** When leases end by themselves. An entry that is no longer true is dropped when it comes up. */
export class LeaseEnds {
  readonly #heap = new Heap<Due>((a, b) =>
    a.at === b.at ? a.workload.number < b.workload.number : a.at < b.at,
  );

  add(workload: WorkloadRecord): void {
    const at = dueOf(workload);
    if (at !== undefined) this.#heap.push({ at, workload });
  }

  /** Its holder was heard of. */
  renew(workload: WorkloadRecord, at: TimeMs): void {
    workload.leaseEndsAt = leaseEnd(workload.spec, at);
    this.add(workload);
  }

  /** Placed, or told to stop: it may end sooner from now on. */
  touch(attempt: AttemptRecord, at: TimeMs): void {
    const { workload, spec } = attempt.task.step;
    if (workload.leaseEndsAt === undefined) return;
    if (attempt.stop !== undefined) {
      const graceEndsAt = (at + spec.limits.graceMs) as TimeMs;
      if (graceEndsAt < workload.leaseEndsAt) workload.leaseEndsAt = graceEndsAt;
    }
    this.add(workload);
  }

  /** The first to end. */
  first(): Due | undefined {
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined || dueOf(first.workload) === first.at) return first;
      this.#heap.pop();
    }
  }
}

/** When it ends unless something happens before; undefined for what is no lease, or ends already. */
function dueOf(workload: WorkloadRecord): TimeMs | undefined {
  const { leaseEndsAt, state, cancelledBy, steps } = workload;
  if (leaseEndsAt === undefined || state !== 'active') return undefined;
  const held = heldAttempt(workload);
  if (held === undefined) {
    const waits = cancelledBy === undefined && steps[0]!.endedAt === undefined;
    return waits ? leaseEndsAt : undefined;
  }
  const { wallMs } = steps[0]!.spec.limits;
  return wallMs === UNLIMITED
    ? leaseEndsAt
    : (Math.min(leaseEndsAt, held.placedAt + wallMs) as TimeMs);
}

/** What a lease has, while it has it. */
export function heldAttempt(workload: WorkloadRecord): AttemptRecord | undefined {
  const task = workload.steps[0]!.tasks[0];
  return task?.state === 'running' ? currentAttempt(task) : undefined;
}

/** Who holds one, or waits for one, could not be heard for a while: all are counted from `at`. */
export function renewals(workloads: Iterable<WorkloadRecord>, at: TimeMs): readonly Event[] {
  const events: Event[] = [];
  for (const workload of workloads) {
    if (dueOf(workload) === undefined || heldAttempt(workload)?.stop !== undefined) continue;
    events.push({ kind: 'lease-renewed', at, workload: workload.id });
  }
  return events;
}

/** A lease does not try again: who asked for it would not know. */
export function endOfLease(
  held: AttemptRecord,
  at: TimeMs,
  cause: EndCause,
): Extract<Event, { kind: 'task-ended' }> {
  return {
    kind: 'task-ended',
    at,
    attempt: held.id,
    end: {
      cause,
      usage: { wallMs: spanMs(at - held.placedAt) },
      enforced: { driver: 'unknown', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
      ...(cause === 'lost' && { message: 'its holder was not heard of in time' }),
    },
  };
}
