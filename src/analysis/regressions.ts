import type { TimeMs } from '../base/units.ts';
import { median } from '../statistics/robust.ts';
import type { MetricHistory, MetricUnit } from '../telemetry/metric.ts';
import { actionsFor } from './action-plan.ts';
import { amountOf, momentOf, shareOf } from './amounts.ts';
import { type Evidence, type Finding, type ResourceName, severityOf } from './finding.ts';
import { type Layer, type LayerMetric, layerMetrics, leadsTo, loadMetrics } from './layers.ts';
import { type LevelChange, levelChange, POINTS_MIN } from './level-change.ts';
import {
  laggedCorrelation,
  type NamedSeries,
  seriesOf,
  withoutDays,
  withoutLoad,
} from './series.ts';

/** Something that people changed: a new command, a new image. */
export interface SoftwareChange {
  readonly at: number;
  /** `step train has another command`. */
  readonly sentence: string;
}

export interface RegressionOptions {
  readonly from: TimeMs;
  readonly to: TimeMs;
  /** What became slow, if it did: how long steps take. Without any, changes of the layers are told by themselves. */
  readonly symptoms?: readonly NamedSeries[];
  readonly softwareChanges?: readonly SoftwareChange[];
}

/** What costs most is quadratic in the points and linear in the series. */
const POINTS = 160;
const SERIES_MAX = 8;
const SYMPTOMS_MAX = 50;
const CAUSES_MAX = 4;
/** A symptom that changed by less is not told. */
const SYMPTOM_MATTERS = 0.1;
/** Onsets that are as far apart as this part of the window may be the same. */
const SAME_TIME = 0.08;

interface Changed {
  readonly series: NamedSeries;
  readonly change: LevelChange;
  readonly since: number;
}

/** How the layers changed, and what of each was measured for long enough to say so. */
export interface LookedAtLayers {
  readonly changes: readonly LayerChange[];
  /** Series with enough points, and those with less, by layer. */
  readonly series: ReadonlyMap<Layer, { readonly told: number; readonly short: number }>;
}

export interface LayerChange extends Changed {
  readonly metric: LayerMetric;
  /** 0 … 1: by how much more than what begins to matter. */
  readonly strength: number;
}

interface Cause {
  readonly layer: Layer;
  readonly score: number;
  /** The strongest of its metrics; none of software that is blamed because nothing else changed. */
  readonly changes: readonly LayerChange[];
  readonly sentence: string;
}

/** Work that may be left between its steps, each of some milliseconds, so that others have their turn. */
export type Stepwise<T> = Generator<undefined, T, undefined>;

