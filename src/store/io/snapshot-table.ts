import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompressSync } from 'node:zlib';

/** How `body` is packed: UTF-8, zstd. Another number is another Berth's and is passed over. */
const FORMAT = 1;
/** The last one, and one more in case that one is damaged. */
const KEPT = 2;

const compress = promisify(zstdCompress);

export interface Snapshot {
  /** The state after this event. */
  readonly sequence: number;
  readonly body: string;
  /** Newer snapshots that were damaged, and so were passed over. */
  readonly passedOver: readonly number[];
}

export interface PackedSnapshot {
  readonly packed: Uint8Array;
  readonly checksum: Uint8Array;
}

/** Off the main thread: the state of a large site is hundreds of megabytes of text. */
export async function packSnapshot(body: string): Promise<PackedSnapshot> {
  const packed = await compress(body);
  return { packed, checksum: hash('sha256', packed, 'buffer') };
}

export function insertSnapshot(
  db: DatabaseSync,
  sequence: number,
  at: number,
  snapshot: PackedSnapshot,
): void {
  db.prepare('insert or replace into snapshots values (?, ?, ?, ?, ?)').run(
    sequence,
    at,
    FORMAT,
    snapshot.checksum,
    snapshot.packed,
  );
  const floor = oldestKept(db);
  db.prepare('delete from snapshots where sequence < ?').run(floor);
}

/**
 * Replay may have to begin after this event: the older of the two snapshots, because the newer
 * could turn out to be damaged. 0 while there are fewer than two.
 */
export function oldestKept(db: DatabaseSync): number {
  const row = db
    .prepare('select sequence from snapshots order by sequence desc limit 1 offset ?')
    .get(KEPT - 1);
  return Number(row?.['sequence'] ?? 0);
}

/** As they are on the disk, the newest first: for who unpacks them elsewhere, by `newestOf`. */
export interface PackedRow {
  readonly sequence: number;
  readonly format: unknown;
  readonly checksum: unknown;
  readonly body: unknown;
}

export function* packedRows(db: DatabaseSync): Iterable<PackedRow> {
  const rows = db.prepare(
    'select sequence, format, checksum, body from snapshots order by sequence desc',
  );
  for (const { sequence, format, checksum, body } of rows.iterate()) {
    yield { sequence: Number(sequence), format, checksum, body };
  }
}

export function newestOf(rows: Iterable<PackedRow>): Snapshot | undefined {
  const passedOver: number[] = [];
  for (const { sequence, format, checksum, body: packed } of rows) {
    const body = format === FORMAT ? unpack(packed, checksum) : undefined;
    if (body !== undefined) return { sequence, body, passedOver };
    passedOver.push(sequence);
  }
  return undefined;
}

function unpack(packed: unknown, checksum: unknown): string | undefined {
  if (!(packed instanceof Uint8Array && checksum instanceof Uint8Array)) return undefined;
  if (Buffer.compare(hash('sha256', packed, 'buffer'), checksum) !== 0) return undefined;
  return zstdDecompressSync(packed).toString();
}
