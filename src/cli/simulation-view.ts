import type {
  Comparison,
  ComparisonDocument,
  PolicyRow,
} from '../simulation/measures/compare-runs.ts';
import type { MeasureUnit } from '../simulation/measures/compared-measures.ts';
import type { SweepDocument } from '../simulation/sweep.ts';
import { formatSpan } from './format.ts';
import { glyph, type Page, paint, type Tone } from './page.ts';
import { type Cell, type Column, renderTable } from './table.ts';
import { count, grouped, printable, wrap } from './text.ts';

const WIDTH_MAX = 110;

/** Policies beside each other, and which differences are sure. */
export function comparisonLines(document: ComparisonDocument, page: Page): readonly string[] {
  const { policies, comparisons } = document;
  const sure = comparisons.filter(({ verdict }) => verdict === 'better' || verdict === 'worse');
  const unsure = comparisons.filter(({ verdict }) => verdict === 'no-sure-difference');
  const unknown = Map.groupBy(
    comparisons.filter(({ why }) => why !== null),
    ({ why }) => why!,
  );
  return [
    ...headLines(document, page),
    '',
    ...renderTable(
      page,
      policyColumns,
      policies.map((row) => policyCells(row, page)),
    ),
    ...(comparisons.length === 0 ? [] : ['', ...differenceLines(sure, page)]),
    ...(unsure.length === 0
      ? []
      : [paint(page, 'faint', `${count(unsure.length, 'other difference')} may be chance.`)]),
    ...[...unknown].map(([why, all]) =>
      paint(page, 'faint', `Of ${count(all.length, 'difference')} nobody can say: ${why}.`),
    ),
  ];
}

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
  readonly skipped: ComparisonDocument['skipped'];
  readonly notes?: readonly string[];
}

function headLines(head: Head, page: Page): readonly string[] {
  const { trace, format, trace_jobs, nodes, seeds, skipped, notes = [] } = head;
  const width = Math.min(page.width, WIDTH_MAX);
  const what = `${printable(trace)} (${format}): ${count(trace_jobs, 'job')} on ${count(nodes, 'node')}, ${count(seeds.length, 'seed')}`;
  const left = skipped.map(
    ({ why, count: rows, line }) =>
      `${count(rows, 'row')} left out: ${printable(why)} (first on line ${line})`,
  );
  return [
    paint(page, 'strong', what),
    ...[...left, ...notes.map(printable)].flatMap((text) =>
      wrap(text, width).map((line) => paint(page, 'faint', line)),
    ),
  ];
}

const policyColumns: readonly Column[] = [
  { title: 'POLICY', min: 12 },
  { title: 'SLOWDOWN', align: 'right' },
  { title: 'WAIT', align: 'right' },
  { title: '95 % WAIT', align: 'right', drop: 2 },
  { title: 'TO THE END', align: 'right', drop: 3 },
  { title: 'MAKESPAN', align: 'right', drop: 4 },
  { title: 'CPU', align: 'right' },
  { title: 'GPU', align: 'right', drop: 1 },
  { title: 'STOPPED', align: 'right', drop: 5 },
  { title: 'LEFT', align: 'right', drop: 6 },
];

const policyCells = (row: PolicyRow, page: Page): readonly Cell[] => [
  printable(row.name),
  times(row.avg_bounded_slowdown, page),
  span(row.mean_wait_s, page),
  span(row.p95_wait_s, page),
  span(row.mean_jct_s, page),
  span(row.makespan_s, page),
  percent(row.utilisation.cpu, page),
  percent(row.utilisation.gpu, page),
  `${row.preemptions + row.evictions}`,
  `${row.refused + row.unfinished + row.lost_jobs}`,
];

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

const tones = { better: 'done', worse: 'failed' } as const satisfies Record<string, Tone>;

function differenceLines(sure: readonly Comparison[], page: Page): readonly string[] {
  if (sure.length === 0) return ['No difference between them is sure.'];
  return [
    'Differences that are sure:',
    ...renderTable(
      page,
      [
        { title: 'POLICY', min: 10 },
        { title: 'MEASURE', min: 12 },
        { title: '' },
        { title: 'DIFFERENCE', align: 'right' },
        { title: 'INTERVAL', drop: 1 },
        { title: 'P', align: 'right', drop: 2 },
      ],
      sure.map((one): Cell[] => [
        printable(one.policy),
        one.title,
        { text: one.verdict, tone: tones[one.verdict as keyof typeof tones] },
        one.relative === null
          ? inUnit(one.difference, one.unit, page)
          : `${one.relative > 0 ? '+' : ''}${(one.relative * 100).toFixed(1)} %`,
        `${inUnit(one.low, one.unit, page)} to ${inUnit(one.high, one.unit, page)}`,
        one.p_adjusted === null
          ? glyph(page, 'unknown')
          : one.p_adjusted < 0.001
            ? '<0.001'
            : one.p_adjusted.toFixed(3),
      ]),
    ),
  ];
}

function inUnit(value: number | null, unit: MeasureUnit, page: Page): string {
  if (value === null) return glyph(page, 'unknown');
  const sign = value < 0 ? '-' : '';
  const size = Math.abs(value);
  switch (unit) {
    case 's':
      return `${sign}${formatSpan(size * 1_000)}`;
    case 'ratio':
      return `${sign}${(size * 100).toFixed(2)} %`;
    case 'dollars':
      return `${sign}$${size.toFixed(2)}`;
    case 'hours':
      return `${sign}${size.toFixed(1)} h`;
    case 'kWh':
      return `${sign}${size.toFixed(1)} kWh`;
    case 'times':
    case 'count':
      return `${sign}${plain(size)}`;
  }
}

const plain = (value: number): string =>
  value >= 1_000 ? grouped(Math.round(value)) : value.toFixed(2);

const times = (value: number | null, page: Page): string =>
  value === null ? glyph(page, 'unknown') : plain(value);

const span = (seconds: number | null, page: Page): string =>
  seconds === null ? glyph(page, 'unknown') : formatSpan(seconds * 1_000);

const percent = (part: number | null, page: Page): string =>
  part === null ? glyph(page, 'unknown') : `${(part * 100).toFixed(1)} %`;
