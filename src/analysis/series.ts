import { correlation, mean, median } from '../statistics/robust.ts';
import type { KeptSeries, MetricHistory, MetricUnit, SeriesQuery } from '../telemetry/metric.ts';
import type { LayerMetric } from './layers.ts';

/** Moments and values side by side, oldest first; nothing where nothing was measured. */
export interface Series {
  readonly at: readonly number[];
  readonly values: readonly number[];
}

/** One that is looked at for changes. */
export interface NamedSeries extends Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly unit: MetricUnit;
  /** Begins a sentence: `the GPU temperature`. */
  readonly words: string;
  readonly worse: 'up' | 'down';
}

type Window = Pick<SeriesQuery, 'from' | 'to' | 'pointsMax' | 'seriesMax'>;

const DAY = 86_400_000;
/** Of cores and tasks, whose mean is taken. */
const MERGED_MAX = 64;

/** What history has of a metric of a layer. */
export function seriesOf(
  history: MetricHistory,
  metric: LayerMetric,
  window: Window,
): readonly NamedSeries[] {
  const { name, unit, words, worse, per, asOne } = metric;
  const more = { ...window, seriesMax: asOne ? MERGED_MAX : (window.seriesMax ?? 8) };
  const ask = (asked: string): readonly KeptSeries[] =>
    history.query({ ...more, name: asked, ...(metric.labels && { labels: metric.labels }) });
  const kept = ask(name).map(({ labels, points }) => {
    return { labels, at: points.map(({ at }) => at), values: points.map((point) => point.mean) };
  });
  const divided = per === undefined ? kept : quotients(kept, ask(per));
  const merged = asOne && divided.length > 1 ? [{ labels: {}, ...meanOf(divided) }] : divided;
  return merged.map((series) => ({ ...series, name, unit, words, worse }));
}

type Labelled = Series & { readonly labels: Readonly<Record<string, string>> };

/** Where nothing was done, nothing is known of how long it takes. */
function quotients(dividends: readonly Labelled[], divisors: readonly KeptSeries[]): Labelled[] {
  return dividends.flatMap(({ labels, at, values }) => {
    const device = labels['device'];
    const divisor = divisors.find((one) => one.labels['device'] === device);
    if (divisor === undefined) return [];
    const by = new Map(divisor.points.map((point) => [point.at, point.mean]));
    const kept = at.flatMap((moment, i) => {
      const under = by.get(moment) ?? 0;
      return under > 0 ? [[moment, values[i]! / under] as const] : [];
    });
    return [{ labels, at: kept.map(([moment]) => moment), values: kept.map(([, x]) => x) }];
  });
}

function meanOf(all: readonly Series[]): Series {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { at, values } of all) {
    at.forEach((moment, i) => {
      const cell = sums.get(moment) ?? { sum: 0, count: 0 };
      cell.sum += values[i]!;
      cell.count++;
      sums.set(moment, cell);
    });
  }
  const at = [...sums.keys()].sort((a, b) => a - b);
  return { at, values: at.map((moment) => sums.get(moment)!.sum / sums.get(moment)!.count) };
}

/**
 * Over three days and more, what comes back every day is taken out: of each hour of the day its median, as far as
 * it is off the day around it. What grows from day to day stays.
 */
export function withoutDays({ at, values }: Series): readonly number[] {
  const span = (at.at(-1) ?? 0) - (at[0] ?? 0);
  const spacing = span / Math.max(1, at.length - 1);
  if (span < 3 * DAY || spacing > DAY / 5) return values;
  const slots = Math.min(24, Math.floor(DAY / spacing));
  const slotOf = (i: number): number => Math.floor(((at[i]! % DAY) / DAY) * slots);
  const reach = Math.round(DAY / spacing / 2);
  const bySlot = Array.from({ length: slots }, (): number[] => []);
  values.forEach((value, i) => {
    bySlot[slotOf(i)]!.push(value - median(values.slice(Math.max(0, i - reach), i + reach + 1)));
  });
  const offsets = bySlot.map((found) => (found.length < 3 ? 0 : median(found)));
  return values.map((value, i) => value - offsets[slotOf(i)]!);
}

/** Of the shared variance from which on the load is held to explain a metric. */
const EXPLAINED_MIN = 0.3;

/**
 * What is left when it is taken out what more or less load explains: the slope over the load in the first half,
 * where things are held to be as they should be.
 */
export function withoutLoad(series: Series, load: Series | undefined): Series {
  if (load === undefined) return series;
  const by = new Map(load.at.map((moment, i) => [moment, load.values[i]!]));
  const loads = series.at.map((moment) => by.get(moment));
  const known = loads.flatMap((x, i) => (x === undefined ? [] : [i]));
  const half = known.slice(0, Math.floor(known.length / 2));
  if (half.length < 20) return series;
  const xs = half.map((i) => loads[i]!);
  const ys = half.map((i) => series.values[i]!);
  if (correlation(xs, ys) ** 2 < EXPLAINED_MIN) return series;
  const xMean = mean(xs);
  const yMean = mean(ys);
  let xy = 0;
  let xx = 0;
  xs.forEach((x, i) => {
    xy += (x - xMean) * (ys[i]! - yMean);
    xx += (x - xMean) ** 2;
  });
  const slope = xy / xx;
  const at = known.map((i) => series.at[i]!);
  return { at, values: known.map((i) => series.values[i]! - slope * (loads[i]! - xMean)) };
}

/** The greatest correlation with what comes up to `lagMax` points later, and how much later. */
export function laggedCorrelation(
  cause: readonly number[],
  effect: readonly number[],
  lagMax: number,
): { readonly value: number; readonly lag: number } {
  let best = { value: 0, lag: 0 };
  for (let lag = 0; lag <= lagMax && cause.length - lag >= 8; lag++) {
    const value = correlation(cause.slice(0, cause.length - lag), effect.slice(lag));
    if (Math.abs(value) > Math.abs(best.value) + 1e-9) best = { value, lag };
  }
  return best;
}
