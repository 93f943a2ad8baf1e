import { type FairClass, FairQueue } from '../admission/fair-queue.ts';
import { TokenBucket } from '../admission/token-bucket.ts';
import { UNLIMITED } from '../base/units.ts';
import type { RequestLimits, ServiceConfig, WaitingConfig } from '../model/network-config.ts';

export interface GateConfig {
  readonly global: RequestLimits;
  readonly services: readonly ServiceConfig[];
  readonly waiting: WaitingConfig;
  readonly classes: readonly FairClass[];
}

export interface Asked {
  readonly id: number;
  /** Undefined: of no service that has limits of its own. */
  readonly service: string | undefined;
  readonly class: number;
  /** Who asks: requests of different tasks take turns. */
  readonly task: string;
}

export type Offered =
  | { readonly kind: 'passed' }
  | { readonly kind: 'waits' }
  | { readonly kind: 'full'; readonly retryAfterMs: number };

export interface GateNews {
  readonly passed: readonly Asked[];
  /** They waited as long as any may. */
  readonly expired: readonly { readonly asked: Asked; readonly retryAfterMs: number }[];
  /** When to ask again, if nothing else happens; undefined: nothing waits for time to pass. */
  readonly nextAt: number | undefined;
}

const MINUTE_MS = 60_000;

/** Of one set of limits: what goes through, and what is under way. */
class Passage {
  readonly #limits: RequestLimits;
  readonly #buckets: readonly TokenBucket[];
  running = 0;

  constructor(limits: RequestLimits, at: number) {
    this.#limits = limits;
    this.#buckets = bucketsOf(limits, at);
  }

  get full(): boolean {
    return this.running >= this.#limits.concurrent;
  }

