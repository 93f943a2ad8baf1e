import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { assert } from '../../base/assert.ts';
import type { Bytes, SpanMs, TimeMs } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import type { WorkloadId } from '../../model/ids.ts';
import type { Event } from '../../model/messages.ts';
import type { Journal } from '../../runtime/ports.ts';
import { type EventCodec, eventCodec, workloadOf } from '../event-codec.ts';
import { openJournalFile } from './journal-file.ts';
import {
  insertSnapshot,
  newestOf,
  oldestKept,
  type PackedRow,
  packedRows,
  packSnapshot,
  type Snapshot,
} from './snapshot-table.ts';
import { storageFailure } from './storage-failure.ts';

/** An event as the codec wrote it. */
export interface JournalRow {
  readonly sequence: number;
  readonly kind: string;
  readonly version: number;
  readonly body: string;
}

export interface JournalEntry {
  readonly sequence: number;
  readonly event: Event;
}

/** An event goes when it is too old or when what follows it is already enough. */
export interface PrunePolicy {
  readonly at: TimeMs;
  readonly keepMs: SpanMs;
  /** Of event bodies; the file is about 1.4 times as large. */
  readonly keepBytes: Bytes;
}

export interface PruneOutcome {
  readonly removed: number;
  /** One call removes a bounded number, so that the daemon is never held up: call again. */
  readonly more: boolean;
}

/** Rows read at once: enough to make the cost per query vanish, little enough to hold in memory. */
const PAGE_ROWS = 256;
/** About 50 ms of deleting (2-vCPU VM, November 2026). */
const PRUNE_ROWS_MAX = 10_000;

interface Waiting {
  readonly events: readonly Event[];
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Throws STATE_NEWER, STATE_CORRUPT, STATE_UNWRITABLE or STATE_FULL, and then has changed nothing. */
export function openJournal(options: {
  readonly file: string;
  readonly codec?: EventCodec;
}): SqliteJournal {
  return new SqliteJournal(options.file, options.codec ?? eventCodec);
}

class SqliteJournal implements Journal {
  readonly #file: string;
  readonly #codec: EventCodec;
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  /** When the last event happened that was in it when it was opened, as far as it is kept; or 0. */
  readonly lastAt: TimeMs;
  #lastSequence: number;
  /** Of all event bodies up to the last. */
  #writtenBytes: number;
  #waiting: Waiting[] = [];

  constructor(file: string, codec: EventCodec) {
    this.#file = file;
    this.#codec = codec;
    this.#db = openJournalFile(file);
    try {
      const last = this.#db
        .prepare('select sequence, at, before, body from events order by sequence desc limit 1')
        .get();
      this.lastAt = Number(last?.['at'] ?? 0) as TimeMs;
      this.#writtenBytes =
        last === undefined ? 0 : Number(last['before']) + Buffer.byteLength(String(last['body']));
      // A snapshot may outlive the events that it stands for.
      const snapshot = this.#db.prepare('select max(sequence) as sequence from snapshots').get();
      this.#lastSequence = Math.max(
        Number(last?.['sequence'] ?? 0),
        Number(snapshot?.['sequence'] ?? 0),
      );
      this.#insert = this.#db.prepare('insert into events values (?, ?, ?, ?, ?, ?, ?)');
    } catch (error) {
      this.#db.close();
      throw storageFailure(`the journal ${file}`, error);
    }
  }

