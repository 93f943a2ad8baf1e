import type { Gpu } from '../gpu.ts';
import { fieldOf } from './nvidia-fields.ts';
import { nvidiaGpu } from './nvidia-smi.ts';

const ROWS_MAX = 10_000;
/** The columns whose values may hold a comma; at most one of them is asked for at a time. */
const freeText = ['process_name', 'name', 'gpu_name'];

export interface CsvTable {
  /** Column names without their unit. */
  readonly columns: readonly string[];
  /** One record per row, with the column's unit put after a figure that has none (`nounits`). */
  readonly rows: readonly Readonly<Record<string, string>>[];
  readonly problems: readonly string[];
}

/** Any `nvidia-smi --query-… --format=csv[,nounits]` with its header line; undefined when there is none. */
export function parseNvidiaCsv(text: string): CsvTable | undefined {
  const lines = text.split(/\r?\n/, ROWS_MAX).filter((line) => line.trim() !== '');
  const header = lines[0]?.split(',').map((name) => name.trim()) ?? [];
  if (
    header.length === 0 ||
    !header.every((name) => /^[A-Za-z][\w.]*( \[[^\]]{1,8}\])?$/.test(name))
  ) {
    return undefined;
  }
  const columns = header.map((name) => name.replace(/ \[.*$/, ''));
  const units = header.map((name) => /\[(.*)\]$/.exec(name)?.[1]);
  const problems: string[] = [];
  const rows: Record<string, string>[] = [];
  for (const line of lines.slice(1)) {
    const cells = align(line.split(', '), columns);
    if (cells === undefined) {
      problems.push(`a row has not ${columns.length} fields: ${line.slice(0, 80)}`);
      continue;
    }
    const row: Record<string, string> = Object.create(null);
    for (const [i, name] of columns.entries()) {
      const cell = cells[i]!.trim();
      const unit = units[i];
      row[name] = unit !== undefined && /^-?[\d.]+$/.test(cell) ? `${cell} ${unit}` : cell;
    }
    rows.push(row);
  }
  return { columns, rows, problems };
}

/** Gives surplus cells back to the one column that may hold commas. */
function align(
  cells: readonly string[],
  columns: readonly string[],
): readonly string[] | undefined {
  const surplus = cells.length - columns.length;
  if (surplus === 0) return cells;
  const at = freeText.map((name) => columns.indexOf(name)).find((i) => i >= 0);
  if (surplus < 0 || at === undefined) return undefined;
  return [
    ...cells.slice(0, at),
    cells.slice(at, at + surplus + 1).join(', '),
    ...cells.slice(at + surplus + 1),
  ];
}

/** The GPUs of a `--query-gpu` table, in the order of its rows. */
export function gpusOfCsv(table: CsvTable): readonly Gpu[] {
  return table.rows.map((row, index) =>
    nvidiaGpu((field) => fieldOf(field, 'csv', (column) => row[column]), index),
  );
}

/**
 * `nvidia-smi pmon` and `dmon`: a `#` line of names, a `#` line of units, then rows. One record per
 * row; what the tool prints as `-` is left out.
 */
export function parseMonitorTable(text: string): readonly Readonly<Record<string, string>>[] {
  let columns: readonly string[] | undefined;
  const rows: Record<string, string>[] = [];
  for (const line of text.split(/\r?\n/, ROWS_MAX)) {
    const cells = line.trim().split(/\s+/);
    if (cells[0] === '#') {
      if (/^gpu$/i.test(cells[1] ?? '')) columns = cells.slice(1);
      continue;
    }
    if (columns === undefined || cells.length < columns.length) continue;
    const row: Record<string, string> = Object.create(null);
    for (const [i, name] of columns.entries()) {
      const last = i === columns.length - 1;
      const cell = last ? cells.slice(i).join(' ') : cells[i]!;
      if (cell !== '-') row[name] = cell;
    }
    rows.push(row);
  }
  return rows;
}
