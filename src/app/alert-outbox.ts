import type { Receiver } from '../model/alert-rule.ts';
import type { Notice } from '../telemetry/alerts/alert-state.ts';
import type { Delivery } from '../telemetry/alerts/io/deliver.ts';

/** Notices that wait for one receiver; the oldest go first when there are more. */
const WAITING_MAX = 100;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;

export interface OutboxDeps {
  readonly receivers: readonly Receiver[];
  readonly deliver: (receiver: Receiver, notice: Notice) => Promise<Delivery>;
  /** A notice was delivered, or not; after one that may be tried again it still waits. */
  readonly onOutcome: (notice: Notice, delivery: Delivery) => void;
  /** Said once until it is over. */
  readonly onTrouble: (sentence: string) => void;
}

interface Queue {
  readonly receiver: Receiver;
  readonly notices: Notice[];
  sending: Promise<void> | undefined;
  retry: NodeJS.Timeout | undefined;
  retryMs: number;
  failing: boolean;
}

/** What receivers are yet to be told, one notice after the other for each; who is down keeps nobody else waiting. */
export class AlertOutbox {
  readonly #deps: OutboxDeps;
  readonly #queues: ReadonlyMap<string, Queue>;
  #closed = false;

  /** @param waiting what a daemon before this one could not deliver. */
  constructor(waiting: readonly Notice[], deps: OutboxDeps) {
    this.#deps = deps;
    this.#queues = new Map(
      deps.receivers.map((receiver) => [
        receiver.name,
        {
          receiver,
          notices: [],
          sending: undefined,
          retry: undefined,
          retryMs: RETRY_MS_MIN,
          failing: false,
        },
      ]),
    );
    this.add(waiting);
  }

  /** Kept until `send`. */
  add(notices: readonly Notice[]): void {
    for (const notice of notices) {
      const queue = this.#queues.get(notice.to);
      if (queue === undefined) continue;
      // That it still fires is said once, by the newest.
      const isRepeat = ({ items }: Notice): boolean => items.every(({ what }) => what === 'repeat');
      if (isRepeat(notice)) {
        const before = queue.notices.findIndex((one, i) => isRepeat(one) && !isFirst(queue, i));
        if (before >= 0) queue.notices.splice(before, 1);
      }
      queue.notices.push(notice);
      while (queue.notices.length > WAITING_MAX) {
        const [dropped] = queue.notices.splice(queue.sending === undefined ? 0 : 1, 1);
        const why = `${WAITING_MAX} newer ones wait`;
        this.#deps.onOutcome(dropped!, { ok: false, again: false, why });
      }
    }
  }

  waiting(): readonly Notice[] {
    return [...this.#queues.values()].flatMap(({ notices }) => notices);
  }

  /** Begins with what waits, but for receivers that are waited for. */
  send(): void {
    for (const queue of this.#queues.values()) {
      if (queue.retry === undefined) this.#begin(queue);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const queue of this.#queues.values()) clearTimeout(queue.retry);
    await Promise.all([...this.#queues.values()].map(({ sending }) => sending));
  }

  #begin(queue: Queue): void {
    if (this.#closed || queue.sending !== undefined || queue.notices.length === 0) return;
    queue.sending = this.#drain(queue).finally(() => {
      queue.sending = undefined;
    });
  }

  async #drain(queue: Queue): Promise<void> {
    const { deliver, onOutcome } = this.#deps;
    for (;;) {
      const [notice] = queue.notices;
      if (notice === undefined || this.#closed) return;
      const delivery = await deliver(queue.receiver, notice);
      if (this.#closed && !delivery.ok) return;
      this.#noteTrouble(queue, delivery);
      if (!delivery.ok && delivery.again) {
        onOutcome(notice, delivery);
        this.#retryLater(queue);
        return;
      }
      queue.notices.shift();
      queue.retryMs = RETRY_MS_MIN;
      onOutcome(notice, delivery);
    }
  }

  #retryLater(queue: Queue): void {
    queue.retry = setTimeout(() => {
      queue.retry = undefined;
      this.#begin(queue);
    }, queue.retryMs).unref();
    queue.retryMs = Math.min(2 * queue.retryMs, RETRY_MS_MAX);
  }

  #noteTrouble(queue: Queue, delivery: Delivery): void {
    const { name } = queue.receiver;
    if (delivery.ok) {
      if (queue.failing) this.#deps.onTrouble(`${name} hears of alerts again`);
      queue.failing = false;
    } else if (!queue.failing || !delivery.again) {
      queue.failing = true;
      const what = delivery.again ? 'not told yet, it is tried again' : 'not told';
      this.#deps.onTrouble(`${name} was ${what}: ${delivery.why}`);
    }
  }
}

const isFirst = (queue: Queue, index: number): boolean =>
  index === 0 && queue.sending !== undefined;