  /** Of the last durable event, or 0. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Batches that are appended before the first of them is durable share its transaction, in order. */
  async append(events: readonly Event[]): Promise<void> {
    assert(this.#db.isOpen, 'append to a closed journal');
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ events, resolve, reject });
      if (this.#waiting.length === 1) queueMicrotask(() => this.#flush());
    });
  }

  #flush(): void {
    const batches = this.#waiting;
    this.#waiting = [];
    if (batches.length === 0) return;
    try {
      this.#commit(batches.flatMap((batch) => batch.events));
    } catch (error) {
      for (const batch of batches) batch.reject(error);
      return;
    }
    for (const batch of batches) batch.resolve();
  }

  #commit(events: readonly Event[]): void {
    if (events.length === 0) return;
    let sequence = this.#lastSequence;
    let written = this.#writtenBytes;
    const rows = events.map((event) => {
      const { kind, version, body } = this.#codec.encode(event);
      const before = written;
      written += Buffer.byteLength(body);
      sequence++;
      return [sequence, event.at, kind, version, workloadOf(event) ?? null, before, body] as const;
    });
    this.#transact('write to', () => {
      for (const row of rows) this.#insert.run(...row);
    });
    this.#lastSequence = sequence;
    this.#writtenBytes = written;
  }

  /** All of `work` or nothing. */
  #transact(what: string, work: () => void): void {
    try {
      this.#db.exec('begin immediate');
      work();
      this.#db.exec('commit');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('rollback');
      throw this.#failure(what, error);
    }
  }

  #failure(what: string, error: unknown): unknown {
    return storageFailure(`cannot ${what} the journal ${this.#file}`, error);
  }

  /**
   * The events from `sequence` on, in order. Throws STATE_CORRUPT where one is missing or cannot be
   * read, STATE_NEWER where a newer Berth wrote it.
   */
  *readFrom(sequence: number): IterableIterator<JournalEntry> {
    for (const row of this.readRows(sequence)) yield this.#decode(row);
  }

  /** The same as they are on the disk, in pages: for who decodes them elsewhere. */
  *readRows(sequence: number): IterableIterator<JournalRow> {
    const page = this.#db.prepare(
      `select sequence, kind, version, body from events where sequence >= ? order by sequence limit ${PAGE_ROWS}`,
    );
    let next = Math.max(1, sequence);
    while (next <= this.#lastSequence) {
      const rows = this.#all(page, next);
      if (rows.length === 0) throw this.#missing(next);
      for (const row of rows) {
        if (row['sequence'] !== next) throw this.#missing(next);
        yield {
          sequence: next,
          kind: String(row['kind']),
          version: Number(row['version']),
          body: String(row['body']),
        };
        next++;
      }
    }
  }

  /** Where to read on from to have all that happened at `at` and later, as far as it is kept. Times do not go back, but for a clock that was set. */
  sequenceAt(at: TimeMs): number {
    const first = this.#db.prepare('select min(sequence) as sequence from events').get();
    const atOf = this.#db.prepare('select at from events where sequence = ?');
    let low = Number(first?.['sequence'] ?? this.#lastSequence + 1);
    let high = this.#lastSequence + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (Number(this.#all(atOf, middle)[0]?.['at'] ?? at) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The history of one workload, oldest first, as far as it is kept. */
  *readWorkload(workload: WorkloadId): IterableIterator<JournalEntry> {
    const page = this.#db.prepare(
      `select sequence, kind, version, body from events where workload = ? and sequence > ? order by sequence limit ${PAGE_ROWS}`,
    );
    let last = 0;
    for (;;) {
      const rows = this.#all(page, workload, last);
      for (const { sequence, kind, version, body } of rows) {
        const text = { kind: String(kind), version: Number(version), body: String(body) };
        yield this.#decode({ sequence: Number(sequence), ...text });
      }
      if (rows.length < PAGE_ROWS) return;
      last = Number(rows.at(-1)?.['sequence']);
    }
  }

  #all(statement: StatementSync, ...parameters: (number | string)[]) {
    try {
      return statement.all(...parameters);
    } catch (error) {
      throw this.#failure('read', error);
    }
  }

  #decode({ sequence, ...text }: JournalRow): JournalEntry {
    return { sequence, event: this.#codec.decode(sequence, text) };
  }

  #missing(sequence: number): OperationError {
    return new OperationError(
      'STATE_CORRUPT',
      `the journal ${this.#file} lacks event ${sequence}: it is damaged, or the snapshots that stood for it are`,
      { file: this.#file, sequence },
    );
  }

  /** Keeps the state after event `sequence`, which must be durable. The last two are kept. */
  async writeSnapshot(sequence: number, body: string): Promise<void> {
    assert(sequence <= this.#lastSequence, `a snapshot of event ${sequence}, which is not durable`);
    const packed = await packSnapshot(body);
    // Closed meanwhile: a snapshot only shortens the next start.
    if (!this.#db.isOpen) return;
    this.#transact('write a snapshot to', () =>
      insertSnapshot(this.#db, sequence, Date.now(), packed),
    );
  }

  latestSnapshot(): Snapshot | undefined {
    try {
      return newestOf(packedRows(this.#db));
    } catch (error) {
      throw this.#failure('read', error);
    }
  }

  /** As they are on the disk, the newest first; the store's `newestOf` makes one of them. */
  packedSnapshots(): readonly PackedRow[] {
    try {
      return [...packedRows(this.#db)];
    } catch (error) {
      throw this.#failure('read', error);
    }
  }

  /** Removes old history; never an event that a start from either snapshot would replay. */
  prune(policy: PrunePolicy): PruneOutcome {
    const rows = this.#all(
      this.#db.prepare(
        `select sequence, at, before from events where sequence <= ? order by sequence limit ${PRUNE_ROWS_MAX}`,
      ),
      oldestKept(this.#db),
    );
    const keptFrom = rows.findIndex(
      (row) =>
        Number(row['at']) >= policy.at - policy.keepMs &&
        this.#writtenBytes - Number(row['before']) <= policy.keepBytes,
    );
    const removed = keptFrom === -1 ? rows.length : keptFrom;
    if (removed > 0) {
      this.#transact('prune', () => {
        const last = Number(rows[removed - 1]?.['sequence']);
        this.#db.prepare('delete from events where sequence <= ?').run(last);
      });
      this.#giveBackSpace();
    }
    return { removed, more: removed === PRUNE_ROWS_MAX };
  }

  #giveBackSpace(): void {
    try {
      this.#db.exec(`pragma incremental_vacuum(${PRUNE_ROWS_MAX})`);
    } catch (error) {
      throw this.#failure('shrink', error);
    }
  }

  /** Batches that still wait are written first. */
  close(): void {
    if (!this.#db.isOpen) return;
    this.#flush();
    this.#db.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export type { SqliteJournal };
