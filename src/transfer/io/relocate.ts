import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  open,
  readlink,
  realpath,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
} from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { moveBytes, partialOf } from './move-bytes.ts';
import { openedBy } from './open-files.ts';
import { movedFile, type TierFile } from './scan-tiers.ts';
import { COMPRESSED, dataIn, hidden, leftoverOf, type TierPlace } from './tier-names.ts';

/** Why a file was left where it is; a sentence without its name. */
export class NotMoved extends Error {}

/**
 * Moves the bytes of a file to another place, or back to its own; its name becomes a link to them, or the file again.
 * At each moment the whole file is somewhere: what is left by a crash is settled by `settle`, or used by the next try.
 * @throws NotMoved where it stays as it was.
 */
export async function relocate(
  root: string,
  file: TierFile,
  to: TierPlace | undefined,
): Promise<void> {
  const target = to === undefined ? file.path : dataIn(to, root, file.path, to.compress);
  // Moved by somebody else since that was decided: nothing of it may go.
  if (file.data === target) throw new NotMoved('it is there already');
  await checkUnused(file.data, file);
  await checkWithin(file, to, root);
  if (to === undefined) return restore(file);
  await produce(file, target, to.compress);
  const entry = to.compress ? `${file.path}${COMPRESSED}` : file.path;
  if (file.place === undefined) return replaceByLink(file, entry, target);
  await replaceLink(file, entry, () => symlink(target, entry));
  await dropOld(file, async () => {
    await linkAgain(file, entry);
    await unlink(target);
  });
}

async function restore(file: TierFile): Promise<void> {
  const back = hidden(file.path, 'restored');
  await rm(back, { force: true });
  await produce(file, back, false);
  await replaceLink(file, file.path, () => link(back, file.path));
  await unlink(back);
  await dropOld(file, () => linkAgain(file, file.path));
}

/** In place of what was put under its name, which is never gone meanwhile. */
async function linkAgain(file: TierFile, entry: string): Promise<void> {
  if (entry !== file.entry) {
    await symlink(file.data, file.entry);
    await unlink(entry);
    return;
  }
  const was = hidden(file.path, 'was');
  await symlink(file.data, was);
  await rename(was, entry);
}

/** What the link stood for goes, unless somebody wrote to it or has it open: then the link stands for it again. */
async function dropOld(file: TierFile, undo: () => Promise<void>): Promise<void> {
  await syncFolder(dirname(file.path));
  const now = await lstat(file.data, { bigint: true });
  if (isSame(now, file) && openedBy(file).pids.length === 0) {
    await unlink(file.data);
    return;
  }
  await undo();
  throw new NotMoved('it was opened while it was moved');
}

/** `put` makes what is under the name then; it fails where somebody else made something of that name. */
async function replaceLink(file: TierFile, entry: string, put: () => Promise<void>): Promise<void> {
  if (entry !== file.entry) {
    await put().catch(nameTaken);
    if ((await linkedTo(file.entry)) === file.data) await unlink(file.entry);
    return;
  }
  const was = hidden(file.path, 'was');
  await rename(entry, was);
  if ((await linkedTo(was)) !== file.data) {
    await putBack(was, entry);
    throw new NotMoved('another file took its name');
  }
  try {
    await put();
  } catch (error) {
    await putBack(was, entry);
    throw error;
  }
  await unlink(was);
}

/** The name is taken away first, so that whoever replaces the file at this moment is not overwritten. */
async function replaceByLink(file: TierFile, entry: string, target: string): Promise<void> {
  const was = hidden(file.path, 'was');
  if (entry !== file.path && (await isThere(entry)))
    throw new NotMoved(`${entry} is there already`);
  await rename(file.path, was);
  const now = await lstat(was, { bigint: true });
  if (!isSame(now, file)) {
    await putBack(was, file.path);
    throw new NotMoved('it changed while it was copied');
  }
  try {
    await symlink(target, entry);
  } catch (error) {
    // Somebody made a new file of this name: it stays, and what was there before it, too.
    await putBack(was, file.path);
    throw error;
  }
  await syncFolder(dirname(entry));
  const after = await lstat(was, { bigint: true });
  if (isSame(after, file) && openedBy(file).pids.length === 0) {
    await unlink(was);
    return;
  }
  await unlink(entry);
  await putBack(was, file.path);
  await unlink(target);
  throw new NotMoved('it was opened while it was moved');
}

