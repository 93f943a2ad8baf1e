import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Labels, seriesKey } from '../../telemetry/metric.ts';
import { type Block, decodeBlock, encodeBlock } from '../history-block.ts';
import { blockMs, tiers } from '../history-tiers.ts';
import { SERIES_IDS, type Series } from '../series-book.ts';

/** What was written since a block began: samples of the finest tier, points of the others. */
export interface Tail {
  readonly id: number;
  readonly data: Uint8Array;
}

/**
 * Rows of the history file. A block has one number, of when it begins and of its series: rows are added at the end
 * and removed at the beginning, and found by one look.
 */
export class HistoryTables {
  readonly #db: DatabaseSync;
  readonly #tiers: readonly {
    readonly read: StatementSync;
    readonly write: StatementSync;
    readonly ends: StatementSync;
    readonly remove: StatementSync;
  }[];
  readonly #tail: StatementSync;
  readonly #dropTail: StatementSync;
  readonly #storeSeries: StatementSync;
  readonly #removeSeries: StatementSync;
  readonly #pages: StatementSync;
  readonly #freePages: StatementSync;
  readonly #pageBytes: number;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#tiers = tiers.map(({ table }) => ({
      read: db.prepare(`select data from ${table} where id = ?`),
      write: db.prepare(`insert or replace into ${table} values (?, ?)`),
      ends: db.prepare(
        `select (select min(id) from ${table}) as first, (select max(id) from ${table}) as last`,
      ),
      remove: db.prepare(`delete from ${table} where id between ? and ?`),
    }));
    this.#tail = db.prepare('insert into tail (tier, data) values (?, ?)');
    this.#dropTail = db.prepare('delete from tail where tier = ? and id <= ?');
    this.#storeSeries = db.prepare(
      'insert or replace into series (id, name, labels, began, seen) values (?, ?, ?, ?, ?)',
    );
    this.#removeSeries = db.prepare('delete from series where id = ?');
    this.#pages = db.prepare('pragma page_count');
    this.#freePages = db.prepare('pragma freelist_count');
    this.#pageBytes = Number(db.prepare('pragma page_size').get()?.['page_size']);
  }

  /** All or nothing of what `write` writes. */
  transaction(write: () => void): void {
    this.#db.exec('begin immediate');
    try {
      write();
      this.#db.exec('commit');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('rollback');
      throw error;
    }
  }

  block(tier: number, at: number, series: Series): Block | undefined {
    const data = this.#tiers[tier]!.read.get(numberOf(tier, at, series.id))?.['data'];
    return data instanceof Uint8Array ? decodeBlock(data, tiers[tier]!.slots) : undefined;
  }

  writeBlock(tier: number, at: number, { series, block }: { series: Series; block: Block }): void {
    this.#tiers[tier]!.write.run(numberOf(tier, at, series.id), encodeBlock(block));
  }

  /** When the oldest and the newest block of a tier begin. */
  ends(tier: number): { readonly first: number; readonly last: number } | undefined {
    const row = this.#tiers[tier]!.ends.get();
    if (row === undefined || row['first'] === null) return undefined;
    const at = (id: unknown): number => Math.floor(Number(id) / SERIES_IDS) * blockMs(tier);
    return { first: at(row['first']), last: at(row['last']) };
  }

  /** Blocks of all series that begin at that moment. */
  removeBlocks(tier: number, at: number): void {
    this.#tiers[tier]!.remove.run(numberOf(tier, at, 0), numberOf(tier, at, SERIES_IDS - 1));
  }

  removeBlock(tier: number, at: number, series: Series): void {
    const number = numberOf(tier, at, series.id);
    this.#tiers[tier]!.remove.run(number, number);
  }

  /** @returns its number, greater than all before. */
  addTail(tier: number, data: Uint8Array): number {
    return Number(this.#tail.run(tier, data).lastInsertRowid);
  }

  dropTail(tier: number, upTo: number): void {
    this.#dropTail.run(tier, upTo);
  }

  tails(tier: number): readonly Tail[] {
    return this.#db
      .prepare('select id, data from tail where tier = ? order by id')
      .all(tier)
      .map((row) => ({ id: Number(row['id']), data: row['data'] as Uint8Array }));
  }

  series(): readonly Series[] {
    const rows = this.#db.prepare('select id, name, labels, began, seen from series').all();
    return rows.map((row) => {
      const name = String(row['name']);
      const labels = JSON.parse(String(row['labels'])) as Labels;
      const [began, seen] = [Number(row['began']), Number(row['seen'])];
      const key = seriesKey(name, labels);
      return { id: Number(row['id']), key, name, labels, began, seen, heard: seen, isStored: true };
    });
  }

  storeSeries({ id, name, labels, began, seen }: Series): void {
    this.#storeSeries.run(id, name, JSON.stringify(labels), began, seen);
  }

  removeSeries({ id }: Series): void {
    this.#removeSeries.run(id);
  }

  fileBytes(): number {
    return Number(this.#pages.get()?.['page_count']) * this.#pageBytes;
  }

  /** Gives back pages that are free; from then on the file has at most so much. */
  shrinkFile(bytesMax: number): void {
    this.#db.exec('vacuum');
    this.#db.exec(`pragma max_page_count = ${Math.floor(bytesMax / this.#pageBytes)}`);
  }

  /** What the rows take, without pages that are free. */
  usedBytes(): number {
    const pages = Number(this.#pages.get()?.['page_count']);
    return (pages - Number(this.#freePages.get()?.['freelist_count'])) * this.#pageBytes;
  }
}

const numberOf = (tier: number, at: number, series: number): number =>
  Math.floor(at / blockMs(tier)) * SERIES_IDS + series;
