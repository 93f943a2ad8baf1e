import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { TimeMs } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import type { QueueName, TenantId, WorkloadId } from '../../model/ids.ts';
import type { Event } from '../../model/messages.ts';
import type { OverflowPolicy } from '../../model/scheduling-config.ts';
import { eventCodec } from '../event-codec.ts';
import { openOverflowFile } from './overflow-file.ts';
import { storageFailure } from './storage-failure.ts';

/** What is kept of a submission: the event that lets it in, as the journal would have it. */
export type SpilledEvent = Extract<Event, { kind: 'workload-submitted' }>;

/** Of one that is kept, without its document. */
export interface SpilledRow {
  readonly workload: WorkloadId;
  readonly at: TimeMs;
  readonly tenant: TenantId;
  readonly queue: QueueName;
  readonly name: string;
  readonly kind: SpilledEvent['spec']['kind'];
  readonly priority: number;
  readonly tasks: number;
}

/** What is kept for one queue: documents, their bytes as they are and as they are kept, and since when. */
export interface SpilledUse {
  readonly queue: QueueName;
  readonly submissions: number;
  readonly plainBytes: number;
  readonly keptBytes: number;
  readonly oldestAt: TimeMs;
}

interface Packed {
  readonly form: 'plain' | 'zstd';
  readonly plainBytes: number;
  readonly keptBytes: number;
  readonly version: number;
  readonly body: string | Uint8Array;
}

interface Adding {
  readonly event: SpilledEvent;
  readonly packed: Packed;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

const INSERT = 'insert into spilled values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)';
const HEAD = 'id, at, tenant, queue, name, kind, priority, tasks';
/** What is freed goes back to the file system so many pages at a time. */
const VACUUM_PAGES = 1_000;

/** The document as it will be kept: `compress` makes less of it, to be read by Berth alone. */
export function packSpilled(event: SpilledEvent, policy: OverflowPolicy): Packed {
  const { body, version } = eventCodec.encode(event);
  const plainBytes = Buffer.byteLength(body);
  if (policy !== 'compress') {
    return { form: 'plain', plainBytes, keptBytes: plainBytes, version, body };
  }
  const packed = zstdCompressSync(body);
  return { form: 'zstd', plainBytes, keptBytes: packed.length, version, body: packed };
}

/** Throws STATE_NEWER, STATE_CORRUPT, STATE_UNWRITABLE or STATE_FULL. */
export function openOverflow(file: string): SqliteOverflow {
  return new SqliteOverflow(file);
}

class SqliteOverflow {
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  #adding: Adding[] = [];
  #rows: number;
  #bytes: number;

  constructor(file: string) {
    this.#file = file;
    this.#db = openOverflowFile(file);
    try {
      const all = this.#db
        .prepare('select count(*) as rows, coalesce(sum(kept_bytes), 0) as bytes from spilled')
        .get()!;
      this.#rows = Number(all['rows']);
      this.#bytes = Number(all['bytes']);
      this.#insert = this.#db.prepare(INSERT);
      this.#find = this.#db.prepare(`select ${HEAD} from spilled where id = ?`);
    } catch (error) {
      this.#db.close();
      throw this.#failure('read', error);
    }
  }

  /** Documents that are kept or about to be, and their bytes as they are kept. */
  get use(): { readonly rows: number; readonly bytes: number } {
    return { rows: this.#rows, bytes: this.#bytes };
  }

  /** Resolves once it is on the disk; those of one moment share a transaction, in order. */
  add(event: SpilledEvent, packed: Packed): Promise<void> {
    this.#rows++;
    this.#bytes += packed.keptBytes;
    return new Promise((resolve, reject) => {
      this.#adding.push({ event, packed, resolve, reject });
      if (this.#adding.length === 1) queueMicrotask(() => this.#flush());
    });
  }

  #flush(): void {
    const adding = this.#adding;
    this.#adding = [];
    if (adding.length === 0) return;
    try {
      this.#transact('write to', () => {
        for (const { event, packed } of adding) this.#insert.run(...rowOf(event, packed));
      });
    } catch (error) {
      for (const { packed, reject } of adding) {
        this.#rows--;
        this.#bytes -= packed.keptBytes;
        reject(error);
      }
      return;
    }
    for (const { resolve } of adding) resolve();
  }

