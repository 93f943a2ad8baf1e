import { renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { OperationError } from '../../model/errors.ts';
import { createHistoryTables, migrateFirstHistory } from './history-schema.ts';
import { storageFailure } from './storage-failure.ts';

const VERSION = 2;
/** A larger file takes seconds to check; its damage is found when it is read, and dealt with then. */
const CHECKED_BYTES_MAX = 32 * 1024 ** 2;
/** Where there is no file: what the daemon may spend of its memory. */
const MEMORY_BYTES_MAX = 64 * 1024 ** 2;

export interface HistoryFileOptions {
  readonly file: string;
  /** It never grows beyond, whatever is measured; the log of the last writes is beside it, some MiB. */
  readonly bytesMax: number;
  readonly onProblem: (problem: unknown) => void;
}

export interface OpenHistoryFile {
  readonly db: DatabaseSync;
  readonly bytesMax: number;
}

/**
 * The file, or a new one where it is damaged (the old one becomes `FILE.damaged`), or memory where
 * neither can be had. Says which and why to `onProblem`; throws nothing that the world can cause.
 */
export function openHistoryFile(options: HistoryFileOptions): OpenHistoryFile {
  const { file, bytesMax, onProblem } = options;
  try {
    return { db: openOrCreate(file, bytesMax), bytesMax };
  } catch (error) {
    const failure = storageFailure(`the history ${file}`, error);
    onProblem(failure);
    if (!(failure instanceof OperationError)) throw error;
    return failure.code === 'STATE_CORRUPT' ? replaceHistoryFile(options) : inMemory(bytesMax);
  }
}

/** Sets aside what cannot be read any more. It must be closed. */
export function replaceHistoryFile(options: HistoryFileOptions): OpenHistoryFile {
  const { file, bytesMax, onProblem } = options;
  try {
    if (file !== ':memory:') renameSync(file, `${file}.damaged`);
    for (const part of ['-wal', '-shm']) rmSync(`${file}${part}`, { force: true });
    return { db: openOrCreate(file, bytesMax), bytesMax };
  } catch (error) {
    onProblem(storageFailure(`the history ${file}`, error));
    return inMemory(bytesMax);
  }
}

function inMemory(wantedMax: number): OpenHistoryFile {
  const bytesMax = Math.min(wantedMax, MEMORY_BYTES_MAX);
  return { db: openOrCreate(':memory:', bytesMax), bytesMax };
}

function openOrCreate(file: string, bytesMax: number): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 0 });
  const numberOf = (pragma: string): number =>
    Number(Object.values(db.prepare(`pragma ${pragma}`).get() ?? {})[0]);
  try {
    db.exec('pragma locking_mode = exclusive');
    const version = numberOf('user_version');
    if (version > VERSION) {
      throw new OperationError('STATE_NEWER', `${file} has version ${version}`, { file, version });
    }
    const pageBytes = numberOf('page_size');
    if (numberOf('page_count') * pageBytes <= CHECKED_BYTES_MAX) {
      const [check] = Object.values(db.prepare('pragma quick_check(1)').get() ?? {});
      if (check !== 'ok') {
        throw new OperationError('STATE_CORRUPT', `${file} is damaged: ${check}`, { file });
      }
    }
    // Fewer syncs than the journal: the last seconds before a power cut may be lost, no more.
    db.exec('pragma journal_mode = wal; pragma synchronous = normal');
    db.exec(`pragma max_page_count = ${Math.floor(bytesMax / pageBytes)}`);
    if (version < VERSION) {
      db.exec('begin immediate');
      createHistoryTables(db);
      if (version === 1) migrateFirstHistory(db);
      db.exec(`pragma user_version = ${VERSION}`);
      db.exec('commit');
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
