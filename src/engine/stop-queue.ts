import type { ToStop } from './records.ts';

/** Attempts that are to be told to stop; the last that came is told first. */
export class StopQueue {
  readonly #waiting: ToStop[] = [];

  push(stop: ToStop): void {
    this.#waiting.push(stop);
  }

  /** One that runs and was not told yet. */
  first(): ToStop | undefined {
    while (this.#waiting.length > 0) {
      const first = this.#waiting.at(-1)!;
      if (first.attempt.end === undefined && first.attempt.stop === undefined) return first;
      this.#waiting.pop();
    }
    return undefined;
  }
}
