import type { SpanMs, TimeMs } from '../base/units.ts';

interface Wish {
  readonly at: TimeMs;
  readonly replicas: number;
}

/** How many replicas were asked for in the last while: the largest number of them. */
export class Wishes {
  /** Falling: what is older and smaller than a later one can never be the largest again. */
  #kept: Wish[] = [];
  #since: TimeMs | undefined;
  #lastAt: TimeMs | undefined;

  /** What is older than the window is forgotten; after a gap as long as that all begins anew. */
  note(at: TimeMs, replicas: number, windowMs: SpanMs): void {
    if (this.#lastAt !== undefined && at - this.#lastAt >= windowMs) {
      this.#kept = [];
      this.#since = undefined;
    }
    this.#since ??= at;
    this.#lastAt = at;
    const from = at - windowMs;
    const last = this.#kept.findLastIndex((wish) => wish.replicas > replicas);
    this.#kept.length = last + 1;
    this.#kept.push({ at, replicas });
    this.#kept = this.#kept.filter((wish) => wish.at >= from);
  }

  get most(): number {
    return this.#kept[0]?.replicas ?? 0;
  }

  /** Since when there is no gap; undefined before the first. */
  get since(): TimeMs | undefined {
    return this.#since;
  }
}
