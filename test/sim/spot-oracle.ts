import assert from 'node:assert/strict';
import type { Event } from '../../src/model/messages.ts';
import type { SpotPolicy, SpotQuote } from '../../src/model/spot.ts';

interface Running {
  readonly node: string;
  readonly isSuitable: boolean;
  readonly cpu: number;
  /** Since when it is not paid, and what it was to pay since. */
  since: number;
  isStopped: boolean;
}

/**
 * A second account of spot nodes, kept from the events alone: who is there, whether each who goes there may, and
 * whether every span of time was paid at the one price that held in it. For one kind of spot node, tasks that
 * hold CPU, and sites where every task has nodes on demand to go to.
 */
export class SpotOracle {
  readonly #policy: SpotPolicy;
  readonly #isSuitable: (attempt: string) => boolean;
  /** Of a core on demand, in micro-dollars an hour. */
  readonly #cpuHour: number;
  readonly #spotNodes = new Set<string>();
  readonly #running = new Map<string, Running>();
  #quote: SpotQuote | undefined;
  #pricedAt = 0;
  /** Settled in all, and how often a task went to a spot node. */
  charged = 0;
  placedOnSpot = 0;
  placedElsewhere = 0;

  constructor(policy: SpotPolicy, isSuitable: (attempt: string) => boolean, cpuHour: number) {
    this.#policy = policy;
    this.#isSuitable = isSuitable;
    this.#cpuHour = cpuHour;
  }

  record(event: Event): void {
    switch (event.kind) {
      case 'node-joined':
        if (event.node.labels['spot'] === 'true') this.#spotNodes.add(event.node.id);
        break;
      case 'spot-priced':
        this.#quote = event.quotes[0];
        this.#pricedAt = event.at;
        break;
      case 'stop-ordered':
        this.#running.get(event.attempt)!.isStopped = true;
        break;
      case 'task-placed':
        this.#place(event);
        break;
      case 'reserve-renewed':
        this.#pay(event.attempt, event.charged, event.at);
        assert.equal(event.reserved.perHour, this.#rate(this.#running.get(event.attempt)!));
        break;
      case 'task-ended':
        this.#pay(event.attempt, event.charged!, event.at);
        this.#running.delete(event.attempt);
        break;
      default:
    }
  }

  #place({ attempt, placement, reserved, at }: Extract<Event, { kind: 'task-placed' }>): void {
    const { node, held } = placement;
    const isSuitable = this.#isSuitable(attempt);
    if (this.#spotNodes.has(node)) {
      assert.ok(isSuitable, `${attempt} may not be on ${node}`);
      const beside = [...this.#running.values()].filter((one) => one.isSuitable);
      const onSpot = beside.filter((one) => this.#spotNodes.has(one.node)).length + 1;
      const share = onSpot / (beside.length + 1);
      // What asks for more than CPU and memory may have nowhere else to go.
      const isPlain = held.gpu === 0 && held.custom.length === 0;
      const isWithin = share <= this.#policy.percentage / 100;
      assert.ok(isWithin || !isPlain, `${attempt}: ${share} on spot nodes`);
      if (this.#quote !== undefined) {
        const { price, base, onDemand } = this.#quote;
        assert.ok(price <= (base * this.#policy.priceMax!) / 10_000, `${attempt} at ${price}`);
        assert.ok(price <= onDemand!, `${attempt} at ${price}`);
      }
      this.placedOnSpot++;
    } else this.placedElsewhere++;
    const running = { node, isSuitable, cpu: held.cpu, since: at, isStopped: false };
    this.#running.set(attempt, running);
    assert.equal(reserved!.perHour, this.#rate(running), `${attempt} at the price of now`);
  }

  #pay(attempt: string, charged: number, at: number): void {
    const running = this.#running.get(attempt)!;
    // One that was told to stop is paid at the price of before.
    if (!running.isStopped && this.#spotNodes.has(running.node) && this.#pricedAt > running.since) {
      assert.equal(this.#pricedAt, at, `${attempt}: two prices in one span`);
    }
    this.charged += charged;
    running.since = at;
  }

  #rate({ node, cpu }: Running): number {
    const rate = (this.#cpuHour * cpu) / 1_000;
    if (!this.#spotNodes.has(node) || this.#quote === undefined) return rate;
    return Math.ceil(Number(((rate * this.#quote.price) / this.#quote.onDemand!).toFixed(6)));
  }
}
