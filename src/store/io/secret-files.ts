import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { SECRET_NAME } from '../../model/secret-name.ts';
import { storageFailure } from './storage-failure.ts';

export interface SecretFile {
  readonly name: string;
  readonly bytes: number;
  readonly changedAt: number;
}

const folderOf = (stateDir: string): string => join(stateDir, 'secrets');

/** Makes or replaces a secret of the site, at once or not at all. */
export function writeSecret(stateDir: string, name: string, value: Uint8Array): void {
  const folder = folderOf(stateDir);
  // A name that is no secret's, so that half a value is never read.
  const half = join(folder, `.${name}.new`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    rmSync(half, { force: true });
    const fd = openSync(half, 'wx', 0o600);
    try {
      writeSync(fd, value);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(half, join(folder, name));
  } catch (error) {
    rmSync(half, { force: true });
    throw storageFailure(`the secrets folder ${folder}`, error);
  }
}

/** Names and sizes; never values. */
export function listSecrets(stateDir: string): readonly SecretFile[] {
  const folder = folderOf(stateDir);
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(folder)
    .filter((name) => SECRET_NAME.test(name))
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(folder, name));
      return { name, bytes: size, changedAt: Math.floor(mtimeMs) };
    });
}

/** False where there is none of this name. */
export function removeSecret(stateDir: string, name: string): boolean {
  const path = join(folderOf(stateDir), name);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return false;
  rmSync(path);
  return true;
}
