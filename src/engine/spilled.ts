import { assert } from '../base/assert.ts';
import type { TimeMs } from '../base/units.ts';
import type { QueueName, TenantId, WorkloadId } from '../model/ids.ts';
import type { SpillEvent } from '../model/messages.ts';
import type { ActiveTasks } from './active-tasks.ts';

/** A submission that was accepted and waits outside of the engine: all that the engine keeps of it. */
export interface SpilledSubmission {
  readonly workload: WorkloadId;
  readonly tenant: TenantId;
  readonly queue: QueueName;
  /** When it was accepted, and counted as submitted. */
  readonly at: TimeMs;
}

/** Who waits outside, in order of submission. Told by events alone, so that an id is let in once and no more. */
export class Spilled {
  readonly #byId = new Map<WorkloadId, SpilledSubmission>();
  readonly #byQueue = new Map<QueueName, number>();

  get size(): number {
    return this.#byId.size;
  }

  /** In order of their ids. */
  values(): IterableIterator<SpilledSubmission> {
    return this.#byId.values();
  }

  of(workload: WorkloadId): SpilledSubmission | undefined {
    return this.#byId.get(workload);
  }

  /** How many wait to be let into the queue. */
  waiting(queue: QueueName): number {
    return this.#byQueue.get(queue) ?? 0;
  }

  apply(event: SpillEvent, active: ActiveTasks): void {
    if (event.kind === 'workload-spilled') {
      const { workload, tenant, queue, at } = event;
      this.#add({ workload, tenant, queue, at });
      active.spilled(event, 1);
      return;
    }
    const dropped = this.take(event.workload);
    if (dropped !== undefined) active.spilled(dropped, -1);
  }

  /** Of a snapshot, in which those who submitted are counted as having submitted. */
  restore(saved: readonly SpilledSubmission[], active: ActiveTasks): void {
    for (const one of saved) {
      this.#add(one);
      active.submissions.count(one, 1);
    }
  }

  /** It waits no longer; undefined when it did not wait. */
  take(workload: WorkloadId): SpilledSubmission | undefined {
    const one = this.#byId.get(workload);
    if (one === undefined) return undefined;
    this.#byId.delete(workload);
    const left = this.waiting(one.queue) - 1;
    if (left > 0) this.#byQueue.set(one.queue, left);
    else this.#byQueue.delete(one.queue);
    return one;
  }

  #add(one: SpilledSubmission): void {
    assert(!this.#byId.has(one.workload), `spilled once: ${one.workload}`);
    this.#byId.set(one.workload, one);
    this.#byQueue.set(one.queue, this.waiting(one.queue) + 1);
  }
}
