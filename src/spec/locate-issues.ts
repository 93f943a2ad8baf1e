import { nearest } from '../base/nearest.ts';
import { findWritten, type Written } from './document-tree.ts';
import type { Issue, Problem, Range } from './issue.ts';

const ISSUES_MAX = 100;

/** The texts of other files that a document is made of, by name. */
export type FileTexts = ReadonlyMap<string, string>;
const noFiles: FileTexts = new Map();

/** The document itself goes first, then other files by name. */
function inOrder(a: Range, b: Range): number {
  const [one = '', other = ''] = [a.file, b.file];
  return one === other ? a.start - b.start : one < other ? -1 : 1;
}

/** Gives each problem its place in the text; sorted by it, at most `max`. */
export function locateIssues(
  problems: readonly Problem[],
  root: Written | undefined,
  text: string,
  files: FileTexts = noFiles,
  max = ISSUES_MAX,
): Issue[] {
  const indexes = new Map<string | undefined, LineIndex>();
  const linesOf = (file: string | undefined): LineIndex => {
    const known = indexes.get(file);
    if (known !== undefined) return known;
    const lines = new LineIndex(file === undefined ? text : (files.get(file) ?? ''));
    indexes.set(file, lines);
    return lines;
  };
  return problems
    .map((problem) => ({ problem, range: rangeOf(problem, root) }))
    .sort((a, b) => inOrder(a.range, b.range))
    .slice(0, max)
    .map(({ problem, range }) => {
      const { near } = problem;
      // Of one letter, every other letter is the nearest word.
      const isGuessable = near !== undefined && near.word.length > 1;
      const guess = isGuessable ? nearest(near.word, near.words) : undefined;
      const suggestion = problem.suggestion ?? guess;
      return {
        severity: problem.severity ?? 'error',
        path: problem.path,
        message: problem.message,
        ...(problem.expected === undefined ? {} : { expected: problem.expected }),
        ...(suggestion === undefined ? {} : { suggestion }),
        ...(range.file !== undefined && { file: range.file }),
        ...linesOf(range.file).place(range),
      };
    });
}

/** Where a problem stands, as far as that is there. */
export function rangeOf(problem: Problem, root: Written | undefined): Range {
  if (typeof problem.at === 'object') return problem.at;
  const found = findWritten(root, problem.path);
  if (found === undefined) return keyOfParent(problem, root);
  const isBlank = found.range.end <= found.range.start;
  if (problem.at === 'key' || isBlank) return found.key ?? found.range;
  return problem.within === undefined ? found.range : partOf(found, problem.within);
}

/** From that character on, where the text stands there as it is, plain or in quotes; else all of it. */
function partOf({ value, range }: Written, within: number): Range {
  const around = range.end - range.start - String(value).length;
  if (around !== 0 && around !== 2) return range;
  const end = range.end - around / 2;
  const start = Math.min(range.start + around / 2 + within, end - 1);
  return { ...range, start, end };
}

/** A key that is missing has no place: its parent's key has, or the first key beside it. */
function keyOfParent(problem: Problem, root: Written | undefined): Range {
  for (let length = problem.path.length - 1; length >= 0; length--) {
    const parent = findWritten(root, problem.path.slice(0, length));
    if (parent === undefined) continue;
    if (parent.key !== undefined) return parent.key;
    const [first] = parent.children?.values() ?? [];
    return first?.key ?? parent.range;
  }
  return { start: 0, end: 0 };
}

/** Lines and columns of one text. */
export class LineIndex {
  readonly #text: string;
  readonly #starts: number[] = [0];
  /** Behind the last character that can be seen: what is missing at the end is shown there. */
  readonly #end: number;

  constructor(text: string) {
    this.#text = text;
    this.#end = text.trimEnd().length;
    for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) {
      this.#starts.push(i + 1);
    }
  }

  place(range: Range): Pick<Issue, 'line' | 'column' | 'endColumn' | 'offset'> {
    const offset = Math.max(0, Math.min(range.start, this.#end));
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    const lineStart = this.#starts[low]!;
    const lineEnd = (this.#starts[low + 1] ?? this.#text.length + 1) - 1;
    const end = Math.max(Math.min(range.end, lineEnd), offset + 1);
    return {
      line: low + 1,
      column: offset - lineStart + 1,
      endColumn: end - lineStart + 1,
      offset,
    };
  }
}
