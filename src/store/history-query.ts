import type { KeptSeries, SeriesPoint, SeriesQuery } from '../telemetry/metric.ts';
import { type Block, countOf, emptyBlock, mergePoint, pointOf } from './history-block.ts';
import { blockAt, blockMs, tiers } from './history-tiers.ts';
import type { Series, SeriesBook } from './series-book.ts';

const SERIES_DEFAULT = 50;
const SERIES_MAX = 1_000;

/** Where blocks are read from. */
export interface BlockSource {
  block(tier: number, at: number, series: Series): Block | undefined;
}

/** How far points are apart so that a tier gives at most as many as are asked for. */
export function stepOf({ from, to, pointsMax }: SeriesQuery, tier: number): number {
  const { stepMs } = tiers[tier]!;
  const span = Math.max(0, to - from);
  return Math.max(1, Math.ceil(span / (pointsMax - 1) / stepMs)) * stepMs;
}

/** Series that have points in the window, those with the greatest mean first. */
export function answerQuery(
  query: SeriesQuery,
  asked: { readonly book: SeriesBook; readonly blocks: BlockSource; readonly tier: number },
): readonly KeptSeries[] {
  const { book, blocks, tier } = asked;
  const max = Math.min(SERIES_MAX, query.seriesMax ?? SERIES_DEFAULT);
  let found: Ranked[] = [];
  const best = (): Ranked[] => found.sort(byMean).slice(0, max);
  for (const series of book.matching(query, query.from, query.to)) {
    const points = mergedPoints(query, { series, blocks, tier });
    if (points.length === 0) continue;
    found.push({ series, points, mean: meanOf(points) });
    if (found.length > 2 * SERIES_MAX) found = best();
  }
  return best().map(({ series: { key, name, labels }, points }) => ({ key, name, labels, points }));
}

interface Ranked {
  readonly series: Series;
  readonly points: readonly SeriesPoint[];
  readonly mean: number;
}

const byMean = (a: Ranked, b: Ranked): number =>
  b.mean - a.mean || (a.series.key < b.series.key ? -1 : 1);

function meanOf(points: readonly SeriesPoint[]): number {
  let sum = 0;
  let count = 0;
  for (const point of points) {
    sum += point.mean * point.count;
    count += point.count;
  }
  return sum / count;
}

function mergedPoints(
  query: SeriesQuery,
  { series, blocks, tier }: { series: Series; blocks: BlockSource; tier: number },
): readonly SeriesPoint[] {
  const { stepMs, slots } = tiers[tier]!;
  const step = stepOf(query, tier);
  // The point that `from` lies in belongs to the answer.
  const from = Math.max(query.from, series.began);
  const first = from - (from % stepMs);
  const to = Math.min(query.to, series.seen);
  const points: SeriesPoint[] = [];
  const merged = emptyBlock(1);
  let mergedAt = 0;
  const end = (): void => {
    if (countOf(merged) > 0) points.push({ at: mergedAt, ...pointOf(merged) });
    merged.fill(0);
  };
  for (let at = blockAt(tier, first); at <= to; at += blockMs(tier)) {
    const block = blocks.block(tier, at, series);
    if (block === undefined) continue;
    for (let slot = 0; slot < slots; slot++) {
      const pointAt = at + slot * stepMs;
      if (pointAt < first || pointAt > to || countOf(block, slot) === 0) continue;
      const groupAt = pointAt - (pointAt % step);
      if (groupAt !== mergedAt) end();
      mergedAt = groupAt;
      mergePoint(merged, 0, block, slot);
    }
  }
  end();
  return points;
}
