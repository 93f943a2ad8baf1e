import { addAmount, type MicroDollars, type TimeMs } from '../base/units.ts';
import type { BudgetWindow } from '../model/money.ts';
import { windowAt } from './quota-window.ts';

export interface SavedSpending {
  /** Of the period or slice in which it was settled. */
  readonly start: number;
  readonly amount: number;
}

/** One account of one budget: what was settled in its window, and what is reserved. */
export class BudgetAccount {
  readonly #window: BudgetWindow;
  readonly #settled = new Map<number, number>();
  #reserved = 0;
  #perHour = 0;
  /** Start of the period of which it was told that the soft limit is passed. */
  warnedFrom: number | undefined;

  constructor(window: BudgetWindow) {
    this.#window = window;
  }

  reserve(amount: number, perHour: number, sign: 1 | -1): void {
    this.#reserved += sign * amount;
    this.#perHour += sign * perHour;
  }

  settle(amount: number, at: TimeMs): void {
    if (this.#window.kind === 'rate' || amount === 0) return;
    const { from, slice } = windowAt(this.#window, at);
    for (const start of this.#settled.keys()) if (start < from) this.#settled.delete(start);
    // A clock that was set back settles in the latest period that there is, so that none is granted twice.
    const latest = Math.max(slice, ...this.#settled.keys());
    this.#settled.set(latest, addAmount(this.#settled.get(latest) ?? 0, amount));
  }

  /** Settled in the window of `at`, and reserved; of a rate, what all that runs costs in an hour. */
  read(at: TimeMs): { spent: MicroDollars; reserved: MicroDollars } {
    if (this.#window.kind === 'rate') {
      return { spent: this.#perHour as MicroDollars, reserved: 0 as MicroDollars };
    }
    const { from } = windowAt(this.#window, at);
    let spent = 0;
    for (const [start, amount] of this.#settled) {
      if (start >= from) spent = addAmount(spent, amount);
    }
    return { spent: spent as MicroDollars, reserved: this.#reserved as MicroDollars };
  }

  /** Begins to count anew from here: 0 for a rate, which has no periods. */
  periodAt(at: TimeMs): number {
    return this.#window.kind === 'rate' ? 0 : windowAt(this.#window, at).from;
  }

  save(): SavedSpending[] {
    const saved = [...this.#settled].map(([start, amount]) => ({ start, amount }));
    return saved.sort((a, b) => a.start - b.start);
  }

  restore(saved: readonly SavedSpending[]): void {
    for (const { start, amount } of saved) this.#settled.set(start, amount);
  }
}
