import { assert } from '../base/assert.ts';
import { UNLIMITED } from '../base/units.ts';

/** Amounts by resource, in one order for all profiles of a node. */
export type Amount = readonly number[];

/**
 * What is free on one node from now on: a step function of time. Each step lasts until the next begins, the
 * last one for ever. A task that is planned takes its part of every step that it touches.
 */
export class Profile {
  readonly #starts: number[];
  readonly #free: number[][];

  constructor(at: number, free: Amount) {
    this.#starts = [at];
    this.#free = [[...free]];
  }

  /** From `at` on so much more is free: the end of what runs. */
  release(at: number, amount: Amount): void {
    if (at >= UNLIMITED) return;
    for (let i = this.#cut(Math.max(at, this.#starts[0]!)); i < this.#free.length; i++) {
      const free = this.#free[i]!;
      for (let r = 0; r < amount.length; r++) free[r] = free[r]! + amount[r]!;
    }
  }

  /** The earliest time at which the amount is free for so long without a break; UNLIMITED when never. */
  earliest(amount: Amount, lengthMs: number): number {
    const starts = this.#starts;
    let from = 0;
    for (let i = 0; i < starts.length; i++) {
      if (!covers(this.#free[i]!, amount)) from = i + 1;
      else if (i + 1 === starts.length || starts[i + 1]! - starts[from]! >= lengthMs) {
        return starts[from]!;
      }
    }
    return UNLIMITED;
  }

  /** When the amount of what is free changes. */
  get starts(): readonly number[] {
    return this.#starts;
  }

  /** How often the amount is free from `at` on for so long without a break. */
  room(at: number, lengthMs: number, amount: Amount): number {
    let room = UNLIMITED;
    for (let i = 0; i < this.#free.length; i++) {
      const [from, until] = [this.#starts[i]!, this.#starts[i + 1] ?? Number.POSITIVE_INFINITY];
      if (until <= at || from >= at + lengthMs) continue;
      const free = this.#free[i]!;
      for (let r = 0; r < amount.length; r++) {
        if (amount[r]! > 0) room = Math.min(room, Math.max(0, Math.floor(free[r]! / amount[r]!)));
      }
    }
    return room;
  }

  take(at: number, lengthMs: number, amount: Amount): void {
    assert(at >= this.#starts[0]!, 'nothing is planned into the past');
    const begin = this.#cut(at);
    const end = lengthMs >= UNLIMITED ? this.#free.length : this.#cut(at + lengthMs);
    for (let i = begin; i < end; i++) {
      const free = this.#free[i]!;
      for (let r = 0; r < amount.length; r++) free[r] = free[r]! - amount[r]!;
    }
  }

  /** Index of the step that begins at `at`, which is made when there is none. */
  #cut(at: number): number {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle]! < at) low = middle + 1;
      else high = middle;
    }
    if (starts[low] === at) return low;
    starts.splice(low, 0, at);
    this.#free.splice(low, 0, [...this.#free[low - 1]!]);
    return low;
  }
}

function covers(free: Amount, amount: Amount): boolean {
  for (let r = 0; r < amount.length; r++) {
    if (amount[r]! > 0 && free[r]! < amount[r]!) return false;
  }
  return true;
}
