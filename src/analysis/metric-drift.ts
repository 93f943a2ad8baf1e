import type { TimeMs } from '../base/units.ts';
import { quantile, sorted } from '../statistics/robust.ts';
import type { MetricHistory, MetricUnit } from '../telemetry/metric.ts';
import { amountOf } from './amounts.ts';
import { type Finding, severityOf } from './finding.ts';
import type { Stepwise } from './regressions.ts';
import { memoryOf } from './statistics/change-points.ts';
import {
  type Distance,
  kolmogorovSmirnov,
  populationStability,
} from './statistics/distribution-drift.ts';

export interface DriftRequest {
  /** As history has it. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly unit: MetricUnit;
  /** The newer values are those from here on. */
  readonly from: TimeMs;
  readonly since: TimeMs;
  readonly to: TimeMs;
  /** How many are tested at once: a chance of one in a hundred is that of any of them. */
  readonly tests?: number;
}

interface Sample {
  /** Points of history that were found. */
  readonly points: number;
  /** Of those, what is left when neighbours are independent. */
  readonly independent: number;
  readonly median: number | undefined;
  readonly low: number | undefined;
  readonly high: number | undefined;
}

export interface Drift {
  readonly name: string;
  readonly before: Sample;
  readonly after: Sample;
  readonly ks: Distance | undefined;
  readonly psi: Distance | undefined;
  /** `slight`: it is no chance, and small. */
  readonly verdict: 'drift' | 'slight' | 'none' | 'unknown';
  readonly sentence: string;
}

/** With fewer independent points on one side nothing is said. */
const POINTS_MIN = 20;
const POINTS_MAX = 1_000;
const SERIES_MAX = 100;
const SIGNIFICANCE = 0.01;
/** By custom, from here on a population is another one. */
const PSI_DRIFT = 0.25;
/** A quarter of all values lies on another side of some bound. */
const KS_DRIFT = 0.25;

/**
 * Whether the values of a metric are distributed as they were. All its series are one sample, in order of time;
 * neighbours that resemble each other count as one, for else every series that moves slowly would be told.
 */
export function driftOf(history: MetricHistory, asked: DriftRequest): Drift {
  const { name, labels, from, since, to, tests = 1 } = asked;
  const points = history
    .query({ name, labels, from, to, pointsMax: POINTS_MAX, seriesMax: SERIES_MAX })
    .flatMap((series) => series.points)
    .sort((a, b) => a.at - b.at);
  const valuesOf = (is: (at: number) => boolean): readonly number[] =>
    points.filter(({ at }) => is(at)).map(({ mean }) => mean);
  const all = [valuesOf((at) => at < since), valuesOf((at) => at >= since)] as const;
  const memory = Math.max(...all.map((values) => (values.length < 3 ? 1 : memoryOf(values))));
  const [before, after] = all.map((values) => values.filter((_, i) => i % memory === 0)) as [
    number[],
    number[],
  ];
  const isKnown = before.length >= POINTS_MIN && after.length >= POINTS_MIN;
  const ks = isKnown ? kolmogorovSmirnov(before, after) : undefined;
  const psi = isKnown ? populationStability(before, after) : undefined;
  const found = {
    name,
    before: sampleOf(all[0], before),
    after: sampleOf(all[1], after),
    ks,
    psi,
    verdict: verdictOf(ks, psi, SIGNIFICANCE / tests),
  };
  return { ...found, sentence: sentenceOf(found, asked.unit) };
}

const sampleOf = (all: readonly number[], independent: readonly number[]): Sample => {
  const values = sorted(all);
  const at = (q: number): number | undefined =>
    values.length === 0 ? undefined : quantile(values, q);
  return {
    points: all.length,
    independent: independent.length,
    median: at(0.5),
    low: at(0.05),
    high: at(0.95),
  };
};

function verdictOf(
  ks: Distance | undefined,
  psi: Distance | undefined,
  significance: number,
): Drift['verdict'] {
  if (ks === undefined || psi === undefined) return 'unknown';
  const isFar = (one: Distance, least: number): boolean =>
    one.p < significance && one.value >= least;
  if (isFar(ks, KS_DRIFT) || isFar(psi, PSI_DRIFT)) return 'drift';
  return isFar(ks, 0) || isFar(psi, 0) ? 'slight' : 'none';
}

function sentenceOf(
  { name, before, after, ks, psi, verdict }: Omit<Drift, 'sentence'>,
  unit: MetricUnit,
): string {
  if (ks === undefined || psi === undefined) {
    const least = `${POINTS_MIN} points that do not repeat each other`;
    return `Of ${name} too little is known: ${before.independent} before and ${after.independent} after, of ${least}.`;
  }
  const told = `KS ${round(ks.value)} (${chance(ks.p)}), PSI ${round(psi.value)} (${chance(psi.p)})`;
  const how = {
    drift: 'is distributed differently than before',
    slight: 'is distributed a little differently than before',
    none: 'is distributed as before',
    unknown: '',
  }[verdict];
  const [was, is] = [before.median, after.median].map((one) => amountOf(one ?? 0, unit));
  return `${name} ${how}: median ${was} before, ${is} after; ${told}.`;
}

const round = (value: number): number => Math.round(value * 100) / 100;
const chance = (p: number): string => (p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`);

/** Names that tasks tell of, looked at in one report. */
const NAMES_MAX = 50;
/** Of the window, what is newer than the rest. */
const NEWER = 0.25;

/** What tasks tell of themselves and is distributed differently in the last quarter of a window. */
export function* toldDrifts(
  history: MetricHistory,
  { from, to, only }: { readonly from: TimeMs; readonly to: TimeMs; readonly only?: string },
): Stepwise<readonly Finding[]> {
  const told = history.names().filter((name) => !name.startsWith('berth_'));
  const names = [...told].sort().slice(0, NAMES_MAX);
  const since = Math.round(to - (to - from) * NEWER) as TimeMs;
  const labels = only === undefined ? {} : { tenant: only };
  const found: Finding[] = [];
  for (const name of names) {
    const request = { name, labels, unit: 'none', from, since, to, tests: names.length } as const;
    const drift = driftOf(history, request);
    if (drift.verdict === 'drift') found.push(driftFinding(drift, since));
    yield;
  }
  return found;
}

function driftFinding({ name, ks, psi, before, after, sentence }: Drift, since: number): Finding {
  const score = Math.min(0.79, 0.4 + Math.max(ks!.value / 2, psi!.value / 4));
  const evidence = (what: string, value: number | undefined, threshold?: number) => ({
    name,
    labels: {},
    unit: 'none' as const,
    value,
    threshold,
    sentence: `${what} ${value === undefined ? 'unknown' : round(value)}.`,
  });
  return {
    id: `drift/${name}`,
    kind: 'distribution-drift',
    resource: 'software',
    severity: severityOf(score),
    score,
    sentence,
    since,
    evidence: [
      evidence('Kolmogorov–Smirnov distance:', ks!.value, KS_DRIFT),
      evidence('Population stability index:', psi!.value, PSI_DRIFT),
      evidence('Median before:', before.median),
      evidence('Median after:', after.median),
    ],
    culprits: [],
    sufferers: [],
    remedies: [
      {
        title: 'Look at what changed: the model, its input, or how it is measured',
        why: 'A distribution that moves without a new version is most often its input.',
        risk: 'none',
        effect: 'Tells a worse model from other questions.',
        command: `berth metrics history ${name} --since 7d`,
      },
    ],
  };
}
