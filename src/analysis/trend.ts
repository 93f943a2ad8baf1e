import type { SeriesPoint } from '../telemetry/metric.ts';
import { trendOf as lineThrough } from './statistics/trend.ts';

/** What a series did over a window, and whether it went anywhere. */
export interface Trend {
  readonly average: number;
  /** The largest and the smallest that was measured. */
  readonly peak: number;
  readonly trough: number;
  /** Standard deviation. */
  readonly deviation: number;
  /** The same over the average (coefficient of variation); undefined where that is 0. */
  readonly volatility: number | undefined;
  /** Theil–Sen: outliers hardly move it. */
  readonly slopePerHour: number | undefined;
  /** How likely a series that goes nowhere would look so much like one that does (Mann–Kendall). */
  readonly chance: number | undefined;
  /** `unknown` of fewer than eight points. */
  readonly direction: 'rising' | 'falling' | 'steady' | 'unknown';
}

const HOUR_MS = 3_600_000;
/** Neighbours are merged until there are as many: all pairs are looked at, and neighbours are alike anyway. */
const POINTS_MAX = 60;
const POINTS_MIN = 8;

export interface TrendTerms {
  /** So often may a series that goes nowhere be called rising or falling. */
  readonly chanceMax?: number;
  /** Over the window, as a share of the average: less is steady however sure it is. */
  readonly changeMin?: number;
}

/** Of points in the order of time; undefined where there are none. */
export function trendOf(
  points: readonly SeriesPoint[],
  { chanceMax = 0.05, changeMin = 0 }: TrendTerms = {},
): Trend | undefined {
  if (points.length === 0) return undefined;
  const count = sum(points.map((point) => point.count));
  const average = sum(points.map((point) => point.mean * point.count)) / count;
  const spread = sum(points.map(({ mean, count: n }) => n * (mean - average) ** 2)) / count;
  const deviation = Math.sqrt(spread);
  const line = lineOf(thinned(points));
  const isSure =
    line !== undefined &&
    line.p < chanceMax &&
    line.slope !== 0 &&
    Math.abs(line.last - line.first) >= changeMin * Math.abs(average);
  return {
    average,
    peak: points.reduce((most, { max }) => Math.max(most, max), Number.NEGATIVE_INFINITY),
    trough: points.reduce((least, { min }) => Math.min(least, min), Number.POSITIVE_INFINITY),
    deviation,
    volatility: average === 0 ? undefined : deviation / Math.abs(average),
    slopePerHour: line?.slope,
    chance: line?.p,
    direction:
      line === undefined ? 'unknown' : !isSure ? 'steady' : line.slope > 0 ? 'rising' : 'falling',
  };
}

function lineOf(dots: readonly Dot[]): ReturnType<typeof lineThrough> {
  if (dots.length < POINTS_MIN) return undefined;
  return lineThrough(
    dots.map(([, value]) => value),
    { at: dots.map(([hours]) => hours) },
  );
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

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
