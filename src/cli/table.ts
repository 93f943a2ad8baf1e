import { type Page, paint, type Tone } from './page.ts';
import { displayWidth, padEnd, padStart, printable, truncate } from './text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** The least width it may be cut to when the page is narrow; without it, it is never cut. */
  readonly min?: number;
  /** Left out on a narrow page, highest first, after cutting did not suffice. */
  readonly drop?: number;
}

export type Cell = string | { readonly text: string; readonly tone: Tone | undefined };

const GAP = '  ';

/** A table that fits the page: wide columns are cut, then columns left out. Cells hold no styles. */
export function renderTable(
  page: Page,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): readonly string[] {
  let kept = columns.map((_, i) => i);
  let widths = fit(page, columns, rows, kept);
  while (widths === undefined) {
    const droppable = kept.filter((i) => columns[i]!.drop !== undefined);
    if (droppable.length === 0) break;
    const victim = droppable.reduce((a, b) => (columns[b]!.drop! > columns[a]!.drop! ? b : a));
    kept = kept.filter((i) => i !== victim);
    widths = fit(page, columns, rows, kept);
  }
  const shown = widths ?? kept.map((i) => columns[i]!.min ?? naturalWidth(columns, rows, i));
  const header = kept.map((i) => columns[i]!.title);
  return [
    paint(page, 'faint', line(page, columns, kept, shown, header)),
    ...rows.map((row) =>
      line(
        page,
        columns,
        kept,
        shown,
        kept.map((i) => row[i] ?? ''),
      ),
    ),
  ];
}

function naturalWidth(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  i: number,
): number {
  let width = displayWidth(columns[i]!.title);
  for (const row of rows) width = Math.max(width, displayWidth(textOf(row[i] ?? '')));
  return width;
}

/** Widths of the kept columns within the page, or undefined when even the least ones are too wide. */
function fit(
  page: Page,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  kept: readonly number[],
): readonly number[] | undefined {
  const widths = kept.map((i) => naturalWidth(columns, rows, i));
  let excess = widths.reduce((a, b) => a + b, 0) + GAP.length * (kept.length - 1) - page.width;
  while (excess > 0) {
    let widest = -1;
    kept.forEach((column, k) => {
      const min = columns[column]!.min;
      if (min === undefined || widths[k]! <= min) return;
      if (widest === -1 || widths[k]! > widths[widest]!) widest = k;
    });
    if (widest === -1) return undefined;
    widths[widest] = widths[widest]! - 1;
    excess--;
  }
  return widths;
}

function line(
  page: Page,
  columns: readonly Column[],
  kept: readonly number[],
  widths: readonly number[],
  cells: readonly Cell[],
): string {
  return cells
    .map((cell, k) => {
      const text = truncate(page, textOf(cell), widths[k]!);
      const tone = typeof cell === 'string' ? undefined : cell.tone;
      const right = columns[kept[k]!]!.align === 'right';
      const painted = paint(page, tone, text);
      if (right) return padStart(painted, widths[k]!);
      return k === cells.length - 1 ? painted : padEnd(painted, widths[k]!);
    })
    .join(GAP)
    .trimEnd();
}

/** Names and messages come from documents: what would drive the terminal is taken out here. */
const textOf = (cell: Cell): string => printable(typeof cell === 'string' ? cell : cell.text);