  /** They are elsewhere now. To be called again after a failure. */
  remove(workloads: readonly WorkloadId[]): void {
    if (workloads.length === 0) return;
    const remove = this.#db.prepare('delete from spilled where id = ? returning kept_bytes');
    let [rows, bytes] = [0, 0];
    this.#transact('remove from', () => {
      for (const workload of workloads) {
        const gone = remove.get(Number(workload));
        if (gone === undefined) continue;
        rows++;
        bytes += Number(gone['kept_bytes']);
      }
    });
    this.#rows -= rows;
    this.#bytes -= bytes;
    try {
      this.#db.exec(`pragma incremental_vacuum(${VACUUM_PAGES})`);
    } catch (error) {
      throw this.#failure('shrink', error);
    }
  }

  ids(): WorkloadId[] {
    return this.#reading(() =>
      this.#db
        .prepare('select id from spilled order by id')
        .all()
        .map((row) => String(row['id']) as WorkloadId),
    );
  }

  find(workload: WorkloadId): SpilledRow | undefined {
    const row = this.#reading(() => this.#find.get(Number(workload)));
    return row && asRow(row);
  }

  /** Undefined where it is not kept. Throws STATE_CORRUPT or STATE_NEWER for one that cannot be read. */
  read(workload: WorkloadId): SpilledEvent | undefined {
    const row = this.#reading(() =>
      this.#db
        .prepare('select version, form, body from spilled where id = ?')
        .get(Number(workload)),
    );
    if (row === undefined) return undefined;
    const body = this.#unpack(workload, String(row['form']), row['body']);
    const stored = { kind: 'workload-submitted', version: Number(row['version']), body };
    const event = eventCodec.decode(Number(workload), stored);
    if (event.kind === 'workload-submitted' && event.workload === workload) return event;
    throw this.#damaged(workload, 'it is another one');
  }

  #unpack(workload: WorkloadId, form: string, body: unknown): string {
    if (form === 'plain' && typeof body === 'string') return body;
    if (form !== 'zstd' || !(body instanceof Uint8Array)) {
      throw this.#damaged(workload, 'it is of no known form');
    }
    try {
      return zstdDecompressSync(body).toString();
    } catch (error) {
      throw this.#damaged(workload, 'it cannot be unpacked', error);
    }
  }

  byQueue(): SpilledUse[] {
    const rows = this.#reading(() =>
      this.#db
        .prepare(
          `select queue, count(*) as rows, sum(plain_bytes) as plain, sum(kept_bytes) as kept,
                  min(at) as oldest from spilled group by queue order by queue`,
        )
        .all(),
    );
    return rows.map((row) => ({
      queue: String(row['queue']) as QueueName,
      submissions: Number(row['rows']),
      plainBytes: Number(row['plain']),
      keptBytes: Number(row['kept']),
      oldestAt: Number(row['oldest']) as TimeMs,
    }));
  }

  /** What waits to be written is written first. */
  close(): void {
    if (!this.#db.isOpen) return;
    this.#flush();
    this.#db.close();
  }

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

  #reading<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#failure('read', error);
    }
  }

  #failure(what: string, error: unknown): unknown {
    return storageFailure(`cannot ${what} the queue overflow ${this.#file}`, error);
  }

  #damaged(workload: WorkloadId, why: string, cause?: unknown): OperationError {
    const message = `submission ${workload} in ${this.#file} cannot be read: ${why}`;
    return new OperationError('STATE_CORRUPT', message, { file: this.#file, workload }, cause);
  }
}

function rowOf({ workload, at, tenant, spec }: SpilledEvent, packed: Packed) {
  const { queue, name, kind, priority, steps } = spec;
  const tasks = steps.reduce((sum, step) => sum + step.count, 0);
  const { form, version, plainBytes, keptBytes, body } = packed;
  const head = [Number(workload), at, tenant, queue, name, kind, priority, tasks] as const;
  return [...head, form, version, plainBytes, keptBytes, body] as const;
}

const asRow = (row: Record<string, unknown>): SpilledRow => ({
  workload: String(row['id']) as WorkloadId,
  at: Number(row['at']) as TimeMs,
  tenant: String(row['tenant']) as TenantId,
  queue: String(row['queue']) as QueueName,
  name: String(row['name']),
  kind: String(row['kind']) as SpilledRow['kind'],
  priority: Number(row['priority']),
  tasks: Number(row['tasks']),
});

export type { SqliteOverflow };
