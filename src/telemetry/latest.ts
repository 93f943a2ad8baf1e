import type { TimeMs } from '../base/units.ts';
import {
  historyName,
  type Labels,
  type LatestReading,
  type LiveMetrics,
  type MetricFamily,
  type Reading,
  seriesKey,
} from './metric.ts';
import { type Counted, rateOf } from './rates.ts';

/** Of one name; more labels than that are a fault of whoever makes them, and would fill memory and charts. */
export const SERIES_PER_NAME_MAX = 10_000;
export const SERIES_MAX = 100_000;
/** Intervals in which nothing came before a series is taken for silent: as Prometheus does with scrapes. */
const STALE_INTERVALS = 3;
export const REFUSED = 'berth_series_refused_total';

/** Who made readings, and how often he does. */
export interface ReadingSource {
  readonly name: string;
  readonly everyMs: number;
}

export interface Moment {
  readonly at: TimeMs;
  /** On a clock that is never set. */
  readonly monotonicMs: number;
}

interface Series {
  readonly family: MetricFamily;
  readonly labels: Labels;
  source: SourceState;
  value: number;
  at: TimeMs;
  seenMs: number;
  everyMs: number;
  /** Of a counter: where the interval of the next rate begins. */
  base: Counted | undefined;
  perSecond: number | undefined;
}

interface SourceState {
  everyMs: number;
  answeredMs: number | undefined;
  readonly since: number;
  /** Series in the last answer. */
  present: number;
  /** Series that it had lately; one that is silent for long is no longer missed. */
  known: number;
}

/** The newest readings by series, within bounds; what fell silent is not there. */
export class LatestReadings implements LiveMetrics {
  readonly #nowMs: () => number;
  readonly #families = new Map<string, MetricFamily>();
  /** The counter that a rate is of, by the name of the rate. */
  readonly #rates = new Map<string, string>();
  readonly #measured = new Set<string>();
  readonly #byName = new Map<string, Map<string, Series>>();
  /** Those whose labels are the same object each time need no key. */
  readonly #byLabels = new WeakMap<Labels, Map<string, Series>>();
  readonly #sources = new Map<string, SourceState>();
  readonly #refused = new Map<string, number>();
  #count = 0;

  /** @param nowMs a clock that is never set. */
  constructor(families: readonly MetricFamily[], nowMs: () => number) {
    this.#nowMs = nowMs;
    for (const family of families) {
      this.#families.set(family.name, family);
      if (family.kind === 'counter') this.#rates.set(historyName(family), family.name);
    }
  }

  /**
   * Takes what a source measured; it answered, also where that is nothing.
   * @returns what history keeps of them: gauges, and the rates of counters.
   */
  record(source: ReadingSource, moment: Moment, readings: readonly Reading[]): readonly Reading[] {
    const state = this.#stateOf(source, moment.monotonicMs);
    state.answeredMs = moment.monotonicMs;
    state.present = 0;
    const kept: Reading[] = [];
    for (const reading of readings) {
      const series = this.#seriesOf(reading, state);
      if (series === undefined) continue;
      if (series.source !== state) {
        series.source.known--;
        state.known++;
        series.source = state;
      }
      state.present++;
      const rate = take(series, reading.value, moment, source.everyMs);
      if (series.family.kind !== 'counter') kept.push(reading);
      else if (rate !== undefined) kept.push(rateReading(series, rate));
    }
    return kept;
  }

  /** Who should answer, and did not. */
  expect(source: ReadingSource, monotonicMs: number): void {
    this.#stateOf(source, monotonicMs);
  }

  /** Its hardware is not there. */
  dismiss(name: string): void {
    this.#sources.delete(name);
  }

  families(): readonly MetricFamily[] {
    return [...this.#measured].sort().map((name) => this.#families.get(name)!);
  }

  latest(name?: string): readonly LatestReading[] {
    const nowMs = this.#nowMs();
    if (name === undefined) {
      return [...this.#measured].flatMap((one) => this.#of(one, nowMs, 'all'));
    }
    const counter = this.#rates.get(name);
    if (counter !== undefined) return this.#of(counter, nowMs, 'rate');
    return this.#of(name, nowMs, 'value');
  }

  quality(): number | undefined {
    const nowMs = this.#nowMs();
    // Who answered that there is nothing, has nothing to say of quality.
    const states = [...this.#sources.values()].filter(
      ({ known, answeredMs }) => known > 0 || answeredMs === undefined,
    );
    if (states.length === 0) return undefined;
    const sum = states.reduce((all, state) => all + qualityOf(state, nowMs), 0);
    return sum / states.length;
  }

  /** Readings that found no room, by the name of their metric. */
  refused(): readonly Reading[] {
    return [...this.#refused].map(([metric, value]) => ({
      name: REFUSED,
      labels: { metric },
      value,
    }));
  }

