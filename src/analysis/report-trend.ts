export interface Point {
  readonly at: number;
  readonly value: number;
}

export type Direction = 'rising' | 'falling' | 'steady' | 'unknown';

/** How something went over a window. */
export interface Trend {
  readonly average: number;
  readonly peak: number;
  readonly trough: number;
  /** Standard deviation of the points. */
  readonly volatility: number;
  readonly direction: Direction;
  /** Theil and Sen: the median of the slopes between all pairs. */
  readonly slopePerDay: number | undefined;
}

const DAY_MS = 86_400_000;
/** Fewer points prove no direction. */
const POINTS_MIN = 8;
/** Pairs are looked at one by one. */
const POINTS_MAX = 240;
/** Of the normal distribution, two-sided 1 %. */
const Z_MIN = 2.576;
/** Over the window, of its mean: less is steady however sure it is. */
const CHANGE_MIN = 0.05;

/**
 * `extremes`: of the samples that the points were merged from. A direction is told where Mann and Kendall find one
 * at 1 %, with the variance made larger for points that resemble the one before (lag 1), and the change over the
 * window is 5 % of the mean or more.
 */
export function trendOf(
  points: readonly Point[],
  extremes: { readonly peak: number; readonly trough: number },
): Trend | undefined {
  if (points.length === 0) return undefined;
  const average = mean(points.map(({ value }) => value));
  const squares = mean(points.map(({ value }) => (value - average) ** 2));
  const seen = points.slice(-POINTS_MAX);
  const slope = theilSen(seen);
  return {
    average,
    ...extremes,
    volatility: Math.sqrt(squares),
    direction: directionOf(seen, slope, average),
    slopePerDay: slope === undefined ? undefined : slope * DAY_MS,
  };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, one) => sum + one, 0) / values.length;

function directionOf(
  points: readonly Point[],
  slope: number | undefined,
  average: number,
): Direction {
  if (points.length < POINTS_MIN || slope === undefined) return 'unknown';
  const change = slope * (points.at(-1)!.at - points[0]!.at);
  if (Math.abs(change) < CHANGE_MIN * Math.abs(average)) return 'steady';
  if (Math.abs(mannKendall(points)) < Z_MIN) return 'steady';
  return slope > 0 ? 'rising' : 'falling';
}

/** The normal score of pairs that rise less those that fall; 0 where all are equal. */
export function mannKendall(points: readonly Point[]): number {
  const n = points.length;
  let score = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) score += Math.sign(points[j]!.value - points[i]!.value);
  }
  const ties = new Map<number, number>();
  for (const { value } of points) ties.set(value, (ties.get(value) ?? 0) + 1);
  let tied = 0;
  for (const t of ties.values()) tied += t * (t - 1) * (2 * t + 5);
  const variance = ((n * (n - 1) * (2 * n + 5) - tied) / 18) * inflation(points);
  return variance <= 0 ? 0 : (score - Math.sign(score)) / Math.sqrt(variance);
}

/** By how much fewer independent points there are, of what is left after the trend is taken out. */
function inflation(points: readonly Point[]): number {
  const slope = theilSen(points) ?? 0;
  const rest = points.map(({ at, value }) => value - slope * (at - points[0]!.at));
  const centre = mean(rest);
  let together = 0;
  let all = 0;
  for (const [i, one] of rest.entries()) {
    all += (one - centre) ** 2;
    if (i > 0) together += (one - centre) * (rest[i - 1]! - centre);
  }
  // What is left of an exact line is the last digits of its numbers.
  const spread = Math.max(...points.map(({ value }) => Math.abs(value)), Number.MIN_VALUE);
  const isNothing = Math.sqrt(all / rest.length) < spread * 1e-9;
  const lag = isNothing ? 0 : Math.min(0.95, Math.max(0, together / all));
  return (1 + lag) / (1 - lag);
}

export function theilSen(points: readonly Point[]): number | undefined {
  const slopes: number[] = [];
  for (const [i, a] of points.entries()) {
    for (let j = i + 1; j < points.length; j++) {
      const b = points[j]!;
      if (b.at !== a.at) slopes.push((b.value - a.value) / (b.at - a.at));
    }
  }
  if (slopes.length === 0) return undefined;
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  return slopes.length % 2 === 1 ? slopes[middle] : (slopes[middle - 1]! + slopes[middle]!) / 2;
}
