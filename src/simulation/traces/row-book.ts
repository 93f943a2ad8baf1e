import type { SkippedRows } from '../trace.ts';
import { SkippedBook } from './skipped-book.ts';
import type { ReadTrace, TraceSource } from './trace-format.ts';
import { issueAt, lineOf, type Span, type TraceIssue } from './trace-issue.ts';

/** Malformed rows that are told of where a file is given up. */
const ISSUES_MAX = 20;

/**
 * Counts the rows of a trace that are left out, and gives a file up in which most cannot be read. A row that is left
 * out says nothing that can be replayed; a malformed one is not a row of its format at all.
 */
export class RowBook {
  readonly #skipped = new SkippedBook();
  readonly #issues: TraceIssue[] = [];
  #malformed = 0;

  get rows(): readonly SkippedRows[] {
    return this.#skipped.rows;
  }

  skip(why: string, line: number | (() => number)): void {
    this.#skipped.skip(why, line);
  }

  /** `what` is one of a few phrases; what stands there is not part of it. */
  malformed(
    source: TraceSource,
    row: (Span & { readonly line: number }) | (() => Span),
    what: string,
    expected: string,
  ): void {
    this.#malformed++;
    if (this.#issues.length < ISSUES_MAX) {
      const span = typeof row === 'function' ? row() : row;
      this.#issues.push(issueAt(source, span, what, expected));
    }
    this.skip(what, () =>
      typeof row === 'function' ? lineOf(source.text, row().start) : row.line,
    );
  }

  /** Why nothing can be made of it; undefined where `usable` of its rows are enough. */
  verdict(usable: number, source: TraceSource, form: string): ReadTrace | undefined {
    if (usable > 0 && this.#malformed <= usable) return undefined;
    if (this.#issues.length > 0) return { ok: false, issues: this.#issues };
    const why = this.rows.map((row) => `${row.why} (${row.count}, first in line ${row.line})`);
    const message =
      why.length === 0 ? 'it has no rows' : `no row can be replayed: ${why.join(', ')}`;
    return { ok: false, issues: [issueAt(source, { start: 0, end: 1 }, message, form)] };
  }
}
