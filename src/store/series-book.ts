import { type Labels, type SeriesSelector, seriesKey } from '../telemetry/metric.ts';

/** One series that history keeps. Its number stands for it in the file. */
export interface Series {
  readonly id: number;
  readonly key: string;
  readonly name: string;
  readonly labels: Labels;
  /** When it was measured first and last. */
  began: number;
  seen: number;
  /** When it was measured just now: a clock that was set back takes it back, too. */
  heard: number;
  /** Whether the file knows it as it is. */
  isStored: boolean;
}

/** Numbers are below. */
export const SERIES_IDS = 2 ** 24;
/** All series, and those of one name: more are not taken, whatever labels a task or a plug-in makes up. */
const SERIES_MAX = 20_000;
const OF_NAME_MAX = 5_000;
const KEY_LENGTH_MAX = 1_024;
/** One that was not heard of for so long makes place for a new one. */
const IDLE_MS = 10 * 60_000;
/** How often place is looked for, so that a flood of labels costs little. */
const SWEEP_MS = 60_000;
/** Of those that are idle, so many go at once. */
const SWEPT_MAX = 500;

/** Knows every series by its text, and finds that of a reading fast: readings come in nearly the same order each time. */
export class SeriesBook {
  readonly #byKey = new Map<string, Series>();
  readonly #byName = new Map<string, Set<Series>>();
  readonly #hints: (Series | undefined)[] = [];
  readonly #freeIds: number[] = [];
  readonly #sweptAt = new Map<string, number>();
  #nextId = 1;

  /** As it was kept. */
  restore(series: Series): void {
    this.#nextId = Math.max(this.#nextId, series.id + 1);
    this.#add(series);
  }

  /** Of the reading that came as the `place`th at that moment. */
  known(place: number, name: string, labels: Labels): Series | undefined {
    const hint = this.#hints[place];
    if (hint !== undefined && hint.name === name && areSame(hint.labels, labels)) return hint;
    const series = this.#byKey.get(seriesKey(name, labels));
    this.#hints[place] = series;
    return series;
  }

  /** Undefined where there is no place for it. */
  admit(name: string, labels: Labels, at: number): Series | undefined {
    const key = seriesKey(name, labels);
    const isFull =
      this.#byKey.size >= SERIES_MAX || (this.#byName.get(name)?.size ?? 0) >= OF_NAME_MAX;
    if (isFull || key.length > KEY_LENGTH_MAX) return undefined;
    const id = this.#freeIds.pop() ?? this.#nextId++;
    // A copy: whoever measures may use his object again.
    const series: Series = {
      id,
      key,
      name,
      labels: { ...labels },
      began: at,
      seen: at,
      heard: at,
      isStored: false,
    };
    this.#add(series);
    return series;
  }

  /** Those to forget so that one of this name can be taken; none where all are in use, or it was asked just now. */
  idle(name: string, at: number): readonly Series[] {
    const ofName = this.#byName.get(name);
    const isNameFull = (ofName?.size ?? 0) >= OF_NAME_MAX;
    if (!isNameFull && this.#byKey.size < SERIES_MAX) return [];
    const scope = isNameFull ? name : '';
    if (Math.abs(at - (this.#sweptAt.get(scope) ?? Number.NEGATIVE_INFINITY)) < SWEEP_MS) return [];
    this.#sweptAt.set(scope, at);
    return [...(isNameFull ? ofName! : this.#byKey.values())]
      .filter((series) => isIdle(series, at))
      .sort((a, b) => a.heard - b.heard || a.id - b.id)
      .slice(0, SWEPT_MAX);
  }

  /** Nothing of it is in the file any more, so another may have its number. */
  forget(series: Series): void {
    this.#byKey.delete(series.key);
    const ofName = this.#byName.get(series.name);
    ofName?.delete(series);
    if (ofName?.size === 0) this.#byName.delete(series.name);
    this.#hints.length = 0;
    this.#freeIds.push(series.id);
  }

  byId(): ReadonlyMap<number, Series> {
    return new Map(this.#byKey.values().map((series) => [series.id, series]));
  }

  all(): Iterable<Series> {
    return this.#byKey.values();
  }

  /** Those of a name with such labels that were measured at some time within the window. */
  matching({ name, labels = {} }: SeriesSelector, from: number, to: number): readonly Series[] {
    const wanted = Object.entries(labels);
    return [...(this.#byName.get(name) ?? [])].filter(
      (series) =>
        series.seen >= from &&
        series.began <= to &&
        wanted.every(([label, value]) => series.labels[label] === value),
    );
  }

  names(): readonly string[] {
    return [...this.#byName.keys()].sort();
  }

  #add(series: Series): void {
    this.#byKey.set(series.key, series);
    const ofName = this.#byName.get(series.name) ?? new Set();
    this.#byName.set(series.name, ofName.add(series));
  }
}

/** Whether it may make place for another. */
export const isIdle = ({ heard }: Series, at: number): boolean => Math.abs(at - heard) > IDLE_MS;

function areSame(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  let rest = 0;
  for (const name in a) {
    if (a[name] !== b[name]) return false;
    rest++;
  }
  for (const _ in b) rest--;
  return rest === 0;
}
