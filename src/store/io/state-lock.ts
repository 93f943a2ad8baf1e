import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { OperationError } from '../../model/errors.ts';
import { isBusy, storageFailure } from './storage-failure.ts';

/** Who owns the folder. A pid alone may by now be another process: start time and boot tell them apart. */
const holderSchema = z.object({
  pid: z.int().positive(),
  boot_id: z.string(),
  /** Clock ticks after boot at which the process started. */
  start_ticks: z.int().nonnegative(),
});
type Holder = z.infer<typeof holderSchema>;

/** The winner writes its name down within milliseconds of winning. */
const NAME_TRIES = 50;
const NAME_WAIT_MS = 10;

/**
 * Takes the folder for this process, or throws DAEMON_RUNNING with the pid of the one that has it.
 *
 * What excludes is a lock of the kernel (through SQLite, which is how Node can take one) on
 * `lock.db`: it ends with the process however that ends, so there is no stale lock and no race. The
 * file `lock` only says who holds it.
 */
export async function lockState(dir: string): Promise<() => void> {
  const held = tryLock(dir);
  if (held === undefined) throw await alreadyRunning(dir);
  const name = join(dir, 'lock');
  try {
    writeFileSync(`${name}.new`, `${JSON.stringify(self())}\n`, { mode: 0o600 });
    renameSync(`${name}.new`, name);
  } catch (error) {
    held.close();
    throw storageFailure(`the state folder ${dir}`, error);
  }
  return () => {
    if (!held.isOpen) return;
    rmSync(name, { force: true });
    held.close();
  };
}

/** The connection that holds the lock until it is closed; nothing is ever written to its file. */
function tryLock(dir: string): DatabaseSync | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(join(dir, 'lock.db'), { timeout: 0 });
    // Not `exclusive`, which two may keep each other from getting: this lock only one can have.
    db.exec('begin immediate');
    return db;
  } catch (error) {
    db?.close();
    if (isBusy(error)) return undefined;
    throw storageFailure(`the lock of the state folder ${dir}`, error);
  }
}

async function alreadyRunning(dir: string): Promise<OperationError> {
  let holder: Holder | undefined;
  for (let i = 0; i < NAME_TRIES; i++) {
    holder = livingHolder(dir);
    if (holder !== undefined) break;
    await delay(NAME_WAIT_MS);
  }
  const who = holder === undefined ? 'another process' : `process ${holder.pid}`;
  return new OperationError('DAEMON_RUNNING', `${who} already runs a daemon on ${dir}`, {
    dir,
    pid: holder?.pid,
  });
}

function livingHolder(dir: string): Holder | undefined {
  try {
    const holder = holderSchema.parse(JSON.parse(readFileSync(join(dir, 'lock'), 'utf8')));
    const alive =
      holder.boot_id === bootId() && holder.start_ticks === startTicks(String(holder.pid));
    return alive ? holder : undefined;
  } catch {
    // Not written yet, or left by a daemon that died: its name is of no use.
    return undefined;
  }
}

function self(): Holder {
  return { pid: process.pid, boot_id: bootId(), start_ticks: startTicks('self') };
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

/** Field 22 of proc_pid_stat(5), counted after the command name, which may hold anything. */
function startTicks(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}
