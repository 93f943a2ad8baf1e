import { type Issue, printPath } from './issue.ts';
import type { FileTexts } from './locate-issues.ts';

/** Columns of a line that a frame shows; a longer line is cut around the place. */
const FRAME_COLUMNS = 120;

/** What an editor and a terminal understand: `file:line:column error: …`, then the lines themselves. */
export function formatIssues(
  issues: readonly Issue[],
  text: string,
  fileName: string,
  files?: FileTexts,
): string {
  const split = new Map<string | undefined, readonly string[]>([[undefined, text.split('\n')]]);
  const linesOf = (file: string | undefined): readonly string[] => {
    const lines = split.get(file) ?? (files?.get(file ?? '') ?? '').split('\n');
    split.set(file, lines);
    return lines;
  };
  return issues
    .map(
      (issue) => `${sentence(issue, issue.file ?? fileName)}\n${frame(issue, linesOf(issue.file))}`,
    )
    .join('\n');
}

function sentence(issue: Issue, fileName: string): string {
  const { severity, line, column, message, expected, suggestion } = issue;
  const path = printPath(issue.path);
  const what = path === '' ? message : `${path}: ${message}`;
  const right = expected === undefined ? '' : `; expected ${expected}`;
  const meant = suggestion === undefined ? '' : ` - did you mean "${suggestion}"?`;
  return harmless(`${fileName}:${line}:${column} ${severity}: ${what}${right}${meant}`);
}

function frame(issue: Issue, lines: readonly string[]): string {
  const width = String(issue.line).length;
  const from = Math.max(0, issue.column - 1 - Math.floor(FRAME_COLUMNS / 2));
  const cut = (text: string): string => text.replace(/\r$/, '').slice(from, from + FRAME_COLUMNS);
  const row = (number: number): string =>
    `${String(number).padStart(width)} | ${harmless(cut(lines[number - 1] ?? ''))}`.trimEnd();
  const line = cut(lines[issue.line - 1] ?? '');
  const lead = line.slice(0, issue.column - 1 - from).padEnd(issue.column - 1 - from);
  const length = Math.min(issue.endColumn - issue.column, FRAME_COLUMNS - lead.length);
  const underline = `${lead.replace(/[^\t]/gu, ' ')}${'^'.repeat(Math.max(1, length))}`;
  const rows = issue.line > 1 ? [row(issue.line - 1), row(issue.line)] : [row(issue.line)];
  return [...rows, `${' '.repeat(width)} | ${underline}`].map((text) => `  ${text}\n`).join('');
}

/** Control characters of a document must not reach a terminal. */
function harmless(text: string): string {
  return text.replace(/(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\u00b7');
}
