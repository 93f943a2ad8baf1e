import type { Report } from '../runtime/ports.ts';

/** A start says nothing that anybody waits for: it may be this late. */
const GATHER_MS = 20;

/**
 * Passes reports on in order, a start together with whatever is told next. Alone it would be a batch
 * of its own, and a short task would cost two commits in place of one.
 */
export class ReportGatherer {
  readonly #pass: (report: Report) => void;
  #starts: Report[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(pass: (report: Report) => void) {
    this.#pass = pass;
  }

  tell(report: Report): void {
    if (report.kind === 'started') {
      this.#starts.push(report);
      this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
      return;
    }
    this.flush();
    this.#pass(report);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const starts = this.#starts;
    this.#starts = [];
    for (const start of starts) this.#pass(start);
  }
}
