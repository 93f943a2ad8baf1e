import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OperationError } from '../../model/errors.ts';
import { storageFailure } from './storage-failure.ts';

/** "Bovf", so that another program's database is never taken for this. */
const APPLICATION_ID = 0x426f7666;

/** Each brings a file from version `index` to `index + 1`; PRAGMA user_version holds the version. */
const migrations: readonly string[] = [
  // `body` is text where `form` is `plain`, and a blob otherwise.
  `create table spilled (
     id integer primary key,
     at integer not null,
     tenant text not null,
     queue text not null,
     name text not null,
     kind text not null,
     priority integer not null,
     tasks integer not null,
     form text not null check (form in ('plain', 'zstd')),
     version integer not null,
     plain_bytes integer not null,
     kept_bytes integer not null,
     body any not null
   ) strict;
   create index spilled_by_queue on spilled (queue, plain_bytes, kept_bytes, at);`,
];

/**
 * Opens or creates the file, readable to its owner alone, and brings its schema up to date. Throws STATE_NEWER,
 * STATE_CORRUPT, STATE_UNWRITABLE or STATE_FULL. As the journal, it belongs to one connection, and every commit
 * is on the disk when it returns.
 */
export function openOverflowFile(file: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { mode: 0o700, recursive: true });
    // SQLite gives what it writes beside the file the mode of the file.
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    db = new DatabaseSync(file, { timeout: 0 });
    db.exec('pragma locking_mode = exclusive');
    migrate(file, db);
    db.exec(
      'pragma journal_mode = wal; pragma synchronous = full; pragma journal_size_limit = 16777216',
    );
    return db;
  } catch (error) {
    db?.close();
    throw storageFailure(`the overflow of queues ${file}`, error);
  }
}

function migrate(file: string, db: DatabaseSync): void {
  const application = pragma(db, 'application_id');
  let version = pragma(db, 'user_version');
  if (pragma(db, 'page_count') === 0) db.exec('pragma auto_vacuum = incremental');
  else if (application !== APPLICATION_ID) {
    const why = 'it belongs to another program; it was left as it is';
    throw new OperationError('STATE_CORRUPT', `${file} is no overflow of Berth: ${why}`, { file });
  }
  if (version > migrations.length) {
    throw new OperationError(
      'STATE_NEWER',
      `${file} has version ${version}; this Berth knows versions up to ${migrations.length}`,
      { file, version, known: migrations.length },
    );
  }
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
