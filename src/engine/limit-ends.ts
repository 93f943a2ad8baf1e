import { formatSpan } from '../base/format.ts';
import { Heap } from '../base/heap.ts';
import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Event } from '../model/messages.ts';
import type { WorkloadRecord } from './records.ts';

interface Due {
  readonly at: TimeMs;
  readonly workload: WorkloadRecord;
}

/** When workloads have run for as long as they may. An entry that is no longer true is dropped when it comes up. */
export class LimitEnds {
  readonly #heap = new Heap<Due>((a, b) =>
    a.at === b.at ? a.workload.number < b.workload.number : a.at < b.at,
  );

  /** It has started. */
  add(workload: WorkloadRecord): void {
    const { startedAt, spec } = workload;
    const executionMs = spec.limits?.executionMs ?? UNLIMITED;
    if (startedAt === undefined || executionMs === UNLIMITED) return;
    this.#heap.push({ at: (startedAt + executionMs) as TimeMs, workload });
  }

  first(): Due | undefined {
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined || mayEnd(first.workload)) return first;
      this.#heap.pop();
    }
  }

  next(at: TimeMs): Event | undefined {
    const due = this.first();
    if (due === undefined || due.at > at) return undefined;
    const { id, spec } = due.workload;
    const message = `The workload ran longer than its limit of ${formatSpan(spec.limits!.executionMs)}.`;
    const reached = { limit: 'execution-time', stops: true, message } as const;
    return { kind: 'limit-reached', at, workload: id, reached };
  }
}

const mayEnd = ({ state, limitReached, cancelledBy }: WorkloadRecord): boolean =>
  state === 'active' && cancelledBy === undefined && limitReached?.stops !== true;
