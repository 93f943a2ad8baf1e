import { assert } from '../base/assert.ts';
import { type Constraints, constraintsKey } from '../model/constraints.ts';
import type { Ask } from './shape.ts';

/** One kind of request, and how much of all demand it is. */
export interface TypicalAsk {
  readonly cpu: number;
  /** Mean over the requests of this kind. */
  readonly memory: number;
  readonly gpu: number;
  readonly constraints: Constraints | undefined;
  /** Of all requests counted here: the shares of a list sum to 1. */
  readonly share: number;
}

/** Kinds kept; beyond, and after so many requests, counts are halved, so that old demand fades. */
const KINDS_MAX = 2_048;
const COUNT_MAX = 1 << 20;
/** Learned demand is taken in when there is so many times as much as the last time. */
const GROWTH = 4;

interface Kind {
  readonly ask: Ask;
  count: number;
  memory: number;
}
type Settled = Readonly<Kind> & { readonly key: string };

export interface SavedDemand {
  readonly kinds: readonly Settled[];
  readonly settled: readonly Settled[];
  readonly staleAt: number;
}

/**
 * What is usually asked for, declared or learned from what was submitted. Requests that differ in memory
 * only are one kind, as in FGD. Its version, which makes every score stale, changes when the number of
 * requests has grown fourfold: nine times in a hundred thousand. Declared demand is added at once: see `of`.
 */
export class TypicalDemand {
  readonly #kinds = new Map<string, Kind>();
  #count = 0;
  #staleAt = 1;
  #version = 0;
  /** As it was when the version changed, so that what is learned does not depend on when it is read. */
  #settled: readonly Settled[] = [];

  /** Demand that is known beforehand. */
  static of(asks: Iterable<Ask>): TypicalDemand {
    const demand = new TypicalDemand();
    for (const ask of asks) demand.add(ask);
    demand.#settle();
    return demand;
  }

  get version(): number {
    return this.#version;
  }

  add(ask: Ask, count = 1): void {
    assert(Number.isSafeInteger(count) && count > 0, 'a positive count of requests');
    const { constraints } = ask;
    const limits = constraints === undefined ? '' : constraintsKey(constraints);
    const key = `${ask.cpu}/${ask.gpu}/${limits}`;
    const kind = this.#kinds.get(key);
    if (kind === undefined) this.#kinds.set(key, { ask, count, memory: ask.memory * count });
    else {
      kind.count += count;
      kind.memory += ask.memory * count;
    }
    this.#count += count;
    if (this.#count >= COUNT_MAX || this.#kinds.size > KINDS_MAX) this.#fade();
    if (this.#count < this.#staleAt) return;
    this.#settle();
  }

  /**
   * The most frequent kinds that make up `portion` (0 … 1) of all requests. Of equally frequent ones those
   * that ask for more come first, so that the list does not depend on the order of arrival.
   */
  typical(portion: number): readonly TypicalAsk[] {
    const kinds = [...this.#settled].sort(
      (a, b) =>
        b.count - a.count ||
        b.ask.cpu - a.ask.cpu ||
        b.ask.gpu - a.ask.gpu ||
        (a.key < b.key ? -1 : 1),
    );
    const all = kinds.reduce((sum, { count }) => sum + count, 0);
    const chosen: Settled[] = [];
    let counted = 0;
    for (const kind of kinds) {
      if (counted >= portion * all) break;
      chosen.push(kind);
      counted += kind.count;
    }
    return chosen.map(({ ask, count, memory }) => ({
      cpu: ask.cpu,
      memory: memory / count,
      gpu: ask.gpu,
      constraints: ask.constraints,
      share: count / counted,
    }));
  }

  /** All of it as JSON, for the snapshot. */
  save(): SavedDemand {
    const kinds = [...this.#kinds].map(([key, kind]) => ({ key, ...kind }));
    return { kinds, settled: this.#settled, staleAt: this.#staleAt };
  }

  /** Forgets what was learned since, for that is in `saved`. */
  restore(saved: SavedDemand): void {
    this.#kinds.clear();
    this.#count = 0;
    for (const { key, ask, count, memory } of saved.kinds) {
      this.#kinds.set(key, { ask, count, memory });
      this.#count += count;
    }
    this.#settled = saved.settled;
    this.#staleAt = saved.staleAt;
    this.#version++;
  }

  #settle(): void {
    this.#staleAt = this.#count * GROWTH;
    this.#version++;
    this.#settled = [...this.#kinds].map(([key, kind]) => ({ key, ...kind }));
  }

  #fade(): void {
    while (this.#count >= COUNT_MAX || this.#kinds.size > KINDS_MAX / 2) {
      this.#count = 0;
      for (const [key, kind] of this.#kinds) {
        kind.memory = (kind.memory / kind.count) * (kind.count >> 1);
        kind.count >>= 1;
        this.#count += kind.count;
        if (kind.count === 0) this.#kinds.delete(key);
      }
    }
    this.#staleAt = Math.min(this.#staleAt, this.#count * GROWTH);
  }
}
