import { assert } from '../../base/assert.ts';
import type { TimeMs } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import type {
  KeptSeries,
  MetricHistory,
  Reading,
  SeriesPoint,
  SeriesQuery,
  SeriesSelector,
} from '../../telemetry/metric.ts';
import { HistoryBatch, samplesOf } from '../history-batch.ts';
import {
  addSample,
  type Block,
  countOf,
  emptyBlock,
  overlay,
  setPoint,
  summary,
} from '../history-block.ts';
import { encodePoints, pointsOf } from '../history-points.ts';
import { answerQuery, mergedPoints, stepOf } from '../history-query.ts';
import { blockAt, blockMs, COARSEST, slotOf, tierOf, tiers } from '../history-tiers.ts';
import { isIdle, type Series, SeriesBook } from '../series-book.ts';
import { type OpenHistoryFile, openHistoryFile, replaceHistoryFile } from './history-file.ts';
import { HistoryPruning } from './history-pruning.ts';
import { HistoryTables } from './history-tables.ts';
import { storageFailure } from './storage-failure.ts';

const BYTES_MAX = 512 * 1024 ** 2;
/** How long one call may write before everybody else has a turn. */
const SLICE_MS = 6;
/** How often the time is looked at meanwhile. */
const LOOK_EVERY = 16;
/** Complete blocks that wait to be written. A disk may refuse for some minutes; what is older then is dropped. */
const CLOSINGS_MAX = 6;

export interface HistoryOptions {
  /** Or `:memory:`. */
  readonly file: string;
  /** Hears of the first failure after a success. */
  readonly onProblem: (problem: unknown) => void;
  readonly bytesMax?: number;
  /** Of each tier, the finest first. */
  readonly keepMs?: readonly number[];
}

/**
 * What was measured over time. Telemetry never stops the daemon: what cannot be written is dropped and
 * counted, a damaged file is set aside, and where there is no file at all, memory serves.
 */
export function openHistory(options: HistoryOptions): SqliteHistory {
  const keepMs = tiers.map((tier) => tier.keepMs);
  return new SqliteHistory({ bytesMax: BYTES_MAX, keepMs, ...options });
}

/** Both ends included; the step is that of a tier: a second, a minute or an hour. */
export interface HistoryWindow {
  readonly from: TimeMs;
  readonly to: TimeMs;
  readonly stepMs: number;
}

/** Blocks that still grow, of one tier: all of one moment. */
interface OpenBlocks {
  readonly at: number;
  readonly blocks: Map<Series, Block>;
}

/** Blocks that are complete, and are written piece by piece. */
interface Closing extends OpenBlocks {
  readonly tier: number;
  /** Rows of the tail that are of no use once all of it is written. */
  readonly tailUpTo: number;
  /** Whether some of it may be in the file, from before the clock or the daemon began anew. Known once it is its turn. */
  mayBeThere?: boolean;
}

class SqliteHistory implements MetricHistory {
  readonly #options: Required<HistoryOptions>;
  readonly #book = new SeriesBook();
  readonly #batch = new HistoryBatch();
  readonly #open: OpenBlocks[] = tiers.map(() => ({ at: Number.NaN, blocks: new Map() }));
  readonly #closings: Closing[] = [];
  #file: OpenHistoryFile;
  #tables: HistoryTables;
  #pruning: HistoryPruning;
  /** When the newest block begins that was ever written, by tier. */
  #writtenTo: number[] = [];
  #lastTail = 0;
  /** When the newest sample came. */
  #now = 0;
  #trimmedAt = 0;
  /** Series that make place for new ones, as soon as there is time. */
  readonly #doomed: Series[] = [];
  #isFailing = false;
  #droppedSamples = 0;
  #refusedReadings = 0;

  constructor(options: Required<HistoryOptions>) {
    this.#options = options;
    this.#file = openHistoryFile(options);
    this.#tables = new HistoryTables(this.#file.db);
    this.#pruning = this.#newPruning();
    this.#guard('shrink', () => this.#pruning.fit());
    this.#guard('read', () => this.#restore());
  }

  /** Samples that could not be written since the start. */
  get droppedSamples(): number {
    return this.#droppedSamples;
  }

  /** Readings of series for which there was no place. */
  get refusedReadings(): number {
    return this.#refusedReadings;
  }