  get size(): number {
    return this.#count;
  }

  /** Forgets what fell silent; often enough that what comes and goes takes no room. */
  sweep(): void {
    const nowMs = this.#nowMs();
    for (const [name, all] of this.#byName) {
      for (const [key, series] of all) {
        if (!isStale(series, nowMs)) continue;
        all.delete(key);
        this.#byLabels.get(series.labels)?.delete(name);
        this.#gone(series);
      }
    }
  }

  /** Forgets what has these very labels: what they name has ended, and nobody misses it. */
  forget(labels: Labels): void {
    for (const [name, series] of this.#byLabels.get(labels) ?? []) {
      this.#byName.get(name)?.delete(seriesKey(name, labels));
      this.#gone(series);
    }
    this.#byLabels.delete(labels);
  }

  #gone({ source }: Series): void {
    source.known--;
    this.#count--;
  }

  #stateOf({ name, everyMs }: ReadingSource, monotonicMs: number): SourceState {
    let state = this.#sources.get(name);
    if (state === undefined) {
      state = {
        everyMs,
        answeredMs: undefined,
        since: monotonicMs,
        present: 0,
        known: 0,
      };
      this.#sources.set(name, state);
    }
    state.everyMs = everyMs;
    return state;
  }

  /** Undefined for a name that nobody agreed on, a value that is none, and where there is no room. */
  #seriesOf({ name, labels, value }: Reading, source: SourceState): Series | undefined {
    if (!Number.isFinite(value)) return undefined;
    const seen = this.#byLabels.get(labels)?.get(name);
    if (seen !== undefined) return seen;
    const family = this.#families.get(name);
    if (family === undefined) return undefined;
    const all = this.#byName.get(name) ?? new Map<string, Series>();
    const key = seriesKey(name, labels);
    let series = all.get(key);
    if (series === undefined) {
      if (!this.#hasRoom(all)) {
        this.#refused.set(name, (this.#refused.get(name) ?? 0) + 1);
        return undefined;
      }
      series = newSeries(family, labels, source);
      all.set(key, series);
      this.#count++;
      source.known++;
      this.#byName.set(name, all);
      this.#measured.add(name);
      const named = this.#byLabels.get(labels) ?? new Map<string, Series>();
      this.#byLabels.set(labels, named.set(name, series));
    }
    return series;
  }

  #hasRoom(all: ReadonlyMap<string, Series>): boolean {
    return all.size < SERIES_PER_NAME_MAX && this.#count < SERIES_MAX;
  }

  #of(name: string, nowMs: number, what: 'value' | 'rate' | 'all'): LatestReading[] {
    const found: LatestReading[] = [];
    for (const series of this.#byName.get(name)?.values() ?? []) {
      if (isStale(series, nowMs)) continue;
      const { labels, value, at, perSecond } = series;
      if (what !== 'rate') found.push({ name, labels, value, at });
      if (what === 'value' || perSecond === undefined) continue;
      found.push({ ...rateReading(series, perSecond), at });
    }
    return found;
  }
}

const newSeries = (family: MetricFamily, labels: Labels, source: SourceState): Series => ({
  family,
  labels,
  source,
  value: 0,
  at: 0 as TimeMs,
  seenMs: 0,
  everyMs: 0,
  base: undefined,
  perSecond: undefined,
});

/** @returns the new rate, where the reading makes one. */
function take(
  series: Series,
  value: number,
  { at, monotonicMs }: Moment,
  everyMs: number,
): number | undefined {
  series.value = value;
  series.at = at;
  series.seenMs = monotonicMs;
  series.everyMs = everyMs;
  if (series.family.kind !== 'counter') return undefined;
  const now = { value, atMs: monotonicMs };
  const rate = rateOf(series.family.name, series.base, now, everyMs);
  if (rate.kind === 'too-soon') return undefined;
  series.base = now;
  series.perSecond = rate.kind === 'known' ? rate.perSecond : undefined;
  return series.perSecond;
}

const rateReading = ({ family, labels }: Series, perSecond: number): Reading => ({
  name: historyName(family),
  labels,
  value: perSecond,
});

const isStale = ({ seenMs, everyMs }: Series, nowMs: number): boolean =>
  nowMs - seenMs > everyMs * STALE_INTERVALS;

/** 1 up to an interval and a half after the answer, and less and less until it is stale; times what was there of it. */
function qualityOf({ everyMs, answeredMs, since, present, known }: SourceState, nowMs: number) {
  if (answeredMs === undefined) return nowMs - since <= everyMs * 1.5 ? 1 : 0;
  const intervals = (nowMs - answeredMs) / everyMs;
  const freshness = Math.min(1, Math.max(0, (STALE_INTERVALS - intervals) / 1.5));
  return freshness * Math.min(1, present / known);
}
