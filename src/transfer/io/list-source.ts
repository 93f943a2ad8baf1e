import { lstat, opendir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceFile } from '../progress-lines.ts';

const ENTRIES_MAX = 1_000_000;

interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedSeconds: number;
}

export interface Source {
  readonly isFolder: boolean;
  /** In order of their paths. */
  readonly files: readonly (SourceFile & Attributes)[];
  /** Each before what is in it; the source itself, with an empty path, first. */
  readonly folders: readonly ({ readonly path: string } & Attributes)[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
  readonly bytes: number;
}

/** All that is in a folder, or one file. @throws Error with a sentence for people. */
export async function listSource(from: string): Promise<Source> {
  const files: (SourceFile & Attributes)[] = [];
  const folders: ({ readonly path: string } & Attributes)[] = [];
  const links: { path: string; target: string }[] = [];
  const add = async (path: string): Promise<void> => {
    const full = path === '' ? from : join(from, path);
    const found = await lstat(full, { bigint: true });
    if (files.length + folders.length + links.length >= ENTRIES_MAX) {
      throw new Error(`${from} has more than ${ENTRIES_MAX} entries`);
    }
    const attributes = {
      mode: Number(found.mode) & 0o7777,
      uid: Number(found.uid),
      gid: Number(found.gid),
      modifiedSeconds: Number(found.mtimeNs) / 1e9,
    };
    if (found.isSymbolicLink()) links.push({ path, target: await readlink(full) });
    else if (found.isDirectory()) folders.push({ path, ...attributes });
    else if (found.isFile()) {
      const size = Number(found.size);
      files.push({ path, size, modified: String(found.mtimeNs), ...attributes });
    } else throw new Error(`${full} is neither a file nor a folder nor a link`);
  };
  await add('');
  for (const { path } of folders) {
    const names: string[] = [];
    for await (const { name } of await opendir(join(from, path))) names.push(name);
    for (const name of names.sort()) await add(path === '' ? name : `${path}/${name}`);
  }
  if (links.some(({ path }) => path === '')) throw new Error(`${from} is a link`);
  return {
    isFolder: folders.length > 0,
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
    folders,
    links,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}
