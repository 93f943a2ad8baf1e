import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { OperationError } from '../../model/errors.ts';
import { storageFailure } from './storage-failure.ts';

/** "Brth", so that another program's database is never taken for a journal. */
const APPLICATION_ID = 0x42727468;

/** Each brings a file from version `index` to `index + 1`; PRAGMA user_version holds the version. */
const migrations: readonly string[] = [
  // `before` is the size of all event bodies before this one, as if the journal were one long log:
  // the size of any stretch of it is one subtraction.
  `create table events (
     sequence integer primary key,
     at integer not null,
     kind text not null,
     version integer not null,
     workload text,
     before integer not null,
     body text not null
   ) strict;
   create index events_by_workload on events (workload, sequence) where workload is not null;
   create table snapshots (
     sequence integer primary key,
     at integer not null,
     format integer not null,
     checksum blob not null,
     body blob not null
   ) strict;`,
];

/**
 * Opens or creates the file and brings its schema up to date. Throws STATE_NEWER, STATE_CORRUPT,
 * STATE_UNWRITABLE or STATE_FULL; a file that is not an intact journal of this Berth is not written to.
 *
 * The connection locks the file for itself (one daemon owns it), which also spares the shared-memory
 * index, and every commit is on the disk when it returns (WAL with synchronous=FULL).
 */
export function openJournalFile(file: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    checkHeader(file);
    db = new DatabaseSync(file, { timeout: 0 });
    db.exec('pragma locking_mode = exclusive');
    migrate(file, db);
    db.exec(
      'pragma journal_mode = wal; pragma synchronous = full; pragma journal_size_limit = 16777216',
    );
    return db;
  } catch (error) {
    db?.close();
    throw storageFailure(`the journal ${file}`, error);
  }
}

/** Looks at the first page by itself, because SQLite would already write to a file that it recovers. */
function checkHeader(file: string): void {
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
    throw notAJournal(file, 'it is not a database');
  }
  // With a write-ahead log the first page may be older than what was committed: SQLite looks later.
  if ((statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  checkIdentity(file, header.readUInt32BE(68), header.readUInt32BE(60));
}

function checkIdentity(file: string, applicationId: number, version: number): void {
  if (applicationId !== APPLICATION_ID) throw notAJournal(file, 'it belongs to another program');
  if (version > migrations.length) {
    throw new OperationError(
      'STATE_NEWER',
      `${file} has version ${version}; this Berth knows versions up to ${migrations.length}`,
      { file, version, known: migrations.length },
    );
  }
}

function notAJournal(file: string, why: string): OperationError {
  return new OperationError(
    'STATE_CORRUPT',
    `${file} is not a journal of Berth: ${why}; it was left as it is`,
    { file },
  );
}

function migrate(file: string, db: DatabaseSync): void {
  let version = pragma(db, 'user_version');
  const applicationId = pragma(db, 'application_id');
  const isNew = pragma(db, 'page_count') === 0;
  if (isNew) db.exec('pragma auto_vacuum = incremental');
  else checkIdentity(file, applicationId, version);
  for (; version < migrations.length; version++) {
    db.exec('begin immediate');
    db.exec(migrations[version]!);
    db.exec(`pragma user_version = ${version + 1}; pragma application_id = ${APPLICATION_ID}`);
    db.exec('commit');
  }
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`pragma ${name}`).get()?.[name]);
}
