import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { OperationError } from '../../model/errors.ts';
import type { DaemonLogs, LogLine } from '../world.ts';

const LOOK_EVERY_MS = 250;

/** The log of the daemon of a state folder: `daemon.log`, and before it `daemon.log.1`. */
export function openDaemonLogs(stateDir: string): DaemonLogs {
  const file = join(stateDir, 'logs', 'daemon.log');
  return {
    async open() {
      const lines: LogLine[] = [];
      let position: Position | undefined;
      for (const path of [`${file}.1`, file]) {
        await using opened = await openIfThere(path);
        if (opened === undefined) continue;
        const tail = new Tail(opened);
        lines.push(...(await tail.rest()));
        position = await tail.position();
      }
      if (position === undefined) {
        const hint = 'A daemon writes it: `berth up`. With --state, of another folder.';
        throw new OperationError('NOT_FOUND', `There is no log in ${stateDir}.`, { hint });
      }
      const read = position;
      return { lines, after: (signal) => follow(file, read, signal) };
    },
  };
}

/** Lines that come, also in the file that takes its place. */
async function* follow(file: string, read: Position, signal: AbortSignal): AsyncGenerator<LogLine> {
  let tail = await reopened([file, `${file}.1`], read);
  try {
    while (!signal.aborted) {
      // Looked at before what is left is read, so that the end of a file that was moved away is not missed.
      const next = await successor(file, tail);
      if (tail !== undefined) yield* await tail.rest();
      if (next !== undefined) {
        await tail?.close();
        tail = next;
        continue;
      }
      await wait(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    await tail?.close();
  }
}

async function successor(file: string, tail: Tail | undefined): Promise<Tail | undefined> {
  const opened = await openIfThere(file);
  if (opened === undefined) return undefined;
  const { ino } = await opened.stat();
  if (tail === undefined || (await tail.ino()) !== ino) return new Tail(opened);
  await opened.close();
  return undefined;
}

/** The one of them that was read so far, if it is there still. */
async function reopened(files: readonly string[], read: Position): Promise<Tail | undefined> {
  for (const file of files) {
    const opened = await openIfThere(file);
    if (opened === undefined) continue;
    const tail = new Tail(opened, read);
    if ((await tail.ino()) === read.ino) return tail;
    await tail.close();
  }
  return undefined;
}

interface Position {
  readonly ino: number;
  readonly offset: number;
  /** The beginning of a line whose end is not there yet. */
  readonly rest: string;
}

/** One file, read on from where the last read ended. */
class Tail {
  readonly #file: FileHandle;
  #offset: number;
  #rest: string;

  constructor(file: FileHandle, from: Omit<Position, 'ino'> = { offset: 0, rest: '' }) {
    this.#file = file;
    this.#offset = from.offset;
    this.#rest = from.rest;
  }

  async position(): Promise<Position> {
    return { ino: await this.ino(), offset: this.#offset, rest: this.#rest };
  }

  async ino(): Promise<number> {
    return (await this.#file.stat()).ino;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async rest(): Promise<LogLine[]> {
    const found: LogLine[] = [];
    const buffer = Buffer.alloc(256 * 1024);
    for (;;) {
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.#offset);
      if (bytesRead === 0) return found;
      this.#offset += bytesRead;
      const lines = (this.#rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
      this.#rest = lines.pop()!;
      for (const line of lines) {
        const parsed = parseLine(Buffer.from(line, 'latin1').toString('utf8'));
        if (parsed !== undefined) found.push(parsed);
      }
    }
  }
}

/** Undefined for what is none, as the end of a file that a crash cut off. */
function parseLine(text: string): LogLine | undefined {
  try {
    const { at, level, component, message, error } = JSON.parse(text) as Record<string, unknown>;
    if (typeof at !== 'string' || typeof component !== 'string' || typeof message !== 'string') {
      return undefined;
    }
    const isError = level === 'error' || (level === undefined && typeof error === 'string');
    return {
      at,
      level: isError ? 'error' : 'info',
      component,
      message,
      ...(typeof error === 'string' && { error }),
    };
  } catch {
    return undefined;
  }
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return undefined;
    throw new OperationError('FILE_UNREADABLE', `${file} cannot be read.`, {}, error);
  }
}
