import { createHash, type Hash } from 'node:crypto';
import {
  chmod,
  chown,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Bytes } from '../../base/units.ts';
import { Pace } from '../pace.ts';
import { type Done, fileLine, isSame, partLine, readProgress, sumLine } from '../progress-lines.ts';
import type { ChecksumKind, TransferEvent, TransferOrder } from '../transfer.ts';
import { listSource, type Source } from './list-source.ts';

/** How much may have to be moved again after a crash. */
const NOTE_BYTES = 32 * 1024 * 1024;
const NOTE_MS = 1_000;
const TELL_MS = 200;
const READ_BYTES = 1024 * 1024;

export interface Move {
  readonly order: TransferOrder;
  /** Where it is written down how far it came. */
  readonly progressFile: string;
  /** Uses what an earlier start left, as far as that can be proved to be right. */
  readonly resume: boolean;
}

type Tell = (
  event: Extract<TransferEvent, { kind: 'listed' | 'resumed' | 'moved' | 'verifying' }>,
) => void;

/** Beside the destination, so that its last step is a rename. */
export const partialOf = (to: string): string =>
  join(dirname(to), `.${basename(to)}.berth-partial`);

/**
 * Copies a file or a folder beside the destination, reads it back, and gives it its name there.
 * @returns the sum; undefined where none was asked for.
 * @throws Error with a sentence for people. What was moved stays for a later start.
 */
export async function moveBytes(move: Move, tell: Tell): Promise<string | undefined> {
  const { from, to } = move.order;
  const source = await listSource(from);
  tell({ kind: 'listed', files: source.files.length, bytes: source.bytes as Bytes });
  if (await isThere(to)) throw new Error(`${to} is there already`);
  const copy = await Copy.open(move, source, tell);
  try {
    for (const file of source.files) await copy.move(file);
  } finally {
    await copy.close();
  }
  tell({ kind: 'verifying' });
  const sum = await copy.verify();
  await copy.finish();
  return sum;
}

/** The destination while it is written. */
class Copy {
  readonly #order: TransferOrder;
  readonly #source: Source;
  readonly #tell: Tell;
  readonly #partial: string;
  readonly #progressFile: string;
  #progress: FileHandle | undefined;
  readonly #done: Done;
  readonly #pace: Pace;
  readonly #sums = new Map<string, string>();
  readonly #buffer: Buffer;
  #moved = 0;
  #toldAt = 0;

  private constructor(move: Move, source: Source, tell: Tell, done: Done) {
    this.#order = move.order;
    this.#source = source;
    this.#tell = tell;
    this.#partial = partialOf(move.order.to);
    this.#progressFile = move.progressFile;
    this.#done = done;
    this.#pace = new Pace(move.order.rate, micros());
    this.#buffer = Buffer.allocUnsafe(this.#pace.pieceMax);
  }

  static async open(move: Move, source: Source, tell: Tell): Promise<Copy> {
    const { progressFile } = move;
    const partial = partialOf(move.order.to);
    await mkdir(dirname(partial), { recursive: true });
    const text = move.resume ? await readFile(progressFile, 'utf8').catch(() => '') : '';
    if (text === '') await rm(partial, { recursive: true, force: true });
    const copy = new Copy(move, source, tell, readProgress(text));
    for (const { path } of source.folders) {
      await mkdir(join(partial, path), { recursive: true, mode: 0o700 });
    }
    await copy.#takeOver();
    return copy;
  }

