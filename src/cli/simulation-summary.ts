import type { ComparisonDocument } from '../simulation/measures/compare-runs.ts';
import {
  differenceRows,
  foundSentences,
  pairs,
  policyRows,
  type Rows,
  runSentences,
  unknownSentences,
} from '../simulation/report/summary.ts';
import type { Page, Tone } from './page.ts';
import { paint } from './page.ts';
import { type Cell, type Column, renderTable } from './table.ts';
import { printable, wrap } from './text.ts';

const tones: Readonly<Record<string, Tone>> = { better: 'done', worse: 'failed' };

/** Policies beside each other, for a terminal: what was run, their figures, and which differences are real. */
export function simulationSummary(page: Page, document: ComparisonDocument): readonly string[] {
  const sentences = (texts: readonly string[]): string[] =>
    texts.flatMap((text) => wrap(printable(text), page.width));
  const lines = [
    ...sentences(runSentences(document)),
    '',
    ...rendered(page, policyRows(document, false)),
  ];
  for (const pair of pairs(document)) {
    const rows = differenceRows(pair);
    const toned = pair.map(({ verdict }) => tones[verdict]);
    const { policy, against } = pair[0]!;
    const title = printable(`${policy} beside ${against}`);
    const unknown = sentences(unknownSentences(pair)).map((line) => paint(page, 'faint', line));
    lines.push('', paint(page, 'strong', title), ...rendered(page, rows, toned), ...unknown);
  }
  if (document.comparisons.length > 0) lines.push('', ...sentences(foundSentences(document)));
  return lines;
}

/** Amounts stand right. The last cell may be coloured, row by row. */
function rendered(
  page: Page,
  { head, rows }: Rows,
  lastTones?: readonly (Tone | undefined)[],
): readonly string[] {
  const last = head.length - 1;
  const isText = (i: number): boolean => i === 0 || (lastTones !== undefined && i === last);
  // A difference tells more than the two values; the figures of a policy come in order of importance.
  const mayDrop = (title: string, i: number): boolean =>
    lastTones === undefined ? i > 3 : title !== 'Difference';
  const columns = head.map((title, i): Column => {
    if (i === 0) return { title, min: 8 };
    if (isText(i)) return { title, min: 12 };
    return { title, align: 'right', ...(mayDrop(title, i) && { drop: i }) };
  });
  const cells = rows.map((row, k): Cell[] =>
    row.map((text, i) =>
      i === last && lastTones !== undefined ? { text, tone: lastTones[k] } : text,
    ),
  );
  return renderTable(page, columns, cells);
}
