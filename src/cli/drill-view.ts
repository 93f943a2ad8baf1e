import { formatSpan } from '../base/format.ts';
import type { DrillTerms } from '../model/drill.ts';
import type { DrillOutcome, RequestOutcome } from '../simulation/drills/drill-outcome.ts';
import { type Page, paint } from './page.ts';
import { type Column, renderTable } from './table.ts';

/** One variant, played once. */
export interface DrillRun {
  readonly variant: string;
  readonly seed: number;
  readonly outcome: DrillOutcome;
}

interface Measure {
  readonly column: Column;
  readonly of: (outcome: DrillOutcome) => number | undefined;
  readonly print: (mean: number) => string;
}

const right = (title: string): Column => ({ title, align: 'right' });
const rounded = (mean: number): string => String(Math.round(mean * 10) / 10);
const percent = (mean: number): string => `${(mean * 100).toFixed(1)}%`;
const ofRequests = (of: (requests: RequestOutcome) => number) => (outcome: DrillOutcome) =>
  outcome.requests && of(outcome.requests);

const measures: readonly Measure[] = [
  { column: right('nodes lost'), of: ({ nodesLost }) => nodesLost, print: rounded },
  {
    column: right('ended badly'),
    of: ({ ends }) => Object.values(ends).reduce((sum, count) => sum + count, 0),
    print: rounded,
  },
  { column: right('succeeded'), of: ({ succeeded }) => succeeded, print: rounded },
  { column: right('preempted'), of: ({ preempted }) => preempted, print: rounded },
  { column: right('answered'), of: ofRequests(({ after }) => after), print: percent },
  {
    column: right('worst minute'),
    of: ofRequests(({ worstMinute }) => worstMinute),
    print: percent,
  },
  {
    column: right('blast radius'),
    of: ofRequests(({ blastRadius }) => blastRadius),
    print: percent,
  },
  {
    column: right('tries a request'),
    of: ofRequests(({ amplification }) => amplification),
    print: (mean) => mean.toFixed(2),
  },
];

/** A row for each variant, the mean of its seeds; measures of which nothing ever happened are left out. */
export function renderDrill(
  page: Page,
  { name, what, jobs }: DrillTerms,
  runs: readonly DrillRun[],
): readonly string[] {
  const shown = [...measures, ...waitsOf(jobs.map((job) => job.name))].filter(({ of }) =>
    runs.some(({ outcome }) => (of(outcome) ?? 0) !== 0),
  );
  const byVariant = Map.groupBy(runs, ({ variant }) => variant);
  const rows = [...byVariant].map(([variant, own]) => [
    variant,
    ...shown.map(({ of, print }) => {
      const values = own.flatMap(({ outcome }) => of(outcome) ?? []);
      if (values.length === 0) return '-';
      return print(values.reduce((sum, value) => sum + value, 0) / values.length);
    }),
  ]);
  const seeds = new Set(runs.map(({ seed }) => seed)).size;
  return [
    `${name}: ${what}`,
    '',
    ...renderTable(page, [{ title: 'variant' }, ...shown.map(({ column }) => column)], rows),
    '',
    paint(page, 'faint', seeds === 1 ? 'Played once.' : `Means of ${seeds} seeds.`),
  ];
}

/** The longest wait of each job until its first start. */
const waitsOf = (jobs: readonly string[]): Measure[] =>
  [...new Set(jobs)].map((job) => ({
    column: right(`wait of ${job}`),
    of: ({ waits }) => waits[job]?.reduce((most, wait) => Math.max(most, wait), 0),
    print: formatSpan,
  }));