  /** What an earlier start had moved whole, and is as it was: noted again, and not moved again. */
  async #takeOver(): Promise<void> {
    let bytes = 0;
    let text = '';
    for (const file of this.#source.files) {
      const before = this.#done.files.get(file.path);
      if (before === undefined || !isSame(before.file, file)) continue;
      const found = await lstat(this.#at(file.path)).catch(() => undefined);
      if (found?.isFile() !== true || found.size !== file.size) continue;
      this.#sums.set(file.path, before.sum);
      text += fileLine(file, before.sum);
      bytes += file.size;
    }
    const { part } = this.#done;
    if (part !== undefined) text += partLine(part.file, part.offset, part.sum);
    // At once, so that a crash here loses nothing of what was known.
    await writeFile(`${this.#progressFile}.new`, text, { mode: 0o600 });
    await rename(`${this.#progressFile}.new`, this.#progressFile);
    this.#progress = await open(this.#progressFile, 'a', 0o600);
    if (bytes > 0) this.#tell({ kind: 'resumed', bytes: bytes as Bytes });
    this.#moved = bytes;
  }

  async move(file: Source['files'][number]): Promise<void> {
    if (this.#sums.has(file.path)) return;
    const input = await open(join(this.#order.from, file.path));
    try {
      const path = this.#at(file.path);
      const begun = await this.#begin(path, file);
      const output = await open(path, 'r+');
      try {
        await this.#stream(input, output, file, begun);
        await output.datasync();
      } finally {
        await output.close();
      }
      const now = await input.stat({ bigint: true });
      if (Number(now.size) !== file.size || String(now.mtimeNs) !== file.modified) {
        throw new Error(`${join(this.#order.from, file.path)} changed while it was read`);
      }
      const sum = begun.hash?.digest('hex') ?? '';
      this.#sums.set(file.path, sum);
      await this.#progress!.appendFile(fileLine(file, sum));
    } finally {
      await input.close();
    }
  }

  /** Where to go on: behind what is there, when that has the sum that was noted; else at 0 of a new file. */
  async #begin(path: string, file: Source['files'][number]): Promise<Begun> {
    const { part } = this.#done;
    if (part !== undefined && isSame(part.file, file)) {
      const hash = await hashUpTo(path, part.offset, this.#order.checksum);
      const isRight = this.#order.checksum === 'none' || hash?.copy().digest('hex') === part.sum;
      if (isRight && (await sizeOf(path)) >= part.offset) {
        await truncate(path, part.offset);
        this.#moved += part.offset;
        this.#tell({ kind: 'resumed', bytes: this.#moved as Bytes });
        return { offset: part.offset, hash };
      }
    }
    await (await open(path, 'w', 0o600)).close();
    return { offset: 0, hash: hashOf(this.#order.checksum) };
  }

  async #stream(
    input: FileHandle,
    output: FileHandle,
    file: Source['files'][number],
    { offset, hash }: Begun,
  ): Promise<void> {
    let at = offset;
    let notedAt = performance.now();
    let noted = offset;
    while (at < file.size) {
      const wanted = Math.min(this.#buffer.length, file.size - at);
      await this.#pause(wanted);
      const { bytesRead } = await input.read(this.#buffer, 0, wanted, at);
      // Shorter than it was: what is told after the last byte.
      if (bytesRead === 0) return;
      const piece = this.#buffer.subarray(0, bytesRead);
      hash?.update(piece);
      await writeAll(output, piece, at);
      at += bytesRead;
      this.#moved += bytesRead;
      const now = performance.now();
      if (now - this.#toldAt >= TELL_MS) {
        this.#tell({ kind: 'moved', bytes: this.#moved as Bytes });
        this.#toldAt = now;
      }
      if (at - noted < NOTE_BYTES && now - notedAt < NOTE_MS) continue;
      // The bytes first, so that what is noted is there whatever happens next.
      await output.datasync();
      await this.#progress!.appendFile(partLine(file, at, hash?.copy().digest('hex') ?? ''));
      [noted, notedAt] = [at, performance.now()];
    }
  }

  async #pause(bytes: number): Promise<void> {
    for (;;) {
      const now = micros();
      const ready = this.#pace.next(bytes, now);
      if (ready <= now) return;
      await wait(Math.ceil((ready - now) / 1_000));
    }
  }

  /** Reads every file at the destination, and compares. */
  async verify(): Promise<string | undefined> {
    const { checksum } = this.#order;
    this.#tell({ kind: 'moved', bytes: this.#moved as Bytes });
    const whole = hashOf(checksum);
    if (whole === undefined) return undefined;
    for (const file of this.#source.files) {
      const sum = this.#sums.get(file.path)!;
      const hash = await hashUpTo(this.#at(file.path), file.size, checksum);
      if (hash?.digest('hex') !== sum || (await sizeOf(this.#at(file.path))) !== file.size) {
        // Nothing of it is to be trusted by a later start.
        await rm(this.#progressFile, { force: true });
        throw new Error(`${this.#at(file.path)} is not what was written there`);
      }
      if (!this.#source.isFolder) return sum;
      whole.update(sumLine(file.path, sum));
    }
    return whole.digest('hex');
  }

  /** Links, modes, owners and times; then its name. */
  async finish(): Promise<void> {
    const { to } = this.#order;
    for (const { path, target } of this.#source.links) {
      await rm(this.#at(path), { force: true });
      await symlink(target, this.#at(path));
    }
    for (const entry of [...this.#source.files, ...this.#source.folders.toReversed()]) {
      const path = this.#at(entry.path);
      if (process.getuid?.() === 0) await chown(path, entry.uid, entry.gid);
      await chmod(path, entry.mode);
      await utimes(path, entry.modifiedSeconds, entry.modifiedSeconds);
    }
    if (await isThere(to)) throw new Error(`${to} is there already`);
    await rename(this.#partial, to);
    const parent = await open(dirname(to));
    await parent.sync().finally(() => parent.close());
    await rm(this.#progressFile, { force: true });
  }

  async close(): Promise<void> {
    await this.#progress?.close();
  }

  #at(path: string): string {
    return path === '' ? this.#partial : join(this.#partial, path);
  }
}

interface Begun {
  readonly offset: number;
  /** Of all before `offset`. */
  readonly hash: Hash | undefined;
}

const hashOf = (kind: ChecksumKind): Hash | undefined =>
  kind === 'none' ? undefined : createHash(kind);

/** Of the first `length` bytes; of fewer, where the file is shorter. Undefined without a checksum or a file. */
async function hashUpTo(
  path: string,
  length: number,
  kind: ChecksumKind,
): Promise<Hash | undefined> {
  const hash = hashOf(kind);
  const file = hash && (await open(path).catch(() => undefined));
  if (file === undefined) return undefined;
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  try {
    for (let at = 0; at < length; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(READ_BYTES, length - at), at);
      if (bytesRead === 0) break;
      hash!.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    return hash;
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

const sizeOf = async (path: string): Promise<number> =>
  (await lstat(path).catch(() => undefined))?.size ?? -1;

const isThere = async (path: string): Promise<boolean> => (await sizeOf(path)) >= 0;

const micros = (): number => Math.floor(performance.now() * 1_000);
