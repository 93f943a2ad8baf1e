import {
  closeSync,
  constants,
  fsyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { OperationError } from '../../../model/errors.ts';

const BYTES_MIN = 16 * 2 ** 20;
/** A scratch file takes at most a tenth of what is free. */
const FREE_SHARE = 10;
const CHUNK_BYTES = 2 ** 20;

/**
 * A file that no folder names, before a byte is written, so that the kernel frees it however this
 * process ends. Others open it through `path` while it is open here.
 */
export class ScratchFile implements Disposable {
  readonly bytes: number;
  /** Of /proc, valid for every process of this user while the file is open. */
  readonly path: string;
  readonly #fd: number;

  private constructor(fd: number, bytes: number) {
    this.#fd = fd;
    this.bytes = bytes;
    this.path = `/proc/${process.pid}/fd/${fd}`;
  }

  /** In `folder`, at most `bytesMax` and a tenth of the free space. Rejects with STATE_FULL below 16 MiB. */
  static make(folder: string, bytesMax: number): ScratchFile {
    const { bavail, bsize } = statfsSync(folder);
    const room = Math.floor((bavail * bsize) / FREE_SHARE);
    const bytes = Math.floor(Math.min(bytesMax, room) / CHUNK_BYTES) * CHUNK_BYTES;
    if (bytes < BYTES_MIN) {
      throw new OperationError('STATE_FULL', `${folder} has no room for a scratch file.`, {
        folder,
        freeBytes: bavail * bsize,
      });
    }
    const fd = openUnnamed(folder) ?? openAndUnlink(folder);
    const file = new ScratchFile(fd, bytes);
    try {
      file.#fill();
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
    return file;
  }

  /** Random bytes: a file system that compresses or skips zeros would make the figures meaningless. */
  #fill(): void {
    const chunk = new Uint32Array(CHUNK_BYTES / 4);
    let word = 0x9e3779b9;
    for (let i = 0; i < chunk.length; i++) {
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
      chunk[i] = word;
    }
    for (let at = 0; at < this.bytes; at += CHUNK_BYTES) {
      chunk[0] = at;
      writeSync(this.#fd, chunk, 0, CHUNK_BYTES, at);
    }
    fsyncSync(this.#fd);
  }

  /** A further descriptor, past the page cache where the file system allows that. */
  open(): { readonly fd: number; readonly direct: boolean } {
    try {
      const fd = openSync(this.path, constants.O_RDWR | constants.O_DIRECT);
      return { fd, direct: true };
    } catch {
      // EINVAL: tmpfs and some others know no O_DIRECT.
      return { fd: openSync(this.path, constants.O_RDWR), direct: false };
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** O_TMPFILE of Linux, which Node does not name: a file that never had a name. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Undefined where the file system has no such files. */
function openUnnamed(folder: string): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return openSync(folder, constants.O_RDWR | O_TMPFILE, 0o600);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EOPNOTSUPP' || code === 'EISDIR' || code === 'EINVAL') return undefined;
    throw error;
  }
}

/** A process that is killed between the two leaves an empty folder. */
function openAndUnlink(folder: string): number {
  const own = mkdtempSync(join(folder, 'berth-baseline-'));
  try {
    const { O_RDWR, O_CREAT, O_EXCL } = constants;
    return openSync(join(own, 'scratch'), O_RDWR | O_CREAT | O_EXCL, 0o600);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}
