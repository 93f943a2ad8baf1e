import { Heap } from '../base/heap.ts';
import type { SpanMs, TimeMs } from '../base/units.ts';

interface Entry {
  readonly at: TimeMs;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Takes back what was scheduled; nothing when it has run. */
export type Revoke = () => void;

/** Virtual time: what is due first runs first, and of equals what was scheduled first. */
export class Timeline {
  readonly #entries = new Heap<Entry>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
  #now: TimeMs;
  #order = 0;

  constructor(start: TimeMs) {
    this.#now = start;
  }

  get now(): TimeMs {
    return this.#now;
  }

  /** A moment that has passed is due at once. */
  at(at: TimeMs, run: () => void): Revoke {
    const entry: Entry = { at, order: this.#order++, run };
    this.#entries.push(entry);
    return () => {
      entry.run = undefined;
    };
  }

  after(span: SpanMs, run: () => void): Revoke {
    return this.at((this.#now + span) as TimeMs, run);
  }

  /** Goes to the next entry and runs it, or says that there is none. */
  step(): boolean {
    while (this.#entries.size > 0) {
      const { at, run } = this.#entries.pop();
      if (run === undefined) continue;
      if (at > this.#now) this.#now = at;
      run();
      return true;
    }
    return false;
  }

  /** The clock jumps, as after a suspend: what was due in between runs late. */
  jump(span: SpanMs): void {
    this.#now = (this.#now + span) as TimeMs;
  }
}
