import type { StatementSync } from 'node:sqlite';
import { assert } from '../../base/assert.ts';
import type { TimeMs } from '../../base/units.ts';
import { openHistoryFile, type TierTable } from './history-file.ts';
import { storageFailure } from './storage-failure.ts';

/** What was measured at one moment. A column that is absent or undefined is unknown, and stays so. */
export interface UsageSample {
  readonly at: TimeMs;
  readonly values: Readonly<Record<string, number | undefined>>;
}

export interface HistoryQuery {
  readonly column: string;
  /** Both ends included. */
  readonly from: TimeMs;
  readonly to: TimeMs;
  /** Neighbouring samples are merged until at most so many points are left; at least 2. */
  readonly pointsMax: number;
}

/** One or more samples, merged. Where nothing was measured there is no point. */
export interface HistoryPoint {
  /** Where the interval of the point begins; that of the first may begin before `from`. */
  readonly at: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly last: number;
}

interface Tier {
  readonly table: TierTable;
  readonly stepMs: number;
  readonly keepMs: number;
}

const MINUTE_MS = 60_000;
/** Fine and short, coarse and long: at ten columns, 5 MB and 30 MB. */
const SECONDS: Tier = { table: 'second', stepMs: 1000, keepMs: 2 * 60 * MINUTE_MS };
const MINUTES: Tier = { table: 'minute', stepMs: MINUTE_MS, keepMs: 30 * 24 * 60 * MINUTE_MS };

/** Samples written together; a crash loses fewer. */
const BATCH = 10;
const COLUMNS_MAX = 256;

/**
 * Usage over time, for charts. Telemetry never stops the daemon: a sample that cannot be written is
 * dropped and counted, a damaged file is set aside, and where there is no file at all, memory serves.
 * `onProblem` hears of the first failure after a success.
 */
export function openHistory(options: {
  readonly file: string;
  readonly onProblem: (problem: unknown) => void;
}): SqliteHistory {
  return new SqliteHistory(options.file, options.onProblem);
}

class SqliteHistory {
  readonly #file: string;
  readonly #onProblem: (problem: unknown) => void;
  readonly #db: ReturnType<typeof openHistoryFile>;
  readonly #addSample: StatementSync;
  readonly #rollUp: StatementSync;
  readonly #columns: Set<string>;
  #waiting: UsageSample[] = [];
  #newest = 0;
  #prunedAt = 0;
  #failing = false;
  #droppedSamples = 0;

  constructor(file: string, onProblem: (problem: unknown) => void) {
    this.#file = file;
    this.#onProblem = onProblem;
    this.#db = openHistoryFile(file, onProblem);
    const names = this.#db.prepare('select name, max(at) as at from minute group by name').all();
    this.#columns = new Set(names.map((row) => String(row['name'])));
    for (const row of names) this.#newest = Math.max(this.#newest, Number(row['at']));
    this.#addSample = this.#db.prepare(
      `insert into second values (?, ?, 1, ?3, ?3, ?3, ?3)
       on conflict do update set
         min = min(min, ?3), max = max(max, ?3), mean = (mean * count + ?3) / (count + 1),
         last = ?3, count = count + 1`,
    );
    // Always from the seconds of that minute, so that a crash between two batches costs nothing.
    this.#rollUp = this.#db.prepare(
      `insert or replace into minute
       select r.name, ?2, r.count, r.min, r.max, r.mean, s.last from
         (select name, sum(count) as count, min(min) as min, max(max) as max,
                 sum(mean * count) / sum(count) as mean, max(at) as at
          from second where name = ?1 and at between ?2 and ?2 + ${MINUTE_MS - 1} group by name) r
         join second s on s.name = r.name and s.at = r.at`,
    );
  }

  /** Samples that could not be written since the start. */
  get droppedSamples(): number {
    return this.#droppedSamples;
  }

  record(sample: UsageSample): void {
    this.#waiting.push(sample);
    if (this.#waiting.length >= BATCH) this.#write();
  }

  query(query: HistoryQuery): readonly HistoryPoint[] {
    assert(query.pointsMax >= 2, `${query.pointsMax} points`);
    this.#write();
    const tier = query.from >= this.#newest - SECONDS.keepMs ? SECONDS : MINUTES;
    const span = Math.max(0, query.to - query.from);
    const steps = Math.max(1, Math.ceil(span / (query.pointsMax - 1) / tier.stepMs));
    // In the text because a bound number is a double to SQLite, and would not divide as an integer.
    const step = steps * tier.stepMs;
    try {
      const rows = this.#db
        .prepare(
          `select g.at / ${step} * ${step} as at, g.min, g.max, g.mean, t.last from
             (select max(at) as at, min(min) as min, max(max) as max,
                     sum(mean * count) / sum(count) as mean
              from ${tier.table} where name = ?1 and at between ?2 and ?3 group by at / ${step}) g
             join ${tier.table} t on t.name = ?1 and t.at = g.at order by g.at`,
        )
        .all(query.column, Math.floor(query.from / tier.stepMs) * tier.stepMs, query.to);
      return rows.map((row) => ({
        at: Number(row['at']),
        min: Number(row['min']),
        max: Number(row['max']),
        mean: Number(row['mean']),
        last: Number(row['last']),
      }));
    } catch (error) {
      this.#problem('read', error);
      return [];
    }
  }

  #write(): void {
    const samples = this.#waiting;
    if (samples.length === 0) return;
    this.#waiting = [];
    try {
      this.#db.exec('begin immediate');
      this.#insert(samples);
      this.#prune();
      this.#db.exec('commit');
      this.#failing = false;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('rollback');
      this.#droppedSamples += samples.length;
      this.#problem('write to', error);
    }
  }

  #insert(samples: readonly UsageSample[]): void {
    const touched = new Map<string, Set<number>>();
    for (const { at, values } of samples) {
      this.#newest = Math.max(this.#newest, at);
      for (const [name, value] of Object.entries(values)) {
        if (value === undefined || !Number.isFinite(value) || !this.#admit(name)) continue;
        this.#addSample.run(name, at - (at % SECONDS.stepMs), value);
        const minutes = touched.get(name) ?? new Set();
        touched.set(name, minutes.add(at - (at % MINUTE_MS)));
      }
    }
    for (const [name, minutes] of touched) {
      for (const minute of minutes) this.#rollUp.run(name, minute);
    }
  }

  #admit(name: string): boolean {
    if (this.#columns.size >= COLUMNS_MAX && !this.#columns.has(name)) return false;
    this.#columns.add(name);
    return true;
  }

  #prune(): void {
    if (this.#newest < this.#prunedAt + MINUTE_MS) return;
    for (const tier of [SECONDS, MINUTES]) {
      const remove = this.#db.prepare(`delete from ${tier.table} where name = ? and at < ?`);
      for (const name of this.#columns) remove.run(name, this.#newest - tier.keepMs);
    }
    this.#prunedAt = this.#newest;
  }

  #problem(what: string, error: unknown): void {
    if (!this.#failing) {
      this.#onProblem(storageFailure(`cannot ${what} the history ${this.#file}`, error));
    }
    this.#failing = true;
  }

  close(): void {
    if (!this.#db.isOpen) return;
    this.#write();
    this.#db.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export type { SqliteHistory };
