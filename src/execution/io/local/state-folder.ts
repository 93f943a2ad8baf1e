import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperationError } from '../../../model/errors.ts';
import { readIfThere } from './attempt-folder.ts';

/** sun_path is 104 bytes on macOS, 108 on Linux, with a NUL at the end. */
const SOCKET_PATH_MAX = 103;

/** A name of the state folder's own, so that two daemons never take each other's cgroups. */
export function openInstance(stateDir: string): string {
  const path = join(stateDir, 'instance');
  try {
    mkdirSync(join(stateDir, 'attempts'), { recursive: true, mode: 0o700 });
    try {
      writeFileSync(path, `${randomBytes(8).toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const instance = readFileSync(path, 'utf8').trim();
    if (/^[0-9a-f]{16}$/.test(instance)) return instance;
  } catch (error) {
    throw new OperationError('STATE_UNWRITABLE', `${stateDir} cannot be written.`, {}, error);
  }
  throw new OperationError('STATE_CORRUPT', `${path} does not hold 16 hexadecimal digits.`);
}

export async function readBootId(): Promise<string> {
  return ((await readIfThere('/proc/sys/kernel/random/boot_id')) ?? '').trim();
}

/** In the state folder, or where that is too long a path, in one of our own below /tmp. */
export function launcherSocketPath(
  stateDir: string,
  socketDir: string | undefined,
  name: string,
): string {
  const path = join(socketDir ?? stateDir, 'launcher.sock');
  if (socketDir !== undefined || Buffer.byteLength(path) <= SOCKET_PATH_MAX) return path;
  const folder = `/tmp/${name}`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) {
    throw new OperationError('LAUNCHER_FAILED', `${folder} belongs to somebody else.`);
  }
  return join(folder, 'launcher.sock');
}
