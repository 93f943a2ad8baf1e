import { assert } from '../base/assert.ts';
import { numberText } from './exposition.ts';
import { type Labels, type Reading, seriesKey } from './metric.ts';

/** Series of one family; what comes beyond is counted together, under `OTHERS` in every label. */
const SERIES_MAX = 1_000;
export const OTHERS = 'other';

/** From a tenth of a second to a day: waiting and running of tasks. */
export const taskBounds: readonly number[] = [0.1, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
/** From 5 ms to 10 s: answers to requests. */
export const requestBounds: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Finds a series by its labels, or makes it; the number of series is bounded. */
class SeriesTable<T> {
  readonly #byKey = new Map<string, { readonly labels: Labels; of: T }>();
  readonly #make: () => T;
  readonly #max: number;

  constructor(make: () => T, max = SERIES_MAX) {
    this.#make = make;
    this.#max = max;
  }

  at(asked: Labels): { of: T } {
    const known = this.#byKey.get(seriesKey('', asked));
    if (known !== undefined) return known;
    const isFull = this.#byKey.size >= this.#max;
    const labels = isFull ? allOf(asked, OTHERS) : { ...asked };
    const key = seriesKey('', labels);
    const series = this.#byKey.get(key) ?? { labels, of: this.#make() };
    this.#byKey.set(key, series);
    return series;
  }

  values() {
    return this.#byKey.values();
  }
}

const allOf = (labels: Labels, value: string): Labels =>
  Object.fromEntries(Object.keys(labels).map((name) => [name, value]));

/** A counter with labels, of at most SERIES_MAX + 1 series. */
export class Counter {
  readonly #name: string;
  readonly #series: SeriesTable<number>;

  constructor(name: string, seriesMax?: number) {
    this.#name = name;
    this.#series = new SeriesTable(() => 0, seriesMax);
  }

  add(labels: Labels, by = 1): void {
    this.#series.at(labels).of += by;
  }

  *readings(): IterableIterator<Reading> {
    for (const { labels, of } of this.#series.values()) {
      yield { name: this.#name, labels, value: of };
    }
  }
}

interface Buckets {
  /** How many were at most the bound of the same place, and above the one before; the last: above all. */
  readonly counts: number[];
  sum: number;
}

/** A histogram with labels, of at most SERIES_MAX + 1 sets of buckets. */
export class Histogram {
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #series: SeriesTable<Buckets>;

  /** @param bounds ascending; the bucket of everything comes by itself. */
  constructor(name: string, bounds: readonly number[], seriesMax?: number) {
    assert(
      bounds.every((bound, i) => i === 0 || bound > bounds[i - 1]!),
      'bounds ascend',
    );
    this.#name = name;
    this.#bounds = bounds;
    const make = (): Buckets => ({ counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 });
    this.#series = new SeriesTable(make, seriesMax);
  }

  observe(labels: Labels, value: number): void {
    const { of } = this.#series.at(labels);
    const found = this.#bounds.findIndex((bound) => value <= bound);
    of.counts[found === -1 ? this.#bounds.length : found]!++;
    of.sum += value;
  }

  *readings(): IterableIterator<Reading> {
    for (const { labels, of } of this.#series.values()) {
      let count = 0;
      for (const [i, here] of of.counts.entries()) {
        count += here;
        const le = numberText(this.#bounds[i] ?? Number.POSITIVE_INFINITY);
        yield { name: `${this.#name}_bucket`, labels: { ...labels, le }, value: count };
      }
      yield { name: `${this.#name}_sum`, labels, value: of.sum };
      yield { name: `${this.#name}_count`, labels, value: count };
    }
  }
}
