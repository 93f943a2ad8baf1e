import { chmodSync, closeSync, openSync, readSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { OperationError } from '../../model/errors.ts';
import { storageFailure } from './storage-failure.ts';

/** What a file of ours is. */
export interface FileKind {
  /** As people are told: `journal`. */
  readonly name: string;
  /** So that another program's database is never taken for one. */
  readonly applicationId: number;
  /** Each brings a file from version `index` to `index + 1`; PRAGMA user_version holds the version. */
  readonly migrations: readonly string[];
}

/**
 * Opens or creates the file, readable to its owner alone, and brings its schema up to date. Throws STATE_NEWER,
 * STATE_CORRUPT, STATE_UNWRITABLE or STATE_FULL; a file that is not intact, or not of this kind, is not written to.
 *
 * The connection locks the file for itself (one daemon owns it), which also spares the shared-memory
 * index, and every commit is on the disk when it returns (WAL with synchronous=FULL).
 */
export function openDurableFile(file: string, kind: FileKind): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    checkHeader(file, kind);
    // SQLite gives what it writes beside the file the mode of the file.
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    db = new DatabaseSync(file, { timeout: 0 });
    db.exec('pragma locking_mode = exclusive');
    migrate(file, db, kind);
    db.exec(
      'pragma journal_mode = wal; pragma synchronous = full; pragma journal_size_limit = 16777216',
    );
    return db;
  } catch (error) {
    db?.close();
    throw storageFailure(`the ${kind.name} ${file}`, error);
  }
}

/** Looks at the first page by itself, because SQLite would already write to a file that it recovers. */
function checkHeader(file: string, kind: FileKind): void {
  const header = Buffer.alloc(100);
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  let length: number;
  try {
    length = readSync(fd, header, 0, header.length, 0);
  } finally {
    closeSync(fd);
  }
  // A new file is empty until its first transaction.
  if (length === 0) return;
  if (length < header.length || header.toString('latin1', 0, 16) !== 'SQLite format 3\0') {
    throw notOfKind(file, kind, 'it is not a database');
  }
  // With a write-ahead log the first page may be older than what was committed: SQLite looks later.
  if ((statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  const [applicationId, version] = [header.readUInt32BE(68), header.readUInt32BE(60)];
  if (!isBegun(header.readUInt32BE(28), applicationId, version)) {
    checkIdentity(file, kind, applicationId, version);
  }
}

/** Of one page without a word of whose it is: whoever made it was ended before its first transaction. It holds nothing. */
const isBegun = (pages: number, applicationId: number, version: number): boolean =>
  pages <= 1 && applicationId === 0 && version === 0;

function checkIdentity(file: string, kind: FileKind, applicationId: number, version: number): void {
  if (applicationId !== kind.applicationId) {
    throw notOfKind(file, kind, 'it belongs to another program');
  }
  const known = kind.migrations.length;
  if (version > known) {
    const message = `${file} has version ${version}; this Berth knows versions up to ${known}`;
    throw new OperationError('STATE_NEWER', message, { file, version, known });
  }
}

function notOfKind(file: string, { name }: FileKind, why: string): OperationError {
  const message = `${file} is not a ${name} of Berth: ${why}; it was left as it is`;
  return new OperationError('STATE_CORRUPT', message, { file });
}

function migrate(file: string, db: DatabaseSync, kind: FileKind): void {
  let version = pragma(db, 'user_version');
  const applicationId = pragma(db, 'application_id');
  if (isBegun(pragma(db, 'page_count'), applicationId, version))
    db.exec('pragma auto_vacuum = incremental');
  else checkIdentity(file, kind, applicationId, version);
  for (; version < kind.migrations.length; version++) {
    db.exec('begin immediate');
    db.exec(kind.migrations[version]!);
    db.exec(`pragma user_version = ${version + 1}; pragma application_id = ${kind.applicationId}`);
    db.exec('commit');
  }
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`pragma ${name}`).get()?.[name]);
}
