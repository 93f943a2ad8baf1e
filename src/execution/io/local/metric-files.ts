import { constants, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { AttemptId } from '../../../model/ids.ts';
import { asAttemptId } from '../../launcher-protocol.ts';
import { unlessAbsent } from './attempt-folder.ts';
import type { LocalDriver } from './driver.ts';
import { driverAround } from './driver-around.ts';

const LOOK_EVERY_MS = 2_000;
const PIECE_BYTES = 64 * 1024;
/** Of one file in one look: what comes faster waits for the next. */
const LOOK_BYTES_MAX = 1024 ** 2;
/** A file that was read this far is emptied: a service may tell of something for years. */
const FILE_BYTES_MAX = 16 * 1024 ** 2;
const LINE_BYTES_MAX = 4_096;

const metricsDir = (stateDir: string): string => join(stateDir, 'metrics');

/** Where an attempt may tell of metrics. The file is made by whoever tells something first. */
export const metricsFile = (stateDir: string, attempt: AttemptId): string =>
  join(metricsDir(stateDir), attempt);

interface Reading {
  offset: number;
  /** The beginning of a line whose end is not there yet, a character a byte. */
  rest: string;
}

export interface MetricFilesDeps {
  /** `isAgain`: a daemon before this one may have read it. */
  readonly onLine: (attempt: AttemptId, line: string, isAgain: boolean) => void;
  /** Whether it may write more. */
  readonly isRunning: (attempt: AttemptId) => boolean;
  /** After each look at all files. */
  readonly onLooked: () => void;
  readonly warn: (message: string) => void;
}

/**
 * Every task finds in `BERTH_METRICS` the name of a file to which it may append lines. Files that are there are read
 * every two seconds, and go when their attempts have ended and all of them was read. A task that tells nothing costs
 * nothing.
 */
export class MetricFiles {
  readonly #dir: string;
  readonly #stateDir: string;
  readonly #deps: MetricFilesDeps;
  readonly #readings = new Map<AttemptId, Reading>();
  /** How long files were when this daemon began. */
  readonly #before: Map<string, number>;
  readonly #closing = new AbortController();
  readonly #watching: Promise<void>;

  constructor(stateDir: string, deps: MetricFilesDeps) {
    this.#stateDir = stateDir;
    this.#dir = metricsDir(stateDir);
    this.#deps = deps;
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    this.#before = sizesIn(this.#dir);
    this.#watching = this.#watch();
  }

  around(driver: LocalDriver): LocalDriver {
    return driverAround(driver, {
      start: (asked) =>
        driver.start({
          ...asked,
          env: { ...asked.env, BERTH_METRICS: metricsFile(this.#stateDir, asked.attempt) },
        }),
      close: async () => {
        this.#closing.abort();
        await this.#watching;
        await driver.close();
      },
    });
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await wait(LOOK_EVERY_MS, undefined, { ref: false, signal }).catch(() => {});
      try {
        await this.#look();
      } catch (error) {
        this.#deps.warn(`what tasks tell in BERTH_METRICS cannot be read: ${error}`);
      }
      this.#deps.onLooked();
    }
  }

  async #look(): Promise<void> {
    for (const name of await readdir(this.#dir)) {
      const attempt = asAttemptId(name);
      // Asked before it is read, so that nothing of one that has ended is missed.
      const mayGrow = attempt !== undefined && this.#deps.isRunning(attempt);
      const isRead = attempt === undefined || (await this.#read(attempt));
      if (mayGrow || !isRead) continue;
      await rm(join(this.#dir, name), { recursive: true, force: true });
      if (attempt !== undefined) this.#readings.delete(attempt);
    }
  }

  /** @returns whether all that was there was read. */
  async #read(attempt: AttemptId): Promise<boolean> {
    // A task may have put anything in its place: a pipe that nobody writes to, a link to what it may not read.
    const flags = constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW;
    const path = metricsFile(this.#stateDir, attempt);
    await using file = await open(path, flags).catch((error: unknown) =>
      isNoFile(error) ? undefined : unlessAbsent(error),
    );
    const stat = await file?.stat();
    if (file === undefined || stat?.isFile() !== true) return true;
    const reading = this.#readings.get(attempt) ?? { offset: 0, rest: '' };
    this.#readings.set(attempt, reading);
    // It was emptied by whoever writes it.
    if (stat.size < reading.offset) {
      Object.assign(reading, { offset: 0, rest: '' });
      this.#before.delete(attempt);
    }
    const until = reading.offset + LOOK_BYTES_MAX;
    const buffer = Buffer.alloc(PIECE_BYTES);
    while (reading.offset < until) {
      const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, reading.offset);
      if (bytesRead === 0) {
        if (reading.offset >= FILE_BYTES_MAX) {
          await file.truncate(0);
          reading.offset = 0;
          this.#before.delete(attempt);
        }
        return true;
      }
      this.#take(attempt, reading, buffer.toString('latin1', 0, bytesRead));
      reading.offset += bytesRead;
    }
    return false;
  }

  #take(attempt: AttemptId, reading: Reading, text: string): void {
    const lines = (reading.rest + text).split('\n');
    const before = this.#before.get(attempt) ?? 0;
    let end = reading.offset - reading.rest.length;
    // A line without an end is none of ours, however long it becomes.
    reading.rest = lines.pop()!.slice(0, LINE_BYTES_MAX);
    for (const bytes of lines) {
      end += bytes.length + 1;
      const line = Buffer.from(bytes, 'latin1').toString('utf8');
      if (line.trim() !== '') this.#deps.onLine(attempt, line, end <= before);
    }
  }
}

function sizesIn(dir: string): Map<string, number> {
  return new Map(
    readdirSync(dir).map((name) => {
      const stat = lstatSync(join(dir, name), { throwIfNoEntry: false });
      return [name, stat?.size ?? 0] as const;
    }),
  );
}

/** What opening a link, a folder or a socket says. */
const isNoFile = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['ELOOP', 'EISDIR', 'ENXIO', 'EACCES'].includes(String(error.code));
