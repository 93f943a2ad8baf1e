/** What is wrong with a file, and where; an `Issue` of `spec`, so that it is printed as those are. */
export interface TraceIssue {
  readonly severity: 'error';
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** What would be right, as a phrase. */
  readonly expected?: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
  /** From 0, in UTF-16 code units. */
  readonly offset: number;
}

/** What of a text is meant; `end` is not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** An issue with that part of a text. */
export function issueAt(
  { file, text }: { readonly file: string; readonly text: string },
  span: Span,
  message: string,
  expected?: string,
): TraceIssue {
  const offset = Math.max(0, Math.min(span.start, text.length));
  const before = offset === 0 ? -1 : text.lastIndexOf('\n', offset - 1);
  const lineEnd = text.indexOf('\n', offset);
  const end = Math.max(offset + 1, Math.min(span.end, lineEnd === -1 ? text.length : lineEnd));
  return {
    severity: 'error',
    path: [],
    message,
    ...(expected !== undefined && { expected }),
    file,
    line: lineOf(text, offset),
    column: offset - before,
    endColumn: end - before,
    offset,
  };
}

/** Of a list of nodes that came without the jobs that ran on them; nothing of no file at all. */
export function onlyNodes(
  source: { readonly file: string; readonly text: string } | undefined,
  columns: readonly string[],
): { readonly ok: false; readonly issues: readonly TraceIssue[] } {
  if (source === undefined) return { ok: false, issues: [] };
  const expected = `a file beside it with the columns ${columns.join(', ')}`;
  const issue = issueAt(source, { start: 0, end: 1 }, 'it has nodes, and no jobs', expected);
  return { ok: false, issues: [issue] };
}

/** The line, from 1, that a place of a text is on. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}
