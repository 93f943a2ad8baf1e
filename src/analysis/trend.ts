import type { SeriesPoint } from '../telemetry/metric.ts';

/** What a series did over a window, and whether it went anywhere. */
export interface Trend {
  readonly average: number;
  /** The largest and the smallest that was measured. */
  readonly peak: number;
  readonly trough: number;
  /** Standard deviation over the average (coefficient of variation); undefined where that is 0. */
  readonly volatility: number | undefined;
  /** Median of the slopes between all points (Theil 1950, Sen 1968): outliers hardly move it. */
  readonly slopePerHour: number | undefined;
  /** How likely a series that goes nowhere would look so much like one that does. */
  readonly chance: number | undefined;
  /** `unknown` of fewer than eight points. */
  readonly direction: 'rising' | 'falling' | 'steady' | 'unknown';
}

const HOUR_MS = 3_600_000;
/** Neighbours are merged until there are as many: all pairs are looked at, and neighbours are alike anyway. */
const POINTS_MAX = 60;
const POINTS_MIN = 8;
/** A series that goes nowhere is called rising or falling once in twenty times. */
const CHANCE_MAX = 0.05;

/** Of points in the order of time; undefined where there are none. */
export function trendOf(points: readonly SeriesPoint[]): Trend | undefined {
  if (points.length === 0) return undefined;
  const count = sum(points.map((point) => point.count));
  const average = sum(points.map((point) => point.mean * point.count)) / count;
  const spread = sum(points.map(({ mean, count: n }) => n * (mean - average) ** 2)) / count;
  const along = thinned(points);
  const slope = along.length < POINTS_MIN ? undefined : medianSlope(along);
  const chance = slope === undefined ? undefined : chanceOf(along, slope);
  const isSure = chance !== undefined && chance < CHANCE_MAX && slope !== 0;
  return {
    average,
    peak: points.reduce((most, { max }) => Math.max(most, max), Number.NEGATIVE_INFINITY),
    trough: points.reduce((least, { min }) => Math.min(least, min), Number.POSITIVE_INFINITY),
    volatility: average === 0 ? undefined : Math.sqrt(spread) / Math.abs(average),
    slopePerHour: slope,
    chance,
    direction:
      slope === undefined ? 'unknown' : !isSure ? 'steady' : slope > 0 ? 'rising' : 'falling',
  };
}

type Dot = readonly [hours: number, value: number];

function thinned(points: readonly SeriesPoint[]): readonly Dot[] {
  const size = Math.ceil(points.length / POINTS_MAX);
  const start = points[0]!.at;
  const dots: Dot[] = [];
  for (let i = 0; i < points.length; i += size) {
    const group = points.slice(i, i + size);
    const hours = sum(group.map(({ at }) => at - start)) / group.length / HOUR_MS;
    dots.push([hours, sum(group.map(({ mean }) => mean)) / group.length]);
  }
  return dots;
}

function medianSlope(dots: readonly Dot[]): number {
  const slopes: number[] = [];
  for (const [i, [x, y]] of dots.entries()) {
    for (const [later, value] of dots.slice(i + 1)) slopes.push((value - y) / (later - x));
  }
  return median(slopes);
}

/**
 * Two-sided Mann–Kendall test with ties. Neighbours in time are alike, which would make chance look like a trend:
 * the variance is that of so many fewer points as the correlation of neighbours leaves (Yue and Wang 2004).
 */
function chanceOf(dots: readonly Dot[], slope: number): number {
  const n = dots.length;
  let score = 0;
  for (const [i, [, y]] of dots.entries()) {
    for (const [, later] of dots.slice(i + 1)) score += Math.sign(later - y);
  }
  const ties = [...Map.groupBy(dots, ([, y]) => y).values()].map(({ length }) => length);
  const weight = (t: number): number => t * (t - 1) * (2 * t + 5);
  const variance = (weight(n) - sum(ties.map(weight))) / 18;
  if (variance <= 0) return 1;
  const likeness = neighbourCorrelation(dots.map(([x, y]) => y - slope * x));
  const inflated = variance * ((1 + likeness) / (1 - likeness));
  const z = Math.max(0, Math.abs(score) - 1) / Math.sqrt(inflated);
  return tails(z);
}

/** Of lag 1; 0 … 0.95: what is below 0 would make a trend surer than the test alone does. */
function neighbourCorrelation(values: readonly number[]): number {
  const mean = sum(values) / values.length;
  const rest = values.map((value) => value - mean);
  const whole = sum(rest.map((value) => value * value));
  if (whole === 0) return 0;
  const part = sum(rest.slice(1).map((value, i) => value * rest[i]!));
  return Math.min(0.95, Math.max(0, part / whole));
}

/** Both tails of the normal distribution beyond z (Abramowitz and Stegun 7.1.26; off by 1.5e-7 at most). */
function tails(z: number): number {
  const x = z / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const terms = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const poly = terms.reduce((value, term) => value * t + term, 0) * t;
  return poly * Math.exp(-x * x);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
