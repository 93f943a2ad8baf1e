import type { TimeMs } from '../../base/units.ts';
import type {
  KeptSeries,
  Labels,
  LiveMetrics,
  MetricHistory,
  SeriesPoint,
} from '../../telemetry/metric.ts';

/** Of each series; enough to see a tenth of the window. */
const POINTS_MAX = 120;
const SERIES_MAX = 1_000;
/** Shorter troubles are noise: PSI itself averages over ten seconds at least. */
const STRETCH_MS_MIN = 5_000;
/** Fewer samples prove nothing. */
const SAMPLES_MIN = 3;
/** Of tasks pressure, throttling and I/O are read each 5 s: one such rate is a mean over a stretch already. */
export const TASK_SAMPLES_MIN = 1;
/** So long before it was written does a rate of a task begin. */
const TASK_EVERY_MS = 5_000;

/** Both ends included. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

export interface Stretch extends Interval {
  readonly mean: number;
}

export interface WindowSources {
  readonly history: MetricHistory;
  /** For what changes so slowly that one number will do. */
  readonly live?: Pick<LiveMetrics, 'latest' | 'quality'>;
}

/** What was measured from one moment to another. Each name is asked for once. */
export class MetricWindow implements Interval {
  readonly from: number;
  readonly to: number;
  readonly #sources: WindowSources;
  readonly #series = new Map<string, readonly KeptSeries[]>();

  constructor(sources: WindowSources, { from, to }: Interval) {
    this.#sources = sources;
    this.from = from;
    this.to = to;
  }

  /** Length of the stretches that are compared: a tenth of the window, and no less than 5 s. */
  get stretchMs(): number {
    return Math.max(STRETCH_MS_MIN, (this.to - this.from) / 10);
  }

  get quality(): number | undefined {
    return this.#sources.live?.quality();
  }

  /** All series of a name that have these labels. */
  all(name: string, labels: Labels = {}): readonly KeptSeries[] {
    const wanted = Object.entries(labels);
    return this.#named(name).filter((one) => wanted.every(([key, to]) => one.labels[key] === to));
  }

  one(name: string, labels: Labels = {}): KeptSeries | undefined {
    return this.all(name, labels)[0];
  }

  /** Over the whole window, or a part of it; undefined where nothing was measured. */
  mean(name: string, labels: Labels = {}, within: Interval = this): number | undefined {
    return meanWithin(this.one(name, labels)?.points ?? [], within);
  }

  /** Sum over all series that have the labels, of their means. */
  sum(name: string, labels: Labels = {}, within: Interval = this): number | undefined {
    const means = this.all(name, labels).map(({ points }) => meanWithin(points, within));
    const known = means.filter((mean) => mean !== undefined);
    return known.length === 0 ? undefined : known.reduce((all, mean) => all + mean, 0);
  }

  last(name: string, labels: Labels = {}): number | undefined {
    return this.one(name, labels)?.points.at(-1)?.last;
  }

  max(name: string, labels: Labels = {}): number | undefined {
    const points = this.one(name, labels)?.points ?? [];
    return points.length === 0 ? undefined : Math.max(...points.map((point) => point.max));
  }

  /** Where a series was highest, as a mean over `stretchMs`. */
  worst(name: string, labels: Labels = {}): Stretch | undefined {
    return worstStretch(this.one(name, labels)?.points ?? [], this.stretchMs, this.to);
  }

  #named(name: string): readonly KeptSeries[] {
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    const kept = this.#sources.history
      .query({
        name,
        from: this.from as TimeMs,
        to: this.to as TimeMs,
        pointsMax: POINTS_MAX,
        seriesMax: SERIES_MAX,
      })
      .filter(({ points }) => points.length > 0);
    const found = kept.length > 0 ? kept : this.#latest(name);
    this.#series.set(name, found);
    return found;
  }

  #latest(name: string): readonly KeptSeries[] {
    const readings = this.#sources.live?.latest(name) ?? [];
    return readings
      .filter((reading) => reading.name === name && reading.at >= this.from)
      .map(({ labels, value, at }) => {
        const point = { at, min: value, max: value, mean: value, last: value, count: 1 };
        return { key: `${name}${JSON.stringify(labels)}`, name, labels, points: [point] };
      });
  }
}

/** Each point counts as often as it has samples. */
export function meanWithin(points: readonly SeriesPoint[], { from, to }: Interval) {
  let sum = 0;
  let count = 0;
  for (const point of points) {
    if (point.at < from || point.at > to) continue;
    sum += point.mean * point.count;
    count += point.count;
  }
  return count === 0 ? undefined : sum / count;
}

/** Of a task, whose rates are told every 5 s: those that are about this time. */
export function taskMeanWithin(points: readonly SeriesPoint[], { from, to }: Interval) {
  const later = { from, to: to + TASK_EVERY_MS };
  return meanWithin(points, later) ?? meanWithin(points, { from: from - TASK_EVERY_MS, to });
}

/**
 * The highest mean over so long a time; where less was measured, over all of it. Undefined where there are too few
 * samples. A point reaches to the next one.
 */
export function worstStretch(
  points: readonly SeriesPoint[],
  spanMs: number,
  to: number,
  samplesMin = SAMPLES_MIN,
): Stretch | undefined {
  const ends = points.map((_, i) => points[i + 1]?.at ?? to);
  let worst: Stretch | undefined;
  let first = 0;
  let sum = 0;
  let count = 0;
  for (const [i, point] of points.entries()) {
    sum += point.mean * point.count;
    count += point.count;
    while (first < i && ends[i]! - points[first + 1]!.at >= spanMs) {
      sum -= points[first]!.mean * points[first]!.count;
      count -= points[first]!.count;
      first++;
    }
    const isWhole = ends[i]! - points[first]!.at >= spanMs || i === points.length - 1;
    if (!isWhole || count < samplesMin) continue;
    const mean = sum / count;
    if (worst === undefined || mean > worst.mean) {
      worst = { from: points[first]!.at, to: point.at, mean };
    }
  }
  return worst;
}

/** Since when without a break until the end of the stretch it was above; its beginning at the latest. */
export function sinceWhen(
  points: readonly SeriesPoint[],
  stretch: Interval,
  threshold: number,
): number {
  let since = stretch.from;
  for (const { at, mean } of points.toReversed()) {
    if (at >= stretch.from) continue;
    if (mean < threshold) break;
    since = at;
  }
  return since;
}
