import { closeSync, openSync, readSync } from 'node:fs';

const START_BYTES = 65_536;
const FILE_BYTES_MAX = 4 * 1024 * 1024;
/**
 * A file of many records answers a read with as many as fit in a page. What is shorter than half of one was the end,
 * for no record is that long.
 */
const PAGE_HALF_BYTES = 2_048;

/** Shared: one file is read after the other. Grows for a host with many CPUs. */
let buffer = Buffer.allocUnsafe(START_BYTES);

/** A file that stays open, and is read from its start each time: half the cost of opening it. */
export class KeptFile {
  readonly #path: string;
  #fd: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined where it cannot be read. One that is gone is looked for again the next time. */
  read(): string | undefined {
    try {
      this.#fd ??= openSync(this.#path, 'r');
      return readAll(this.#fd);
    } catch {
      this.close();
      return undefined;
    }
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }
}

/** Reads a file that is not worth keeping open. */
export function readOnce(path: string): string | undefined {
  const file = new KeptFile(path);
  const text = file.read();
  file.close();
  return text;
}

function readAll(fd: number): string | undefined {
  let length = 0;
  for (;;) {
    const got = readSync(fd, buffer, length, buffer.length - length, length);
    length += got;
    if (got < PAGE_HALF_BYTES && length < buffer.length) {
      return buffer.toString('latin1', 0, length);
    }
    if (length < buffer.length) continue;
    // A number that is cut is another number.
    if (length >= FILE_BYTES_MAX) return undefined;
    const larger = Buffer.allocUnsafe(length * 2);
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  }
}
