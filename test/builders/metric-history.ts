import {
  type KeptSeries,
  type Labels,
  type MetricHistory,
  type SeriesPoint,
  type SeriesQuery,
  seriesKey,
} from '../../src/telemetry/metric.ts';

export interface Recorded {
  readonly name: string;
  readonly labels?: Labels;
  readonly at: readonly number[];
  readonly values: readonly number[];
}

/** History out of arrays, with the merging that the real one does. */
export class ArrayHistory implements MetricHistory {
  readonly #series: readonly Recorded[];

  constructor(series: readonly Recorded[]) {
    this.#series = series;
  }

  names(): readonly string[] {
    return [...new Set(this.#series.map(({ name }) => name))];
  }

  query({
    name,
    labels = {},
    from,
    to,
    pointsMax,
    seriesMax = 50,
  }: SeriesQuery): readonly KeptSeries[] {
    return this.#series
      .filter((one) => one.name === name)
      .filter((one) => Object.entries(labels).every(([key, value]) => one.labels?.[key] === value))
      .slice(0, seriesMax)
      .map((one) => {
        const own = one.labels ?? {};
        return {
          key: seriesKey(name, own),
          name,
          labels: own,
          points: pointsOf(one, from, to, pointsMax),
        };
      });
  }
}

function pointsOf(one: Recorded, from: number, to: number, pointsMax: number): SeriesPoint[] {
  const interval = (to - from) / pointsMax;
  const cells = new Map<number, number[]>();
  one.at.forEach((at, i) => {
    if (at < from || at >= to) return;
    const cell = Math.floor((at - from) / interval);
    cells.set(cell, [...(cells.get(cell) ?? []), one.values[i]!]);
  });
  return [...cells]
    .sort(([a], [b]) => a - b)
    .map(([cell, values]) => ({
      at: from + cell * interval,
      min: Math.min(...values),
      max: Math.max(...values),
      mean: values.reduce((a, b) => a + b, 0) / values.length,
      last: values.at(-1)!,
      count: values.length,
    }));
}
