import type { SpanMs, TimeMs } from '../base/units.ts';
import type { QueueName } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import type { QueueBatch, QueueConfig } from '../model/scheduling-config.ts';

/** What asks for its first start. */
export interface BatchAsk {
  readonly queue: QueueName;
  /** Since when it could have started, but for its turn and for room. */
  readonly since: TimeMs;
  /** Tasks that start at once, or not at all. */
  readonly count: number;
}

export interface SavedQueueBatch {
  readonly queue: QueueName;
  readonly number: number;
  readonly beganAt: TimeMs;
  readonly started: number;
}

interface Batches {
  readonly queue: QueueName;
  readonly size: number;
  readonly intervalMs: SpanMs;
  /** How many have begun. */
  number: number;
  beganAt: TimeMs | undefined;
  /** Of the latest. */
  started: number;
}

/**
 * Queues from which work starts in batches. A batch begins with the first start for which the interval since the
 * last one began has passed; what was ready then belongs to it, up to its size, and starts as soon as there is
 * room. What becomes ready later is of a later one. Derived: told of every first start.
 */
export class QueueBatches {
  readonly #all: Batches[] = [];
  /** Of a queue, those of itself and of the queues above it. */
  readonly #above = new Map<QueueName, readonly Batches[]>();

  constructor(root: QueueConfig | undefined) {
    const visit = (queue: QueueConfig, above: readonly Batches[]): void => {
      const own = queue.batch && newBatches(queue.name, queue.batch);
      if (own !== undefined) this.#all.push(own);
      const path = own === undefined ? above : [...above, own];
      if (path.length > 0) this.#above.set(queue.name, path);
      for (const child of queue.children) visit(child, path);
    };
    if (root !== undefined) visit(root, []);
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  governs(queue: QueueName): boolean {
    return this.#above.has(queue);
  }

  /** Of what becomes ready now: with the same text the answers are the same ever after. Undefined: never refused. */
  kindAt(queue: QueueName, at: TimeMs): string | undefined {
    const all = this.#above.get(queue);
    return all?.map((one) => (isOf(one, at) ? one.number - 1 : one.number)).join('.');
  }

  refusal({ queue, since, count }: BatchAsk, at: TimeMs): Refusal | undefined {
    for (const one of this.#above.get(queue) ?? []) {
      const until = endOf(one);
      if (until === undefined || at >= until) continue;
      const { size, started } = one;
      if (isOf(one, since) && started + count <= size) continue;
      return { code: 'next-batch', queue: one.queue, started, size, until };
    }
    return undefined;
  }

  /** A task made its first start. */
  started({ queue }: Pick<BatchAsk, 'queue'>, at: TimeMs): void {
    for (const one of this.#above.get(queue) ?? []) {
      const until = endOf(one);
      if (until === undefined || at >= until) {
        one.number++;
        one.beganAt = at;
        one.started = 0;
      }
      one.started++;
    }
  }

  /** When the first of the next batches may begin. */
  nextChange(at: TimeMs): TimeMs | undefined {
    let first: TimeMs | undefined;
    for (const one of this.#all) {
      const until = endOf(one);
      if (until !== undefined && until > at && (first === undefined || until < first))
        first = until;
    }
    return first;
  }

  save(): SavedQueueBatch[] {
    return this.#all.flatMap(({ queue, number, beganAt, started }) =>
      beganAt === undefined ? [] : [{ queue, number, beganAt, started }],
    );
  }

  restore(saved: readonly SavedQueueBatch[]): void {
    for (const { queue, ...rest } of saved) {
      const known = this.#all.find((one) => one.queue === queue);
      if (known !== undefined) Object.assign(known, rest);
    }
  }
}

const newBatches = (queue: QueueName, { size, intervalMs }: QueueBatch): Batches => ({
  queue,
  size,
  intervalMs,
  number: 0,
  beganAt: undefined,
  started: 0,
});

const endOf = ({ beganAt, intervalMs }: Batches): TimeMs | undefined =>
  beganAt === undefined ? undefined : ((beganAt + intervalMs) as TimeMs);

const isOf = ({ beganAt }: Batches, since: TimeMs): boolean =>
  beganAt === undefined || since <= beganAt;
