import type { SkippedRows } from '../trace.ts';

/** Counts what of a trace is left out, by reason. */
export class SkippedBook {
  readonly #skipped = new Map<string, { count: number; line: number }>();

  /** `why` is one of a few phrases; what stands there is not part of it. */
  skip(why: string, line: number): void {
    const known = this.#skipped.get(why);
    if (known === undefined) this.#skipped.set(why, { count: 1, line });
    else known.count++;
  }

  get rows(): readonly SkippedRows[] {
    return [...this.#skipped].map(([why, { count, line }]) => ({ why, count, line }));
  }
}
