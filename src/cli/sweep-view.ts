import type { SweepDocument } from '../simulation/sweep.ts';
import { formatSpan } from './format.ts';
import { glyph, type Page, paint } from './page.ts';
import { type Column, renderTable } from './table.ts';
import { count, grouped, printable, wrap } from './text.ts';

const WIDTH_MAX = 110;

/** At each load, what each policy makes of so many machines. */
export function sweepLines(document: SweepDocument, page: Page): readonly string[] {
  const { cells, loads } = document;
  const tables = loads.flatMap((load) => [
    '',
    paint(page, 'strong', `Load ${load}`),
    ...renderTable(
      page,
      sweepColumns,
      cells
        .filter((cell) => cell.load === load)
        .map((cell) => [
          cell.pareto ? glyph(page, 'dot') : '',
          `${cell.size}`,
          cell.policy,
          times(cell.avg_bounded_slowdown, page),
          span(cell.mean_wait_s, page),
          span(cell.p95_wait_s, page),
          percent(cell.cpu_utilisation, page),
          percent(cell.gpu_utilisation, page),
        ]),
    ),
  ]);
  const note = `${glyph(page, 'dot')} nobody does better at this load on as few machines`;
  return [...headLines(document, page), ...tables, '', paint(page, 'faint', note)];
}

interface Head {
  readonly trace: string;
  readonly format: string;
  readonly trace_jobs: number;
  readonly nodes: number;
  readonly seeds: readonly number[];
  readonly skipped: SweepDocument['skipped'];
}

function headLines(head: Head, page: Page): readonly string[] {
  const { trace, format, trace_jobs, nodes, seeds, skipped } = head;
  const width = Math.min(page.width, WIDTH_MAX);
  const what = `${printable(trace)} (${format}): ${count(trace_jobs, 'job')} on ${count(nodes, 'node')}, ${count(seeds.length, 'seed')}`;
  const left = skipped.map(
    ({ why, count: rows, line }) =>
      `${count(rows, 'row')} left out: ${printable(why)} (first on line ${line})`,
  );
  return [
    paint(page, 'strong', what),
    ...left.flatMap((text) => wrap(text, width).map((line) => paint(page, 'faint', line))),
  ];
}

const sweepColumns: readonly Column[] = [
  { title: '' },
  { title: 'SIZE', align: 'right' },
  { title: 'POLICY', min: 12 },
  { title: 'SLOWDOWN', align: 'right' },
  { title: 'WAIT', align: 'right' },
  { title: '95 % WAIT', align: 'right', drop: 2 },
  { title: 'CPU', align: 'right', drop: 1 },
  { title: 'GPU', align: 'right', drop: 3 },
];

const plain = (value: number): string =>
  value >= 1_000 ? grouped(Math.round(value)) : value.toFixed(2);

const times = (value: number | null, page: Page): string =>
  value === null ? glyph(page, 'unknown') : plain(value);

const span = (seconds: number | null, page: Page): string =>
  seconds === null ? glyph(page, 'unknown') : formatSpan(seconds * 1_000);

const percent = (part: number | null, page: Page): string =>
  part === null ? glyph(page, 'unknown') : `${(part * 100).toFixed(1)} %`;