  /** When one more may go, if none ends before; undefined while too many are under way. */
  readyAt(at: number): number | undefined {
    if (this.full) return undefined;
    // One token fits into every burst.
    return Math.max(at, ...this.#buckets.map((bucket) => bucket.readyAt(1, at) ?? at));
  }

  enter(at: number): void {
    for (const bucket of this.#buckets) bucket.take(1, at);
    this.running++;
  }

  /** How long `waiting` requests and one more take at the rate, at least. */
  spanOf(waiting: number): number {
    const { perSecond, perMinute } = this.#limits;
    const bySecond = perSecond === UNLIMITED ? 0 : Math.ceil(((waiting + 1) * 1000) / perSecond);
    const byMinute =
      perMinute === UNLIMITED ? 0 : Math.ceil(((waiting + 1) * MINUTE_MS) / perMinute);
    return Math.max(1000, bySecond, byMinute);
  }
}

function bucketsOf({ perSecond, perMinute, burst }: RequestLimits, at: number): TokenBucket[] {
  const buckets: TokenBucket[] = [];
  const add = (tokens: number, period: number, size: number): void => {
    buckets.push(new TokenBucket({ tokens, period, burst: size }, at));
  };
  if (perSecond !== UNLIMITED) add(perSecond, 1000, burst === UNLIMITED ? perSecond : burst);
  if (perMinute !== UNLIMITED) {
    const inSecond = Math.max(1, Math.floor(perMinute / 60));
    add(perMinute, MINUTE_MS, burst === UNLIMITED ? inSecond : burst);
  }
  return buckets;
}

interface Line {
  readonly passage: Passage;
  readonly queue: FairQueue<Asked>;
}

/**
 * Requests of many tasks to services with limits: at once, in line, or not at all. Holds the limits of the
 * service and those of all together; within a service, classes and tasks take turns. In virtual milliseconds.
 */
export class RequestGate {
  readonly #waiting: WaitingConfig;
  readonly #global: Passage;
  readonly #lines = new Map<string | undefined, Line>();
  /** In the order in which they came, with the moment when they are told to come later. */
  readonly #expiries = new Map<number, { readonly asked: Asked; readonly at: number }>();
  /** The lines, the next to be looked at first. */
  #order: (string | undefined)[];

  constructor(config: GateConfig, at: number) {
    this.#waiting = config.waiting;
    this.#global = new Passage(config.global, at);
    const none = { perSecond: UNLIMITED, perMinute: UNLIMITED, burst: UNLIMITED };
    const others = { ...none, concurrent: UNLIMITED };
    this.#lines.set(undefined, {
      passage: new Passage(others, at),
      queue: new FairQueue(config.classes, 1),
    });
    for (const service of config.services) {
      this.#lines.set(service.name, {
        passage: new Passage(service, at),
        queue: new FairQueue(config.classes, 1),
      });
    }
    this.#order = [...this.#lines.keys()];
  }

  /** Who comes while others wait for the same service waits behind them. */
  offer(asked: Asked, at: number): Offered {
    const line = this.#lines.get(asked.service)!;
    if (line.queue.length === 0 && this.#isOpen(line, at) && this.#nobodyBefore(at)) {
      this.#enter(line, at);
      return { kind: 'passed' };
    }
    if (line.queue.length >= this.#waiting.max) {
      return { kind: 'full', retryAfterMs: this.#spanOf(line) };
    }
    line.queue.push({ class: asked.class, flow: asked.task }, { size: 1, item: asked });
    this.#expiries.set(asked.id, { asked, at: at + this.#waiting.maxMs });
    return { kind: 'waits' };
  }

  /** One that had passed has ended. */
  ended(service: string | undefined): void {
    this.#lines.get(service)!.passage.running--;
    this.#global.running--;
  }

  /** One that waits has gone away. */
  withdraw(asked: Asked): void {
    if (!this.#expiries.delete(asked.id)) return;
    const of = { class: asked.class, flow: asked.task };
    this.#lines.get(asked.service)!.queue.remove(of, asked);
  }

  /** Who may go now, and who has waited too long. */
  turn(at: number): GateNews {
    const passed = this.#passing(at);
    const expired: { asked: Asked; retryAfterMs: number }[] = [];
    for (const { asked, at: due } of this.#expiries.values()) {
      if (due > at) break;
      this.withdraw(asked);
      expired.push({ asked, retryAfterMs: this.#spanOf(this.#lines.get(asked.service)!) });
    }
    return { passed, expired, nextAt: this.#nextAt(at) };
  }

  get waiting(): number {
    return this.#expiries.size;
  }

  waitingFor(service: string | undefined): number {
    return this.#lines.get(service)?.queue.length ?? 0;
  }

  #passing(at: number): Asked[] {
    const passed: Asked[] = [];
    for (let missed = 0; missed < this.#order.length; ) {
      const name = this.#order.shift();
      this.#order.push(name);
      const line = this.#lines.get(name)!;
      const entry = this.#isOpen(line, at) ? line.queue.next() : undefined;
      if (entry === undefined) {
        missed++;
        continue;
      }
      missed = 0;
      this.#enter(line, at);
      this.#expiries.delete(entry.item.id);
      passed.push(entry.item);
    }
    return passed;
  }

  #isOpen({ passage }: Line, at: number): boolean {
    return passage.readyAt(at) === at && this.#global.readyAt(at) === at;
  }

  /** Whether somebody of another service waits for what is left of the limits of all. */
  #nobodyBefore(at: number): boolean {
    return (
      this.#expiries.size === 0 ||
      this.#lines.values().every((l) => l.queue.length === 0 || l.passage.readyAt(at) !== at)
    );
  }

  #enter({ passage }: Line, at: number): void {
    passage.enter(at);
    this.#global.enter(at);
  }

  #spanOf({ passage, queue }: Line): number {
    return Math.max(passage.spanOf(queue.length), this.#global.spanOf(this.#expiries.size));
  }

  #nextAt(at: number): number | undefined {
    if (this.#expiries.size === 0) return undefined;
    const [first] = this.#expiries.values();
    let next = first!.at;
    const all = this.#global.readyAt(at);
    if (all === undefined) return next;
    for (const { passage, queue } of this.#lines.values()) {
      const own = queue.length === 0 ? undefined : passage.readyAt(at);
      if (own !== undefined) next = Math.min(next, Math.max(own, all));
    }
    return next;
  }
}
