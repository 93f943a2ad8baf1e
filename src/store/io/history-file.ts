import { renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { OperationError } from '../../model/errors.ts';
import { storageFailure } from './storage-failure.ts';

export type TierTable = 'second' | 'minute';

const VERSION = 1;
const tierTable = (name: TierTable) =>
  `create table ${name} (
     name text not null, at integer not null, count integer not null,
     min real not null, max real not null, mean real not null, last real not null,
     primary key (name, at)
   ) strict, without rowid;`;

/**
 * The file, or a new one where it is damaged (the old one becomes `FILE.damaged`), or memory where
 * neither can be had. Says which and why to `onProblem`; throws nothing that the world can cause.
 */
export function openHistoryFile(file: string, onProblem: (problem: unknown) => void): DatabaseSync {
  try {
    return openOrCreate(file);
  } catch (error) {
    const failure = storageFailure(`the history ${file}`, error);
    onProblem(failure);
    if (!(failure instanceof OperationError)) throw error;
    if (failure.code !== 'STATE_CORRUPT') return openOrCreate(':memory:');
  }
  try {
    renameSync(file, `${file}.damaged`);
    for (const part of ['-wal', '-shm']) rmSync(`${file}${part}`, { force: true });
    return openOrCreate(file);
  } catch (error) {
    onProblem(storageFailure(`the history ${file}`, error));
    return openOrCreate(':memory:');
  }
}

function openOrCreate(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    db.exec('pragma locking_mode = exclusive');
    const version = Number(db.prepare('pragma user_version').get()?.['user_version']);
    if (version > VERSION) {
      throw new OperationError('STATE_NEWER', `${file} has version ${version}`, { file, version });
    }
    if (version === 0) {
      db.exec('begin immediate');
      db.exec(tierTable('second') + tierTable('minute'));
      db.exec(`pragma user_version = ${VERSION}`);
      db.exec('commit');
    }
    // The file is small: 0.1 s for a month (2-vCPU VM, November 2026).
    const [check] = Object.values(db.prepare('pragma quick_check(1)').get() ?? {});
    if (check !== 'ok') {
      throw new OperationError('STATE_CORRUPT', `${file} is damaged: ${check}`, { file });
    }
    // Fewer syncs than the journal: the last seconds before a power cut may be lost, no more.
    db.exec('pragma journal_mode = wal; pragma synchronous = normal');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
