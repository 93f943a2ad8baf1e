import type { BaselineDocument } from '../inventory/baseline-document.ts';
import { formatMoment } from './format.ts';
import type { Page } from './page.ts';
import { type Column, renderTable } from './table.ts';

type Figure = BaselineDocument['measurements'][number];

const columns: readonly Column[] = [
  { title: 'MEASURED' },
  { title: 'MEDIAN', align: 'right' },
  { title: 'FROM', align: 'right' },
  { title: 'TO', align: 'right' },
  { title: 'SINCE' },
  { title: 'METHOD', drop: 1 },
];

/** The figures with their spread, what changed since the baseline before, and what is missing. */
export function baselineLines(
  { measurements, compared, problems, taken_at, host }: BaselineDocument,
  page: Page,
  now: number,
): readonly string[] {
  const rows = measurements.map((figure) => [
    figure.name.replaceAll('-', ' '),
    amount(figure, figure.median),
    amount(figure, figure.min),
    amount(figure, figure.max),
    since(compared, figure),
    figure.method,
  ]);
  const notes = measurements.flatMap(({ name, note }) =>
    note === null ? [] : [`${name.replaceAll('-', ' ')}: ${note}`],
  );
  return [
    `Taken ${formatMoment(taken_at, now)} on ${host.disk || 'an unknown disk'}, ${host.threads} threads.`,
    ...(rows.length === 0 ? [] : renderTable(page, columns, rows)),
    ...notes,
    ...problems.map((problem) => `not measured: ${problem}`),
    ...comparisonLines(compared, now),
  ];
}

function comparisonLines(compared: BaselineDocument['compared'], now: number): string[] {
  if (compared === null) return ['Not compared with an earlier baseline.'];
  const { with_taken_at, differs, changes } = compared;
  const at = formatMoment(with_taken_at, now);
  const words = differs.map((field) => (field === 'memoryBytes' ? 'memory' : field)).join(', ');
  if (changes.length === 0) return [`Not compared with that of ${at}: another ${words}.`];
  return [`Compared with that of ${at}${words === '' ? '' : `; since then another ${words}`}.`];
}

function since(compared: BaselineDocument['compared'], { name }: Figure): string {
  const change = compared?.changes.find((each) => each.name === name);
  if (change === undefined) return '';
  const { verdict, ratio } = change;
  return ratio === null ? verdict : `${verdict} ×${ratio.toFixed(2)}`;
}

const SCALES: Readonly<Record<string, readonly string[]>> = {
  'bytes/s': ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s'],
  ns: ['ns', 'µs', 'ms', 's'],
  'operations/s': ['/s', 'k/s', 'M/s'],
  'processes/s': ['/s', 'k/s'],
};

/** Decimal units, as disks and links are sold. */
function amount({ unit }: Figure, n: number): string {
  const names = SCALES[unit] ?? [unit];
  let value = n;
  let at = 0;
  while (value >= 1_000 && at < names.length - 1) {
    value /= 1_000;
    at++;
  }
  return `${Number(value.toPrecision(3))} ${names[at]}`;
}
