import { lstat, opendir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type AccessTimes, accessTimesOf } from '../access-times.ts';
import { COMPRESSED, dataIn, isPartial, leftoverOf, type TierPlace } from './tier-names.ts';

const ENTRIES_MAX = 1_000_000;

/** A file of a folder, which lies there or in a place that it was moved to. */
export interface TierFile {
  /** Its own name, whether or not that is there. */
  readonly path: string;
  /** What is there: the file, or a link to it. */
  readonly entry: string;
  /** Where its bytes are; the same as `entry` for a file that was not moved. */
  readonly data: string;
  /** Undefined: it is where it belongs. */
  readonly place: TierPlace | undefined;
  readonly compressed: boolean;
  readonly size: number;
  readonly accessedMs: number;
  readonly modifiedMs: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly modifiedNs: bigint;
  readonly keeps: AccessTimes;
}

export interface Skipped {
  readonly path: string;
  readonly why: string;
}

export interface Scan {
  readonly files: readonly TierFile[];
  readonly skipped: readonly Skipped[];
  /** Left by a move that was cut off. */
  readonly leftovers: readonly string[];
  /** Kept compressed, though something is under their own names, too. */
  readonly doubles: readonly TierFile[];
}

/** All files below `root`, a real path. Links are followed only to where a move put the file. */
export async function scanTiers(root: string, places: readonly TierPlace[]): Promise<Scan> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const files: TierFile[] = [];
  const skipped: Skipped[] = [];
  const leftovers: string[] = [];
  const doubles: TierFile[] = [];
  const own = new Set(places.map(({ folder }) => folder));
  const folders = [root];
  let entries = 0;
  for (const folder of folders) {
    const names: string[] = [];
    for await (const { name } of await opendir(folder)) names.push(name);
    for (const name of names.sort()) {
      const path = join(folder, name);
      if (++entries > ENTRIES_MAX) throw new Error(`${root} has more than ${ENTRIES_MAX} entries`);
      const found = await lstat(path, { bigint: true }).catch(() => undefined);
      if (found === undefined) continue;
      if (leftoverOf(path) !== undefined) leftovers.push(path);
      else if (isPartial(name)) continue;
      else if (found.isDirectory()) {
        if (!own.has(path)) folders.push(path);
      } else if (found.isSymbolicLink()) {
        const moved = await movedFile(root, path, places, mountinfo);
        if (moved === undefined) continue;
        if (!moved.compressed || !names.includes(basename(moved.path))) files.push(moved);
        else {
          doubles.push(moved);
          skipped.push({ path, why: `${moved.path} is there, too: one of both is not needed` });
        }
      } else if (!found.isFile()) skipped.push({ path, why: 'neither a file nor a folder' });
      else if (found.nlink > 1n)
        skipped.push({ path, why: 'it has another name, too (hard link)' });
      else if (name.endsWith(COMPRESSED))
        skipped.push({ path, why: `its name ends in ${COMPRESSED}` });
      else {
        const keeps = accessTimesOf(path, mountinfo);
        files.push({
          path,
          entry: path,
          data: path,
          place: undefined,
          compressed: false,
          keeps,
          ...factsOf(found),
        });
      }
    }
  }
  return { files, skipped, leftovers, doubles };
}

/** The file that a link stands for; undefined for links that no move made, or whose file is not there. */
export async function movedFile(
  root: string,
  entry: string,
  places: readonly TierPlace[],
  mountinfo: string,
): Promise<TierFile | undefined> {
  const target = await readlink(entry);
  const compressed = entry.endsWith(COMPRESSED);
  const path = compressed ? entry.slice(0, -COMPRESSED.length) : entry;
  const place = places.find((one) => dataIn(one, root, path, compressed) === target);
  if (place === undefined) return undefined;
  const found = await lstat(target, { bigint: true }).catch(() => undefined);
  if (found?.isFile() !== true) return undefined;
  const keeps = accessTimesOf(target, mountinfo);
  return { path, entry, data: target, place, compressed, keeps, ...factsOf(found) };
}

type Facts = Pick<TierFile, 'size' | 'accessedMs' | 'modifiedMs' | 'dev' | 'ino' | 'modifiedNs'>;

const factsOf = (found: {
  readonly size: bigint;
  readonly atimeMs: bigint;
  readonly mtimeMs: bigint;
  readonly mtimeNs: bigint;
  readonly dev: bigint;
  readonly ino: bigint;
}): Facts => ({
  size: Number(found.size),
  accessedMs: Number(found.atimeMs),
  modifiedMs: Number(found.mtimeMs),
  modifiedNs: found.mtimeNs,
  dev: found.dev,
  ino: found.ino,
});