export function toItsEnd<T>(work: Stepwise<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

/**
 * What is worse than it was and stays so. Each metric of a layer is looked at for steps and for slow drift, with
 * what the time of day and the load explain taken out; what became slow is then laid beside the layers that
 * changed before it.
 */
export const findRegressions = (
  history: MetricHistory,
  options: RegressionOptions,
): readonly Finding[] =>
  toItsEnd(regressionsBeside(toItsEnd(layerChanges(history, options)).changes, options));

/** The same once it is known how the layers changed. */
export function* regressionsBeside(
  changes: readonly LayerChange[],
  options: RegressionOptions,
): Stepwise<readonly Finding[]> {
  const told: ReturnType<typeof symptomFinding>[] = [];
  for (const series of (options.symptoms ?? []).slice(0, SYMPTOMS_MAX)) {
    const symptom = changedOf(series, SYMPTOM_MATTERS, true);
    if (symptom !== undefined) told.push(symptomFinding(symptom, changes, options));
    yield;
  }
  const explained = new Set(told.flatMap(({ layers }) => layers));
  const alone = [...byLayer(changes)]
    .filter(([layer]) => !explained.has(layer))
    .map(([layer, found]) => layerFinding(layer, found));
  return [...told.map(({ finding }) => finding), ...alone].sort(
    (a, b) => b.score - a.score || (a.id < b.id ? -1 : 1),
  );
}

/** How the layers changed for the worse, series by series. */
export function* layerChanges(
  history: MetricHistory,
  options: Pick<RegressionOptions, 'from' | 'to'>,
): Stepwise<LookedAtLayers> {
  const names = new Set(history.names());
  const window = { from: options.from, to: options.to, pointsMax: POINTS, seriesMax: SERIES_MAX };
  const load = loadMetrics.flatMap((name) =>
    names.has(name) ? seriesOf(history, loadTerms(name), window) : [],
  )[0];
  const changes: LayerChange[] = [];
  const looked = new Map<Layer, { told: number; short: number }>();
  for (const metric of layerMetrics) {
    const { name, per } = metric;
    if (!names.has(name) || (per !== undefined && !names.has(per))) continue;
    for (const series of seriesOf(history, metric, window)) {
      const rest = metric.followsLoad ? { ...series, ...withoutLoad(series, load) } : series;
      const changed = changedOf(rest, metric.matters, metric.relative ?? false);
      if (changed !== undefined)
        changes.push({ ...changed, metric, strength: strengthOf(changed, metric) });
      const tally = looked.get(metric.layer) ?? { told: 0, short: 0 };
      tally[rest.values.length < POINTS_MIN ? 'short' : 'told']++;
      looked.set(metric.layer, tally);
      yield;
    }
  }
  return { changes, series: looked };
}

function strengthOf({ change }: Changed, { matters, relative }: LayerMetric): number {
  const { before, after } = change;
  const scale = relative ? matters * Math.abs(before) : matters;
  const times = Math.abs(after - before) / Math.max(scale, Number.EPSILON);
  return times / (1 + times);
}

const loadTerms = (name: string): LayerMetric => ({
  layer: 'software',
  name,
  unit: 'ratio',
  resource: 'cpu',
  worse: 'up',
  matters: 0,
  asOne: true,
  words: 'the load',
});

/** For the worse only. */
function changedOf(series: NamedSeries, matters: number, relative: boolean): Changed | undefined {
  const values = withoutDays(series);
  const change = levelChange(values, { matters: matters * (relative ? usual(values) : 1) });
  if (change === undefined) return undefined;
  const rises = change.after > change.before;
  if (rises !== (series.worse === 'up')) return undefined;
  return { series, change, since: series.at[change.index]! };
}

/** The level of the first quarter. */
const usual = (values: readonly number[]): number =>
  Math.abs(median(values.slice(0, Math.max(1, Math.floor(values.length / 4)))));

export function byLayer(changes: readonly LayerChange[]): Map<Layer, LayerChange[]> {
  const found = new Map<Layer, LayerChange[]>();
  for (const change of [...changes].sort((a, b) => b.strength - a.strength || a.since - b.since)) {
    const { layer } = change.metric;
    found.set(layer, [...(found.get(layer) ?? []), change]);
  }
  return found;
}

function symptomFinding(
  symptom: Changed,
  changes: readonly LayerChange[],
  options: RegressionOptions,
): { readonly finding: Finding; readonly layers: readonly Layer[] } {
  const causes = rankCauses(symptom, changes, options);
  const { series, change, since } = symptom;
  const ratio = Math.abs(change.after - change.before) / Math.max(Math.abs(change.before), 1e-12);
  const [first, ...others] = causes;
  const began = change.kind === 'trend' ? 'little by little since' : 'since';
  const score = Math.min(1, 0.4 + ratio * (change.kind === 'fresh' ? 0.2 : 1));
  const finding: Finding = {
    id: `regression/${idOf(series)}`,
    kind: change.kind === 'trend' ? 'slow-drift' : 'regression',
    resource: resourceOf(first),
    severity: severityOf(score),
    score,
    sentence:
      `${capital(nameOf(series))} is ${shareOf(ratio)} ${change.after > change.before ? 'higher' : 'lower'}, ${began} ${momentOf(since)}. ${first === undefined ? '' : `Likely cause: ${first.sentence}`}`.trim(),
    since,
    evidence: [
      evidenceOf(symptom, undefined),
      ...causes.flatMap((cause) => [
        {
          name: `layer ${cause.layer}`,
          labels: {},
          unit: 'ratio' as MetricUnit,
          value: round(cause.score),
          threshold: undefined,
          sentence: `${capital(cause.layer)}: ${cause.sentence}`,
        },
        ...cause.changes.slice(0, 3).map((one) => evidenceOf(one, one.metric.matters)),
      ]),
    ],
    culprits: [],
    sufferers: [],
    remedies: [first, ...others].flatMap((cause) => (cause ? actionsFor(cause.layer) : [])),
  };
  return { finding, layers: causes.map(({ layer }) => layer) };
}

/**
 * A layer scores by when it changed against the symptom, by how much, and by how alike the two run. One that an
 * earlier change of a layer below explains is its effect, and comes after it.
 */
function rankCauses(
  symptom: Changed,
  changes: readonly LayerChange[],
  options: RegressionOptions,
): readonly Cause[] {
  const span = options.to - options.from;
  const tolerance = span * SAME_TIME;
  const layered = [...byLayer(changes)];
  const onset = new Map(layered.map(([layer, found]) => [layer, earliest(found)]));
  const causes = layered.map(([layer, found]): Cause => {
    const [strongest] = found;
    const since = onset.get(layer)!;
    const alike = laggedCorrelation(
      strongest!.series.values,
      resampled(symptom, strongest!),
      Math.floor(strongest!.series.values.length / 6),
    );
    const timing =
      since <= symptom.since + tolerance
        ? 1 - (0.3 * Math.max(0, symptom.since - since)) / span
        : 0.1;
    const below = layered.find(
      ([other]) => leadsTo[other].includes(layer) && onset.get(other)! <= since + tolerance,
    );
    const plain = 0.45 * timing + 0.3 * strongest!.strength + 0.25 * Math.abs(alike.value);
    const score = (below === undefined ? 1 : 0.6) * (timing < 0.2 ? 0.3 : 1) * plain;
    const why = below === undefined ? '' : `, which the ${below[0]} layer explains`;
    return { layer, score, changes: found, sentence: `${changeWords(strongest!)}${why}.` };
  });
  const all = [...causes, ...softwareCause(symptom, causes, options, tolerance)];
  const best = new Map<Layer, Cause>();
  for (const cause of all) {
    if (cause.score > (best.get(cause.layer)?.score ?? 0)) best.set(cause.layer, cause);
  }
  return [...best.values()]
    .sort((a, b) => b.score - a.score || (a.layer < b.layer ? -1 : 1))
    .filter(({ score }, i) => i === 0 || score > 0.25)
    .slice(0, CAUSES_MAX);
}

/** A change that people made just before it, or that nothing else is to be seen. */
function softwareCause(
  symptom: Changed,
  causes: readonly Cause[],
  { softwareChanges = [] }: RegressionOptions,
  tolerance: number,
): readonly Cause[] {
  const isStep = symptom.change.kind !== 'trend';
  const near = softwareChanges
    .filter(({ at }) => at <= symptom.since + tolerance && at >= symptom.since - tolerance)
    .sort((a, b) => Math.abs(a.at - symptom.since) - Math.abs(b.at - symptom.since))[0];
  if (near !== undefined) {
    const sentence = `${near.sentence} at ${momentOf(near.at)}.`;
    return [{ layer: 'software', score: isStep ? 0.8 : 0.5, changes: [], sentence }];
  }
  if (causes.some(({ score }) => score > 0.4)) return [];
  const sentence = 'no other layer changed before it: the program, its input or what it waits for.';
  return [{ layer: 'software', score: 0.4, changes: [], sentence }];
}

const earliest = (found: readonly LayerChange[]): number =>
  // What barely matters does not say when it began.
  Math.min(
    ...found.filter(({ strength }) => strength >= found[0]!.strength / 2).map(({ since }) => since),
  );

/** The symptom as it last was at each moment of the other. */
function resampled({ series }: Changed, { series: { at } }: LayerChange): readonly number[] {
  let i = 0;
  return at.map((moment) => {
    while (i + 1 < series.at.length && series.at[i + 1]! <= moment) i++;
    return series.values[i]!;
  });
}

function layerFinding(layer: Layer, found: readonly LayerChange[]): Finding {
  const strongest = found[0]!;
  const since = earliest(found);
  const score = 0.2 + 0.35 * strongest.strength;
  return {
    id: `regression/${layer}`,
    kind: strongest.change.kind === 'trend' ? 'slow-drift' : 'layer-change',
    resource: strongest.metric.resource,
    severity: severityOf(score),
    score,
    sentence: `${capital(changeWords(strongest))}; nothing is known to be slower for it.`,
    since,
    evidence: found.slice(0, 6).map((one) => evidenceOf(one, one.metric.matters)),
    culprits: [],
    sufferers: [],
    remedies: actionsFor(layer),
  };
}

function evidenceOf(changed: Changed, threshold: number | undefined): Evidence {
  const { series, change } = changed;
  return {
    name: series.name,
    labels: series.labels,
    unit: series.unit,
    value: change.after,
    threshold,
    sentence: `${capital(changeWords(changed))}.`,
  };
}

export function changeWords({ series, change, since }: Changed): string {
  const { before, after, kind } = change;
  const { unit } = series;
  const how = { step: 'went', trend: 'drifted', fresh: 'has just gone' }[kind];
  return `${nameOf(series)} ${how} from ${amountOf(before, unit)} to ${amountOf(after, unit)} since ${momentOf(since)}`;
}

const resourceOf = (cause: Cause | undefined): ResourceName =>
  cause?.changes[0]?.metric.resource ?? 'software';

/** `the GPU temperature (GPU-1 0)`. */
function nameOf({ words, labels }: NamedSeries): string {
  const where = Object.values(labels).join(' ');
  return `${words}${where && ` (${where})`}`;
}

const idOf = ({ name, labels }: NamedSeries): string => [name, ...Object.values(labels)].join('/');

const round = (x: number): number => Math.round(x * 1_000) / 1_000;
const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
