import type { Comparison, ComparisonDocument, PolicyRow } from '../measures/compare-runs.ts';
import type { MeasureUnit } from '../measures/compared-measures.ts';
import type { PerResource } from '../measures/run-document.ts';
import {
  amount,
  counted,
  differenceWords,
  pairSentence,
  probability,
  verdictWords,
} from './words.ts';

/** Rows of words: the first cell names its row. */
export interface Rows {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

interface Column {
  readonly title: string;
  readonly unit: MeasureUnit;
  /** As among the measures that are compared; absent of others. */
  readonly measure?: string;
  of(policy: PolicyRow): number | null;
}

const resources = ['cpu', 'memory', 'gpu'] as const;
const resourceNames = { cpu: 'CPU', memory: 'memory', gpu: 'GPU' };

const columns: readonly Column[] = [
  { title: 'Jobs', unit: 'count', of: (one) => one.jobs },
  {
    title: 'Slowdown',
    unit: 'times',
    measure: 'avg_bounded_slowdown',
    of: (one) => one.avg_bounded_slowdown,
  },
  { title: 'Mean wait', unit: 's', measure: 'mean_wait_s', of: (one) => one.mean_wait_s },
  { title: '95 % wait', unit: 's', measure: 'p95_wait_s', of: (one) => one.p95_wait_s },
  { title: 'Completion', unit: 's', measure: 'mean_jct_s', of: (one) => one.mean_jct_s },
  { title: 'Makespan', unit: 's', measure: 'makespan_s', of: (one) => one.makespan_s },
  ...resources.map(
    (name): Column => ({
      title: `${resourceNames[name]} used`,
      unit: 'ratio',
      measure: `utilisation.${name}`,
      of: ({ utilisation }: { readonly utilisation: PerResource }) => utilisation[name],
    }),
  ),
  {
    title: 'Jain',
    unit: 'times',
    measure: 'fairness.jain',
    of: (one) => one.fairness.jain,
  },
  { title: 'Preempted', unit: 'count', measure: 'preemptions', of: (one) => one.preemptions },
  { title: 'Refused', unit: 'count', of: (one) => one.refused },
  { title: 'Unfinished', unit: 'count', measure: 'unfinished', of: (one) => one.unfinished },
  { title: 'Lost', unit: 'count', measure: 'lost_jobs', of: (one) => one.lost_jobs },
  { title: 'Energy', unit: 'kWh', measure: 'energy_kwh', of: (one) => one.energy_kwh },
  { title: 'Money', unit: 'dollars', measure: 'money_dollars', of: (one) => one.money_dollars },
];

/** Of which all is unknown, or nothing ever happened. */
const seldom = new Set([
  ...resources.map((name) => `${resourceNames[name]} used`),
  'Preempted',
  'Refused',
  'Unfinished',
  'Lost',
  'Energy',
  'Money',
]);

/** The policies, one a row; columns that say nothing are left out. */
export function policyRows({ policies }: ComparisonDocument, withIntervals: boolean): Rows {
  const shown = columns.filter((column) => {
    const values = policies.map((policy) => column.of(policy));
    if (values.every((value) => value === null)) return false;
    return !seldom.has(column.title) || values.some((value) => value !== 0);
  });
  return {
    head: ['Policy', ...shown.map(({ title }) => title)],
    rows: policies.map((policy) => [
      policy.name,
      ...shown.map(({ measure, unit, of }) => {
        const interval = measure === undefined ? undefined : policy.intervals[measure];
        const told = amount(of(policy), unit);
        if (!withIntervals || interval === undefined) return told;
        return `${told} (${amount(interval.low, unit)} … ${amount(interval.high, unit)})`;
      }),
    ]),
  };
}

/** By pair of policies, in order. */
export function pairs({ comparisons }: ComparisonDocument): readonly (readonly Comparison[])[] {
  const names = [...new Set(comparisons.map(({ policy }) => policy))];
  return names.map((name) => comparisons.filter(({ policy }) => policy === name));
}

export function differenceRows(comparisons: readonly Comparison[]): Rows {
  const [first] = comparisons;
  return {
    head: ['Measure', first?.against ?? '', first?.policy ?? '', 'Difference', 'p', 'Verdict'],
    rows: comparisons.map((one) => [
      one.title,
      amount(one.against_value, one.unit),
      amount(one.value, one.unit),
      differenceWords(one),
      probability(one.p_adjusted),
      verdictWords[one.verdict],
    ]),
  };
}

/** Why some of it is unknown: `One run does not say how it varies: run more seeds (7 measures).` */
export function unknownSentences(comparisons: readonly Comparison[]): string[] {
  const counts = new Map<string, number>();
  for (const { why } of comparisons) if (why !== null) counts.set(why, (counts.get(why) ?? 0) + 1);
  return [...counts].map(
    ([why, count]) =>
      `${why.charAt(0).toUpperCase()}${why.slice(1)} (${counted(count, 'measure')}).`,
  );
}

/** What was found, a sentence for each pair of policies. */
export const foundSentences = (document: ComparisonDocument): string[] =>
  pairs(document).map(pairSentence);

/** What was run, and what was not. */
export function runSentences(document: ComparisonDocument): string[] {
  const { trace, format, trace_jobs, nodes, seeds, skipped, notes } = document;
  return [
    `${trace} (${format}): ${counted(trace_jobs, 'job')} on ${counted(nodes, 'node')}, ${seeds.length === 1 ? `seed ${seeds[0]}` : `${seeds.length} seeds`}.`,
    ...skipped.map(
      ({ why, count, line }) =>
        `${counted(count, 'row')} of the trace skipped: ${why} (first on line ${line}).`,
    ),
    ...notes,
  ];
}
