import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { unlessAbsent } from './attempt-folder.ts';

const FILES_MAX = 100_000;
const DEPTH_MAX = 64;
const KNOWN_MAX = 10_000;
/** A file that changed so lately may change again within the same tick of its file system's clock. */
const SETTLED_MS = 2_000;

interface KnownFile {
  readonly stamp: string;
  readonly digest: string;
}
const known = new Map<string, KnownFile>();

/**
 * SHA-256 of a file or of all that is in a folder: names, contents, whether they may be run, and where links point
 * to. Undefined where there is nothing. Rejects where there is too much, or what is neither file, folder nor link.
 */
export async function contentDigest(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  let left = FILES_MAX;
  const add = async (at: string, name: string, depth: number): Promise<boolean> => {
    if (left-- <= 0) throw new Error(`${path} has more than ${FILES_MAX} files`);
    if (depth > DEPTH_MAX) throw new Error(`${path} is deeper than ${DEPTH_MAX} folders`);
    const found = await lstat(at, { bigint: true }).catch(unlessAbsent);
    if (found === undefined) return false;
    if (found.isSymbolicLink()) hash.update(`link ${JSON.stringify([name, await readlink(at)])}\n`);
    else if (found.isDirectory()) {
      hash.update(`folder ${JSON.stringify(name)}\n`);
      for (const entry of (await readdir(at)).sort()) {
        await add(join(at, entry), `${name}/${entry}`, depth + 1);
      }
    } else if (found.isFile()) {
      const stamp = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
      const runs = (found.mode & 0o111n) === 0n ? '' : ' runs';
      const digest = await fileDigest(at, stamp, Number(found.mtimeNs / 1_000_000n));
      hash.update(`file${runs} ${JSON.stringify(name)} ${digest}\n`);
    } else throw new Error(`${at} is neither a file, a folder nor a link`);
    return true;
  };
  return (await add(path, '', 0)) ? hash.digest('hex') : undefined;
}

/** Remembered while its stamp is the same: inputs are large, and asked for by every task. */
async function fileDigest(path: string, stamp: string, changedAt: number): Promise<string> {
  const before = known.get(path);
  if (before?.stamp === stamp) return before.digest;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  const digest = hash.digest('hex');
  if (Date.now() - changedAt > SETTLED_MS) {
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(path, { stamp, digest });
  }
  return digest;
}
