import type { TraceSource } from './trace-format.ts';
import { issueAt, type Span, type TraceIssue } from './trace-issue.ts';

/** A row of a table whose first line names its columns. */
export interface CsvRow extends Span {
  /** From 1. */
  readonly line: number;
  /** The text of a cell; '' where the row or the table has none. */
  get(column: string): string;
  /** The number in a cell; NaN where there is none. */
  number(column: string): number;
}

export type ReadTable =
  | { readonly ok: true; readonly rows: Iterable<CsvRow>; readonly columns: ReadonlySet<string> }
  | { readonly ok: false; readonly issues: readonly TraceIssue[] };

/** No row of a table is as long; what has none of the line ends it should have is not read as one. */
const ROW_CHARS_MAX = 1024 * 1024;
/** A cell that is longer is no number. */
const NUMBER_CHARS_MAX = 40;

/**
 * The rows of a table that has these columns, whatever else it has and in whatever order. Cells may be in double
 * quotes (RFC 4180), but no row goes over several lines. Empty lines are none.
 */
export function readTable(
  source: TraceSource,
  needed: readonly string[],
  delimiter = ',',
): ReadTable {
  const { text } = source;
  const header = firstLine(text);
  const names = cellsOf(text.slice(header.start, header.end), delimiter);
  const index = new Map(names.map((name, i) => [name.trim(), i]));
  const missing = needed.filter((name) => !index.has(name));
  if (missing.length > 0) {
    const message = `no column ${missing.map((name) => `\`${name}\``).join(', ')}`;
    const expected = `a first line with the columns ${needed.join(delimiter)}`;
    return { ok: false, issues: [issueAt(source, header, message, expected)] };
  }
  const rows = { [Symbol.iterator]: () => rowsOf(text, header, index, delimiter) };
  return { ok: true, rows, columns: new Set(index.keys()) };
}

/** The first line that is not empty. */
export function firstLine(text: string): Span & { readonly line: number } {
  let line = 1;
  for (let start = text.startsWith('\ufeff') ? 1 : 0; ; line++) {
    const newline = text.indexOf('\n', start);
    const end = Math.min(newline === -1 ? text.length : newline, start + ROW_CHARS_MAX);
    if (newline === -1 || text.slice(start, end).trim() !== '') return { start, end, line };
    start = newline + 1;
  }
}

function* rowsOf(
  text: string,
  header: Span & { readonly line: number },
  index: ReadonlyMap<string, number>,
  delimiter: string,
): Generator<CsvRow> {
  let { line } = header;
  for (let start = nextLine(text, header.end); start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    line++;
    const row = text.slice(start, Math.min(end, start + ROW_CHARS_MAX));
    if (row.trim() !== '') yield rowOf(row, { start, end, line }, index, delimiter);
    start = end + 1;
  }
}

function nextLine(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline === -1 ? text.length : newline + 1;
}

function rowOf(
  row: string,
  place: Span & { readonly line: number },
  index: ReadonlyMap<string, number>,
  delimiter: string,
): CsvRow {
  const cells = cellsOf(row, delimiter);
  const get = (column: string): string => {
    const i = index.get(column);
    return i === undefined ? '' : (cells[i] ?? '').trim();
  };
  const number = (column: string): number => {
    const cell = get(column);
    return cell === '' || cell.length > NUMBER_CHARS_MAX ? Number.NaN : Number(cell);
  };
  return { ...place, get, number };
}

function cellsOf(row: string, delimiter: string): string[] {
  const line = row.endsWith('\r') ? row.slice(0, -1) : row;
  if (!line.includes('"')) return line.split(delimiter);
  const cells: string[] = [];
  for (let at = 0; at <= line.length; ) {
    if (line[at] !== '"') {
      const end = line.indexOf(delimiter, at);
      cells.push(line.slice(at, end === -1 ? line.length : end));
      at = end === -1 ? line.length + 1 : end + 1;
      continue;
    }
    let close = at + 1;
    while (close < line.length && (line[close] !== '"' || line[close + 1] === '"')) {
      close += line[close] === '"' ? 2 : 1;
    }
    cells.push(line.slice(at + 1, close).replaceAll('""', '"'));
    const end = line.indexOf(delimiter, close);
    at = end === -1 ? line.length + 1 : end + 1;
  }
  return cells;
}
