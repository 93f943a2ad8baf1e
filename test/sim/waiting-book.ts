import assert from 'node:assert/strict';
import type { QueueConfig } from '../../src/model/scheduling-config.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';

const DAY_MS = 86_400_000;

/** What decides whether a task waits on purpose. */
export interface Waiter {
  readonly queue: string;
  /** When its step could first start. */
  readonly since: number;
  /** It was never placed. */
  readonly first: boolean;
  readonly gang: string | undefined;
  readonly preferred: WorkloadSpec['preferred'];
  readonly gather: StepSpec['gather'];
}

interface Batch {
  readonly began: number;
  /** Of a gang that began it: it may be more than the batch. */
  readonly gang: string | undefined;
  started: number;
}

/** Who waits on purpose, by code of its own: hours as UTC has them, and the latest batch of each queue. */
export class WaitingBook {
  readonly #paths = new Map<string, readonly QueueConfig[]>();
  readonly #batches = new Map<string, Batch>();
  /** Tasks that were placed after they had waited on purpose, and batches that began. */
  readonly counts = { waited: 0, batches: 0 };

  constructor(root: QueueConfig | undefined) {
    const visit = (queue: QueueConfig, above: readonly QueueConfig[]): void => {
      const path = [queue, ...above];
      this.#paths.set(queue.name, path);
      for (const child of queue.children) visit(child, path);
    };
    if (root !== undefined) visit(root, []);
  }

  /** It is as if it did not wait. Whether it gathers depends on others: as long as it might. */
  isAway(task: Waiter, at: number): boolean {
    if (!task.first) return false;
    return this.#waitsForHours(task, at) || at < task.since + (task.gather?.waitMs ?? 0);
  }

  mayWait(task: Waiter, needed: number, at: number): boolean {
    return this.isAway(task, at) || this.#isOfLaterBatch(task, needed, at);
  }

  place(name: string, task: Waiter, at: number): void {
    if (!task.first) return;
    assert.ok(!this.#waitsForHours(task, at), `${name} is placed in its hours`);
    assert.ok(!this.#isOfLaterBatch(task, 1, at, true), `${name} is placed with its batch`);
    if (at > task.since && (task.preferred ?? task.gather) !== undefined) this.counts.waited++;
    for (const { name: queue, batch } of this.#paths.get(task.queue) ?? []) {
      if (batch === undefined) continue;
      const latest = this.#batches.get(queue);
      if (latest !== undefined && at < latest.began + batch.intervalMs) latest.started++;
      else {
        this.#batches.set(queue, { began: at, gang: task.gang, started: 1 });
        this.counts.batches++;
      }
    }
  }

  #waitsForHours({ preferred, since }: Waiter, at: number): boolean {
    if (preferred === undefined || at >= since + preferred.maxWaitMs) return false;
    assert.ok(preferred.hours !== 'off-peak' && preferred.hours.zone.name === 'UTC');
    const { startMs, endMs } = preferred.hours;
    const ofDay = at % DAY_MS;
    const isOpen =
      startMs < endMs ? startMs <= ofDay && ofDay < endMs : startMs <= ofDay || ofDay < endMs;
    return !isOpen;
  }

  #isOfLaterBatch(task: Waiter, count: number, at: number, isPlaced = false): boolean {
    if (!task.first) return false;
    return (this.#paths.get(task.queue) ?? []).some(({ name, batch }) => {
      const latest = this.#batches.get(name);
      if (batch === undefined || latest === undefined) return false;
      if (at >= latest.began + batch.intervalMs) return false;
      if (isPlaced && latest.gang !== undefined && latest.gang === task.gang) return false;
      return task.since > latest.began || latest.started + count > batch.size;
    });
  }
}
