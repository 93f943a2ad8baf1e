import type { SkippedRows } from '../trace.ts';

/** Counts what of a trace is left out, by reason. */
export class SkippedBook {
  readonly #skipped = new Map<string, { count: number; line: number }>();

  /** `why` is one of a few phrases; what stands there is not part of it. `line` is asked for the first of them. */
  skip(why: string, line: number | (() => number)): void {
    const known = this.#skipped.get(why);
    if (known === undefined)
      this.#skipped.set(why, { count: 1, line: typeof line === 'number' ? line : line() });
    else known.count++;
  }

  get rows(): readonly SkippedRows[] {
    return [...this.#skipped].map(([why, { count, line }]) => ({ why, count, line }));
  }
}
