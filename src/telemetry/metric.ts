import type { TimeMs } from '../base/units.ts';

/** Base units of Prometheus: a ratio is 0 … 1, never a percentage. `none` of what is counted by the piece. */
export type MetricUnit =
  | 'none'
  | 'ratio'
  | 'seconds'
  | 'bytes'
  | 'hertz'
  | 'celsius'
  | 'watts'
  | 'joules'
  | 'dollars';

/** Where a number is from; people see it beside the number. */
export type MetricSource = 'measured' | 'driver' | 'derived' | 'estimated';

/** What all series of one name have in common. The name is the one that Prometheus scrapes. */
export interface MetricFamily {
  readonly name: string;
  /** A counter only grows, until it begins anew; history keeps its rate. */
  readonly kind: 'gauge' | 'counter' | 'histogram';
  readonly unit: MetricUnit;
  readonly source: MetricSource;
  /** One sentence, for HELP and for hovering. */
  readonly help: string;
  /** Names of its labels, in the order in which a key has them. */
  readonly labels: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** Whether somebody who sees only what is of `only` sees a series; undefined: he sees all. `user` is `tenant` to others. */
export const isSeen = ({ tenant, user }: Labels, only: string | undefined): boolean =>
  only === undefined || (tenant ?? user ?? only) === only;

/** One number of one moment. What is unknown is not there. */
export interface Reading {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** The newest number of a series. */
export interface LatestReading extends Reading {
  readonly at: TimeMs;
}

/** `name{label="value",…}` as Prometheus writes it, labels by name: one text for one series. */
export function seriesKey(name: string, labels: Labels): string {
  const names = Object.keys(labels).sort();
  if (names.length === 0) return name;
  return `${name}{${names.map((label) => `${label}="${escaped(labels[label]!)}"`).join(',')}}`;
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };
const escaped = (value: string): string =>
  /[\\"\n]/.test(value) ? value.replace(/[\\"\n]/g, (one) => escapes[one]!) : value;

/**
 * What history calls the rate of a counter, per second: `x_seconds_total` → `x_ratio` (seconds in a second),
 * `x_bytes_total` → `x_bytes_per_second`, `x_total` → `x_per_second`. A gauge keeps its name.
 */
export function historyName({ name, kind }: Pick<MetricFamily, 'name' | 'kind'>): string {
  if (kind !== 'counter') return name;
  if (name.endsWith('_seconds_total')) return name.replace(/_seconds_total$/, '_ratio');
  return name.replace(/_total$/, '_per_second');
}

/** What the daemon measures now. Reading it costs nothing: nothing is measured for whoever asks. */
export interface LiveMetrics {
  /** All families that were ever measured here, by name. */
  families(): readonly MetricFamily[];
  /**
   * Of one name, or all of them; those whose source fell silent are not there. A counter has two: the count itself,
   * and what `historyName` says, its rate over the last interval.
   */
  latest(name?: string): readonly LatestReading[];
  /** Freshness × completeness, 0 … 1: of what should have been measured by now, what was, and how lately. */
  quality(): number | undefined;
}

/** One or more samples, merged. Where nothing was measured there is no point. */
export interface SeriesPoint {
  /** Where the interval of the point begins. */
  readonly at: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly last: number;
  readonly count: number;
}

export interface SeriesSelector {
  /** As `historyName` has it. */
  readonly name: string;
  /** A series has all of these labels, and may have others. */
  readonly labels?: Labels;
}

export interface KeptSeries {
  readonly key: string;
  readonly name: string;
  readonly labels: Labels;
  readonly points: readonly SeriesPoint[];
}

export interface SeriesQuery extends SeriesSelector {
  /** Both ends included. */
  readonly from: TimeMs;
  readonly to: TimeMs;
  /** Neighbouring points are merged until each series has at most so many; at least 2. */
  readonly pointsMax: number;
  /** The series with the greatest mean come first; at most 1,000, and 50 where nothing is said. */
  readonly seriesMax?: number;
}

/** What was measured over time, in tiers of a second, a minute and an hour. Never throws for what a disk does. */
export interface MetricHistory {
  query(query: SeriesQuery): readonly KeptSeries[];
  /** Names of all that is kept. */
  names(): readonly string[];
}
