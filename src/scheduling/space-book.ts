import type { TimeMs } from '../base/units.ts';
import type { SpacePhase } from '../model/constraints.ts';
import { firstFit, loadFrom, peakWith, type SpaceHolder, type Step } from './space-profile.ts';

/** Index of a row of the node table. */
type Row = number;

/**
 * Who holds how much scratch space on which node, now and in the phases to come. A task is let in where at
 * no time more would be held than the node has: not by what is free now.
 */
export class SpaceBook {
  readonly #byRow = new Map<Row, Map<string, SpaceHolder>>();
  readonly #rowOf = new Map<string, Row>();
  /** What is held from now on; forgotten when it changes. */
  readonly #loads = new Map<Row, readonly Step[]>();
  #now = 0;
  #aside = 0;
  /** When the first of those that found no room may find some by time alone. */
  #dueAt: number | undefined;

  get dueAt(): TimeMs | undefined {
    return this.#dueAt as TimeMs | undefined;
  }

  /** Rows on which it matters what time it is; none while it is the same. */
  advance(at: number): { readonly moved: readonly Row[]; readonly due: boolean } {
    if (at === this.#now) return { moved: [], due: false };
    this.#now = at;
    this.#loads.clear();
    const due = this.#dueAt !== undefined && this.#dueAt <= at;
    if (due) this.#dueAt = undefined;
    const moved: Row[] = [];
    for (const [row, holders] of this.#byRow) {
      if (due || [...holders.values()].some(({ phases }) => phases.length > 1)) moved.push(row);
    }
    return { moved, due };
  }

  /** `key` names the holder, once. Without a time: from now on. */
  hold(key: string, row: Row, phases: readonly SpacePhase[], from: number = this.#now): void {
    const holders = this.#byRow.get(row) ?? new Map<string, SpaceHolder>();
    this.#byRow.set(row, holders.set(key, { from, phases }));
    this.#rowOf.set(key, row);
    this.#loads.delete(row);
  }

  /** For a what-if, from now on. @returns the name to release it by. */
  holdAside(row: Row, phases: readonly SpacePhase[]): string {
    const key = `aside ${++this.#aside}`;
    this.hold(key, row, phases);
    return key;
  }

  /** Also of one that held nothing. */
  release(key: string): void {
    const row = this.#rowOf.get(key);
    if (row === undefined) return;
    this.#rowOf.delete(key);
    const holders = this.#byRow.get(row)!;
    holders.delete(key);
    if (holders.size === 0) this.#byRow.delete(row);
    this.#loads.delete(row);
  }

  /** Whether one that starts there now would never make it more than `capacity`. */
  fits(row: Row, capacity: number, phases: readonly SpacePhase[]): boolean {
    const load = this.#load(row);
    if (peakWith(load, phases, this.#now) <= capacity) return true;
    const at = firstFit(load, phases, this.#now, capacity);
    if (at !== undefined && at < (this.#dueAt ?? Number.POSITIVE_INFINITY)) this.#dueAt = at;
    return false;
  }

  /** How much would be lacking at the worst time, and from when on nothing would, as far as time alone tells. */
  shortage(
    row: Row,
    capacity: number,
    phases: readonly SpacePhase[],
  ): { readonly bytes: number; readonly until: TimeMs | undefined } {
    const load = this.#load(row);
    const until = firstFit(load, phases, this.#now, capacity) as TimeMs | undefined;
    return { bytes: Math.max(0, peakWith(load, phases, this.#now) - capacity), until };
  }

  #load(row: Row): readonly Step[] {
    let load = this.#loads.get(row);
    if (load === undefined) {
      load = loadFrom(this.#now, this.#byRow.get(row)?.values() ?? []);
      this.#loads.set(row, load);
    }
    return load;
  }
}