/** Never over another file: that stays, and this keeps its hidden name. */
async function putBack(was: string, path: string): Promise<void> {
  try {
    await link(was, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    throw new NotMoved(`another file took its name; what was there is ${was}`);
  }
  await unlink(was);
}

/**
 * What a move that was cut off left beside a file: the file gets its name back, or what is not needed goes.
 * @returns what to tell people, if anything.
 */
export async function settle(
  leftover: string,
  root: string,
  places: readonly TierPlace[],
): Promise<string | undefined> {
  const found = leftoverOf(leftover);
  if (found === undefined) return undefined;
  const { of, what } = found;
  const entry = (await isThere(of)) ? of : `${of}${COMPRESSED}`;
  if (!(await isThere(entry))) {
    await putBack(leftover, of);
    return `${of} has its name again`;
  }
  const kept = await lstat(leftover, { bigint: true });
  const there = await lstat(entry, { bigint: true });
  // The name stands for a whole file: what was to come back, or a link that was to go, is not needed.
  if (what === 'restored' || kept.isSymbolicLink() || kept.ino === there.ino) {
    await unlink(leftover);
    return undefined;
  }
  const moved = there.isSymbolicLink() ? await movedFile(root, entry, places, '') : undefined;
  if (moved === undefined) return `${leftover} is what ${of} was before another file took its name`;
  if (openedBy(kept).pids.length > 0) return `${leftover} is still open: look again later`;
  if ((await sumOf(leftover, false)) === (await sumOf(moved.data, moved.compressed))) {
    await unlink(leftover);
    return undefined;
  }
  await unlink(entry);
  await putBack(leftover, of);
  return `${of} is where it was: it was opened while it was moved`;
}

/** Of a file that has both of its names, the compressed one goes, where it is the same. */
export async function settleDouble(
  packed: TierFile,
  root: string,
  places: readonly TierPlace[],
): Promise<void> {
  const { path } = packed;
  const isLink = (await linkedTo(path)) !== undefined;
  const moved = isLink ? await movedFile(root, path, places, '') : undefined;
  if (isLink && moved === undefined) return;
  await checkUnused(packed.data, packed);
  if ((await sumOf(moved?.data ?? path, false)) !== (await sumOf(packed.data, true))) return;
  await unlink(packed.entry);
  await unlink(packed.data);
}

/** The whole file at `target`, on the disk, read back and compared. */
async function produce(file: TierFile, target: string, compress: boolean): Promise<void> {
  if (await isThere(target)) {
    const there = await sumOf(target, compress);
    if (there === (await sumOf(file.data, file.compressed))) return;
    throw new NotMoved(`${target} is there already, and is another file`);
  }
  if (file.compressed === compress) {
    const order = { from: file.data, to: target, checksum: 'sha256' } as const;
    const progressFile = partialOf(`${target}.progress`);
    await moveBytes({ order, progressFile, resume: true }, () => undefined).catch(notMoved);
    await rm(progressFile, { force: true });
  } else await transform(file, target, compress);
  await utimes(target, file.accessedMs / 1_000, Number(file.modifiedNs) / 1e9);
  await syncFolder(dirname(target));
}

async function transform(file: TierFile, target: string, compress: boolean): Promise<void> {
  const partial = partialOf(target);
  await rm(partial, { force: true });
  const { mode, uid, gid } = await lstat(file.data);
  const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
  const change = compress ? createZstdCompress(checked) : createZstdDecompress();
  await pipeline(
    createReadStream(file.data),
    change,
    createWriteStream(partial, { mode: 0o600, flags: 'wx' }),
  );
  const [before, after] = [await sumOf(file.data, file.compressed), await sumOf(partial, compress)];
  if (before !== after) throw new NotMoved('what was written is not what was read');
  await chmod(partial, mode & 0o7777);
  if (process.getuid?.() === 0) await chown(partial, uid, gid);
  await using handle = await open(partial);
  await handle.sync();
  await rename(partial, target);
}

async function sumOf(path: string, compressed: boolean): Promise<string> {
  const hash = createHash('sha256');
  const input = createReadStream(path);
  if (compressed) await pipeline(input, createZstdDecompress(), hash);
  else await pipeline(input, hash);
  return hash.digest('hex');
}

async function checkUnused(path: string, file: TierFile): Promise<void> {
  const now = await lstat(path, { bigint: true });
  if (!isSame(now, file)) throw new NotMoved('it changed since it was looked at');
  const { pids } = openedBy(file);
  if (pids.length > 0) throw new NotMoved(`it is open in process ${pids.slice(0, 3).join(', ')}`);
}

/** No folder on the way may be a link that leads out of the root or the place. */
async function checkWithin(file: TierFile, to: TierPlace | undefined, root: string): Promise<void> {
  const real = await realpath(dirname(file.path));
  if (real !== dirname(file.path)) throw new NotMoved('a folder above it is a link');
  if (real !== root && !real.startsWith(root + sep)) throw new NotMoved(`it is not in ${root}`);
  for (const place of [file.place, to]) {
    if (place === undefined) continue;
    await makeFolders(place, root, dirname(file.path));
    const data = dataIn(place, root, file.path, false);
    if ((await realpath(dirname(data))) !== dirname(data)) {
      throw new NotMoved(`a folder above it in ${place.folder} is a link`);
    }
  }
}

/** The folders of a file in a place, open to nobody whom those of the file keep out. */
async function makeFolders(place: TierPlace, root: string, path: string): Promise<void> {
  if (path !== root) await makeFolders(place, root, dirname(path));
  const folder = dataIn(place, root, path, false);
  if (await isThere(folder)) return;
  const { mode, uid, gid } = await lstat(path);
  await mkdir(folder, { mode: 0o700 });
  if (process.getuid?.() === 0) await chown(folder, uid, gid);
  await chmod(folder, mode & 0o7777);
}

const linkedTo = async (path: string): Promise<string | undefined> =>
  await readlink(path).catch(() => undefined);

const isThere = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(() => undefined)) !== undefined;

const isSame = (
  now: {
    readonly ino: bigint;
    readonly dev: bigint;
    readonly size: bigint;
    readonly mtimeNs: bigint;
  },
  file: TierFile,
): boolean =>
  now.ino === file.ino &&
  now.dev === file.dev &&
  Number(now.size) === file.size &&
  now.mtimeNs === file.modifiedNs;

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path);
  await folder.sync();
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

function notMoved(error: unknown): never {
  throw error instanceof Error && !('code' in error) ? new NotMoved(error.message) : error;
}

function nameTaken(error: unknown): never {
  throw isCode(error, 'EEXIST') ? new NotMoved('another file has its name') : error;
}
