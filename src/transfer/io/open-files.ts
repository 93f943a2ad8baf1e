import { readdirSync, readFileSync, statSync } from 'node:fs';

export interface OpenedBy {
  /** Processes that have the file open or mapped. */
  readonly pids: readonly number[];
  /** Processes that this one may not look at. */
  readonly unseen: number;
}

/** Who has one of the inodes open, by `/proc`; an inode number alone decides where a file is only mapped. */
export function openedBy(file: { readonly dev: bigint; readonly ino: bigint }): OpenedBy {
  const pids: number[] = [];
  let unseen = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const has = hasOpen(`/proc/${name}`, file);
    if (has === undefined) unseen++;
    else if (has) pids.push(Number(name));
  }
  return { pids, unseen };
}

/** Undefined where it cannot be seen; false of a process that has gone. */
function hasOpen(
  folder: string,
  { dev, ino }: { readonly dev: bigint; readonly ino: bigint },
): boolean | undefined {
  try {
    for (const fd of readdirSync(`${folder}/fd`)) {
      const found = statSync(`${folder}/fd/${fd}`, { bigint: true, throwIfNoEntry: false });
      if (found?.ino === ino && found.dev === dev) return true;
    }
    return readFileSync(`${folder}/maps`, 'utf8').includes(` ${ino} `);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ESRCH') return false;
    if (code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}
