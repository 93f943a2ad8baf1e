import { blockMs, tiers } from '../history-tiers.ts';
import type { HistoryTables } from './history-tables.ts';

/** Per tier and minute: a clock that jumps ahead and comes back has made little of it old. */
const AGED_MAX = 2;
/** Of the largest size, so that there is room for what is written between two looks. */
const FILL = 0.95;

interface Kept {
  /** Of each tier, the finest first. */
  readonly keepMs: readonly number[];
  readonly bytesMax: number;
}

/** What goes from the history file: what is too old, and what there is no room for, the oldest of the finest tier first. */
export class HistoryPruning {
  readonly #tables: HistoryTables;
  readonly #kept: Kept;
  /** By tier: what begins no later was too old when the file was opened. Known with the first sample. */
  #shrinkTo: readonly number[] | undefined;
  #isShrunk = false;

  constructor(tables: HistoryTables, kept: Kept) {
    this.#tables = tables;
    this.#kept = kept;
  }

  /** What was too old when the file was opened has gone. */
  get isShrunk(): boolean {
    return this.#isShrunk;
  }

  /** Of a file that is larger than it may be from now on, the oldest goes, and its room with it: some seconds. */
  fit(): void {
    const { bytesMax } = this.#kept;
    if (this.#tables.fileBytes() <= bytesMax) return;
    const newest = Math.max(...tiers.map((_, tier) => this.#tables.ends(tier)?.last ?? 0));
    this.#tables.transaction(() => {
      while (this.#isFull() && this.#removeOldest(newest));
    });
    this.#tables.shrinkFile(bytesMax);
  }

  /**
   * What was too old already when the file was opened goes at once: it may be kept shorter now than it was. A clock
   * that is ahead makes nothing of it old, nor do blocks of a time that is to come.
   */
  shrink(now: number, until: number): void {
    this.#shrinkTo ??= this.#kept.keepMs.map((keepMs, tier) => {
      const last = this.#tables.ends(tier)?.last ?? 0;
      return Math.min(now, last) - keepMs - blockMs(tier);
    });
    for (const [tier, upTo] of this.#shrinkTo.entries()) {
      for (;;) {
        const first = this.#tables.ends(tier)?.first;
        if (first === undefined || first > upTo) break;
        if (performance.now() >= until) return;
        this.#tables.removeBlocks(tier, first);
      }
    }
    this.#isShrunk = true;
  }

  /** Each minute. */
  trim(now: number, until: number): void {
    for (const [tier, keepMs] of this.#kept.keepMs.entries()) {
      for (let n = 0; n < AGED_MAX; n++) {
        const first = this.#tables.ends(tier)?.first;
        if (first === undefined || first + blockMs(tier) + keepMs > now) break;
        this.#tables.removeBlocks(tier, first);
      }
    }
    while (this.#isFull() && performance.now() < until && this.#removeOldest(now));
  }

  #isFull(): boolean {
    return this.#tables.usedBytes() > this.#kept.bytesMax * FILL;
  }

  /** @returns whether there was anything. */
  #removeOldest(now: number): boolean {
    const first = tiers.map((_, tier) => this.#tables.ends(tier)?.first);
    const isOld = (tier: number): boolean =>
      first[tier] !== undefined && first[tier] < now - tiers[tier]!.sparedMs;
    const old = tiers.findIndex((_, tier) => isOld(tier));
    const tier = old === -1 ? first.findIndex((at) => at !== undefined) : old;
    if (tier === -1) return false;
    this.#tables.removeBlocks(tier, first[tier]!);
    return true;
  }
}