  /** What was measured at one moment, by the names that `historyName` gives. Values that are no numbers are left out. */
  record(at: TimeMs, readings: readonly Reading[]): void {
    if (!this.#file.db.isOpen) return;
    this.#now = at;
    if (blockAt(0, at) !== this.#open[0]!.at) this.#roll(0, at);
    this.#batch.begin(at);
    for (const [place, { name, labels, value }] of readings.entries()) {
      if (!Number.isFinite(value)) continue;
      const series = this.#book.known(place, name, labels) ?? this.#admit(name, labels, at);
      if (series === undefined) {
        this.#refusedReadings++;
        continue;
      }
      this.#note(series, at);
      this.#batch.add(series.id, value);
      addSample(this.#openBlock(0, series), slotOf(0, at), value);
    }
    if (this.#batch.isDue(at)) this.#flush();
    this.#work();
  }

  query(query: SeriesQuery): readonly KeptSeries[] {
    assert(query.pointsMax >= 2, `${query.pointsMax} points`);
    const found = this.#guard('read', () =>
      answerQuery(query, { book: this.#book, blocks: this, tier: this.#tierFor(query) }),
    );
    return found ?? [];
  }

  names(): readonly string[] {
    return this.#book.names();
  }

  /** Those that were measured at some time within the window, by key. */
  series(
    selector: SeriesSelector,
    from: TimeMs,
    to: TimeMs,
  ): readonly Omit<KeptSeries, 'points'>[] {
    return this.#book
      .matching(selector, from, to)
      .map(({ key, name, labels }) => ({ key, name, labels }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** The part of the window outside of which the tier of this step has no points of a series; undefined: it has none. */
  extent(key: string, window: HistoryWindow): HistoryWindow | undefined {
    const series = this.#book.byKey(key);
    const { stepMs } = window;
    const begins = this.#guard('read', () => this.#begins(tierOf(stepMs)));
    if (series === undefined || begins === undefined) return undefined;
    const from = Math.max(window.from, series.began - (series.began % stepMs), begins) as TimeMs;
    const to = Math.min(window.to, series.seen) as TimeMs;
    return from > to ? undefined : { from, to, stepMs };
  }

  /** All points of one series that the tier of this step has in the window. */
  points(key: string, window: HistoryWindow): readonly SeriesPoint[] {
    const { from, to, stepMs } = window;
    const tier = tierOf(stepMs);
    const series = this.#book.byKey(key);
    // Nothing is looked for where the tier does not reach.
    if (series === undefined || to < this.#begins(tier)) return [];
    const query = { name: series.name, from, to, pointsMax: Number.MAX_SAFE_INTEGER };
    const at = { series, blocks: this, tier };
    return this.#guard('read', () => mergedPoints(query, at)) ?? [];
  }

  /** The block of a series as all that is known has it, written or not. */
  block(tier: number, at: number, series: Series): Block | undefined {
    let found = at <= this.#writtenTo[tier]! ? this.#tables.block(tier, at, series) : undefined;
    const add = (newer: Block | undefined): void => {
      if (newer !== undefined) found = found === undefined ? newer : overlay(found, newer);
    };
    for (const closing of this.#closings) {
      if (closing.tier === tier && closing.at === at) add(closing.blocks.get(series));
    }
    const open = this.#open[tier]!;
    if (open.at === at) add(open.blocks.get(series));
    if (tier > 0) add(this.#unfinished(tier, at, series));
    return found;
  }

  /** Points of a block whose own blocks, one tier below, are not complete. */
  #unfinished(tier: number, at: number, series: Series): Block | undefined {
    let points: Block | undefined;
    for (const below of this.#growing(tier - 1)) {
      if (blockAt(tier, below) !== at) continue;
      const block = this.block(tier - 1, below, series);
      if (block === undefined) continue;
      points ??= emptyBlock(tiers[tier]!.slots);
      setPoint(points, slotOf(tier, below), summary(block));
    }
    return points;
  }

  /** Where blocks begin of which something is not written yet. */
  #growing(tier: number): ReadonlySet<number> {
    const found = new Set(this.#closings.filter((one) => one.tier === tier).map(({ at }) => at));
    if (!Number.isNaN(this.#open[tier]!.at)) found.add(this.#open[tier]!.at);
    if (tier > 0) for (const below of this.#growing(tier - 1)) found.add(blockAt(tier, below));
    return found;
  }

  /** The coarsest that has enough points, of those that go back so far. */
  #tierFor(query: SeriesQuery): number {
    const first = tiers.map((_, tier) => this.#begins(tier));
    const reaches = (tier: number): boolean =>
      tier === COARSEST ||
      first[tier]! <= query.from ||
      // What lies within the oldest block of the next is all that there is.
      first[tier]! < first[tier + 1]! + blockMs(tier + 1);
    for (let tier = COARSEST; tier > 0; tier--) {
      if (stepOf(query, tier - 1) >= tiers[tier]!.stepMs) return tier;
      if (!reaches(tier - 1)) return tier;
    }
    return 0;
  }

  #begins(tier: number): number {
    const first = this.#tables.ends(tier)?.first ?? Number.POSITIVE_INFINITY;
    return Math.min(first, ...this.#growing(tier));
  }

  #admit(name: string, labels: Reading['labels'], at: number): Series | undefined {
    const admitted = this.#book.admit(name, labels, at);
    if (admitted !== undefined) return admitted;
    // One that is doomed is not found again: it would be forgotten twice, and two others get its number.
    if (this.#doomed.length === 0) this.#doomed.push(...this.#book.idle(name, at));
    return undefined;
  }

  #note(series: Series, at: number): void {
    if (at < series.began) {
      series.began = at;
      series.isStored = false;
    }
    series.heard = at;
    if (at > series.seen) series.seen = at;
  }

  #openBlock(tier: number, series: Series): Block {
    const { blocks } = this.#open[tier]!;
    const block = blocks.get(series);
    if (block !== undefined) return block;
    const created = emptyBlock(tiers[tier]!.slots);
    blocks.set(series, created);
    return created;
  }

  /** What grew is complete, or the clock was set; from now on the block of `at` grows. */
  #roll(tier: number, at: number): void {
    if (tier === 0) this.#flush();
    const { at: before, blocks } = this.#open[tier]!;
    const tailUpTo = this.#lastTail;
    if (blocks.size > 0) this.#closings.push({ tier, at: before, blocks, tailUpTo });
    this.#open[tier] = { at: blockAt(tier, at), blocks: new Map() };
  }

  /** Makes what was measured lately survive a crash. */
  #flush(): void {
    if (this.#batch.isEmpty) return;
    const data = this.#batch.take();
    const isNew = [...this.#book.all()].filter((series) => !series.isStored);
    const done = this.#guard('write to', () => {
      this.#tables.transaction(() => {
        for (const series of isNew) this.#tables.storeSeries(series);
        this.#lastTail = this.#tables.addTail(0, data);
      });
      return true;
    });
    if (done) for (const series of isNew) series.isStored = true;
  }

  /** Writes some of what is complete, and removes some of what is old. */
  #work(): void {
    const until = performance.now() + SLICE_MS;
    let closing = this.#closings[0];
    while (closing !== undefined && performance.now() < until) {
      if (!this.#guard('write to', () => this.#write(closing!, until))) break;
      closing = this.#closings[0];
    }
    while (this.#closings.length > CLOSINGS_MAX) this.#shorten();
    if (this.#closings.length > 0) return;
    if (this.#doomed.length > 0) this.#guard('write to', () => this.#forget(until));
    if (!this.#pruning.isShrunk) {
      this.#guard('write to', () =>
        this.#tables.transaction(() => this.#pruning.shrink(this.#now, until)),
      );
    }
    const minute = blockAt(0, this.#now);
    if (this.#trimmedAt === minute) return;
    this.#trimmedAt = minute;
    this.#guard('write to', () =>
      this.#tables.transaction(() => this.#pruning.trim(this.#now, until)),
    );
  }

  /** More waits than may: whatever it takes, or without the file where that cannot be written. */
  #shorten(): void {
    const closing = this.#closings[0]!;
    const forEver = Number.POSITIVE_INFINITY;
    if (!this.#isFailing && this.#guard('write to', () => this.#write(closing, forEver))) return;
    this.#closings.shift();
    const points = this.#summaries(closing, closing.blocks);
    if (closing.tier === 0) for (const { point } of points) this.#droppedSamples += countOf(point);
    this.#place(closing, points);
  }

  /** Blocks of one closing, with the row of what they sum up to, in one transaction. */
  #write(closing: Closing, until: number): true {
    const { tier, at, blocks } = closing;
    const written = new Map<Series, Block>();
    if (tier < COARSEST && blockAt(tier + 1, at) !== this.#open[tier + 1]!.at) {
      this.#roll(tier + 1, at);
    }
    closing.mayBeThere ??= at <= this.#writtenTo[tier]!;
    let points: readonly SeriesPointOf[] = [];
    let tail = this.#lastTail;
    this.#tables.transaction(() => {
      for (const [series, block] of blocks) {
        const old = closing.mayBeThere ? this.#tables.block(tier, at, series) : undefined;
        const whole = old === undefined ? block : overlay(old, block);
        this.#tables.writeBlock(tier, at, { series, block: whole });
        if (tier === 1 || !series.isStored) this.#tables.storeSeries(series);
        written.set(series, whole);
        if (written.size % LOOK_EVERY === 0 && performance.now() >= until) break;
      }
      points = this.#summaries(closing, written);
      if (tier < COARSEST) tail = this.#tables.addTail(tier + 1, encodePoints(at, points));
      if (written.size === blocks.size) this.#tables.dropTail(tier, closing.tailUpTo);
    });
    this.#isFailing = false;
    this.#lastTail = tail;
    this.#writtenTo[tier] = Math.max(this.#writtenTo[tier]!, at);
    for (const series of written.keys()) {
      series.isStored = true;
      blocks.delete(series);
    }
    if (blocks.size === 0) this.#closings.shift();
    this.#place(closing, points);
    return true;
  }

  /** Nothing of them is left, in the file or in what grows. */
  #forget(until: number): void {
    const gone: Series[] = [];
    this.#tables.transaction(() => {
      while (gone.length < this.#doomed.length && performance.now() < until) {
        const series = this.#doomed[gone.length]!;
        gone.push(series);
        if (isIdle(series, this.#now)) this.#remove(series);
      }
    });
    this.#doomed.splice(0, gone.length);
    for (const series of gone) {
      if (!isIdle(series, this.#now)) continue;
      for (const { blocks } of [...this.#open, ...this.#closings]) blocks.delete(series);
      this.#book.forget(series);
    }
  }

  #remove(series: Series): void {
    for (const tier of tiers.keys()) {
      const first = Math.max(series.began, this.#tables.ends(tier)?.first ?? series.seen);
      for (let at = blockAt(tier, first); at <= series.seen; at += blockMs(tier)) {
        this.#tables.removeBlock(tier, at, series);
      }
    }
    this.#tables.removeSeries(series);
  }

  /** As the file has it: all series, and what grew when it was closed or the daemon died. */
  #restore(): void {
    this.#writtenTo = tiers.map((_, tier) => this.#tables.ends(tier)?.last ?? -1);
    for (const series of this.#tables.series()) this.#book.restore(series);
    const byId = this.#book.byId();
    let lastTail = 0;
    for (let tier = COARSEST; tier > 0; tier--) {
      this.#lastTail = 0;
      for (const { id, data } of this.#tables.tails(tier)) {
        for (const { at, series: number, point } of pointsOf(data)) {
          const series = byId.get(number);
          if (series !== undefined) this.#place({ tier: tier - 1, at }, [{ series, id, point }]);
          if (series !== undefined) this.#note(series, at + tiers[tier]!.stepMs - 1);
        }
        this.#lastTail = id;
      }
      lastTail = Math.max(lastTail, this.#lastTail);
    }
    this.#lastTail = 0;
    for (const { id, data } of this.#tables.tails(0)) {
      for (const { at, series: number, value } of samplesOf(data)) {
        const series = byId.get(number);
        if (series === undefined) continue;
        if (blockAt(0, at) !== this.#open[0]!.at) this.#roll(0, at);
        this.#now = at;
        this.#note(series, at);
        addSample(this.#openBlock(0, series), slotOf(0, at), value);
      }
      this.#lastTail = id;
    }
    this.#lastTail = Math.max(lastTail, this.#lastTail);
  }

  /** Undefined where the file cannot be read or written, which is told once, and dealt with where it is damaged. */
  #guard<T>(what: string, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      const failure = storageFailure(`cannot ${what} the history ${this.#options.file}`, error);
      const isKnown = failure instanceof OperationError;
      if (!isKnown && !(error instanceof Error && 'errcode' in error)) throw error;
      if (!this.#isFailing) this.#options.onProblem(failure);
      this.#isFailing = true;
      if (isKnown && failure.code === 'STATE_CORRUPT') this.#setAside();
      return undefined;
    }
  }

  /** Goes on in a new file with what is in memory. */
  #setAside(): void {
    this.#file.db.close();
    this.#file = replaceHistoryFile(this.#options);
    this.#tables = new HistoryTables(this.#file.db);
    this.#pruning = this.#newPruning();
    this.#writtenTo = tiers.map(() => -1);
    this.#lastTail = 0;
    for (const series of this.#book.all()) series.isStored = false;
  }

  #newPruning(): HistoryPruning {
    const { keepMs } = this.#options;
    return new HistoryPruning(this.#tables, { keepMs, bytesMax: this.#file.bytesMax });
  }

  close(): void {
    if (!this.#file.db.isOpen) return;
    this.#flush();
    this.#file.db.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #summaries({ tier }: Closing, blocks: ReadonlyMap<Series, Block>): readonly SeriesPointOf[] {
    if (tier === COARSEST) return [];
    return [...blocks].map(([series, block]) => ({ series, id: series.id, point: summary(block) }));
  }

  /** Blocks of one tier are points of the next. */
  #place({ tier, at }: Pick<Closing, 'tier' | 'at'>, points: readonly SeriesPointOf[]): void {
    if (points.length === 0) return;
    if (blockAt(tier + 1, at) !== this.#open[tier + 1]!.at) this.#roll(tier + 1, at);
    for (const { series, point } of points) {
      setPoint(this.#openBlock(tier + 1, series), slotOf(tier + 1, at), point);
    }
  }
}

interface SeriesPointOf {
  readonly series: Series;
  readonly id: number;
  readonly point: Block;
}

export type { SqliteHistory };
