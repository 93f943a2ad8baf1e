import { constants, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { AttemptEnd, ToldUse } from '../../../model/attempt.ts';
import { type AttemptId, parseAttemptId, type WorkloadId } from '../../../model/ids.ts';
import type { AttemptStart, KnownAttempt, Report } from '../../../runtime/ports.ts';
import { asAttemptId } from '../../launcher-protocol.ts';
import { addUse, parseUseLine } from '../../told-use.ts';
import { unlessAbsent } from './attempt-folder.ts';
import type { LocalDriver } from './driver.ts';
import { driverAround } from './driver-around.ts';

const LOOK_EVERY_MS = 2000;
/** Of one workload: about a million calls. What follows is not read. */
const FILE_BYTES_MAX = 64 * 1024 ** 2;
const PIECE_BYTES = 1024 ** 2;

/** Where all tasks of a workload tell of their use: one file, so that each can see what the others told. */
export const usageFile = (stateDir: string, workload: WorkloadId): string =>
  join(stateDir, 'usage', workload);

/** What is read of one file so far. */
interface Reading {
  offset: number;
  /** The beginning of a line whose end is not there yet. */
  rest: string;
  readonly told: Map<AttemptId, ToldUse>;
  /** Lines that say nothing. */
  bad: number;
}

export interface UsageFilesDeps {
  /** Whether what the attempt tells is held to any limit. */
  readonly meters: (attempt: AttemptId) => boolean;
  readonly onReport: (report: Report) => void;
  readonly warn: (message: string) => void;
}

/**
 * Tasks whose use is limited tell of it in a file that `BERTH_USAGE` names, a line for each thing that they do. It
 * is read every two seconds while they run, once more when they have ended, and again after a crash.
 */
export class UsageFiles {
  readonly #stateDir: string;
  readonly #deps: UsageFilesDeps;
  readonly #watched = new Set<AttemptId>();
  readonly #readings = new Map<WorkloadId, Reading>();
  /** Reads of one file wait for each other. */
  readonly #turns = new Map<WorkloadId, Promise<void>>();
  #looking: Promise<void> | undefined;
  #shut = false;

  constructor(stateDir: string, deps: UsageFilesDeps) {
    this.#stateDir = stateDir;
    this.#deps = deps;
  }

  /** What the driver reports, ends with all that was told. */
  hearing(onReport: (report: Report) => void): (report: Report) => void {
    return (report) => {
      if (report.kind !== 'ended' || !this.#deps.meters(report.attempt)) onReport(report);
      else
        void this.#withUse(report.attempt, report.end).then((end) => onReport({ ...report, end }));
    };
  }

  around(driver: LocalDriver): LocalDriver {
    return driverAround(driver, {
      start: (asked) => driver.start(this.#prepare(asked)),
      known: async () => Promise.all((await driver.known()).map((known) => this.#knownWith(known))),
      close: () => {
        this.#shut = true;
        return driver.close();
      },
    });
  }

  #prepare(asked: AttemptStart): AttemptStart {
    if (asked.meters === undefined) return asked;
    const file = usageFile(this.#stateDir, workloadOf(asked.attempt));
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(file, '', { flag: 'a', mode: 0o600 });
    } catch (error) {
      this.#deps.warn(`${file} cannot be made: ${error}`);
    }
    this.#watch(asked.attempt);
    return { ...asked, env: { ...asked.env, BERTH_USAGE: file } };
  }

  async #knownWith(known: KnownAttempt): Promise<KnownAttempt> {
    if (!this.#deps.meters(known.attempt)) return known;
    if (known.state === 'running') {
      this.#watch(known.attempt);
      return known;
    }
    return { ...known, end: await this.#withUse(known.attempt, known.end) };
  }

  async #withUse(attempt: AttemptId, end: AttemptEnd): Promise<AttemptEnd> {
    const workload = workloadOf(attempt);
    await this.#read(workload);
    this.#watched.delete(attempt);
    const reading = this.#readings.get(workload);
    const used = reading?.told.get(attempt);
    const bad = reading?.bad ?? 0;
    const others = [...this.#watched].some((other) => workloadOf(other) === workload);
    if (!others) this.#readings.delete(workload);
    const note = `${bad} lines of its workload about its use could not be read.`;
    const message = [end.message, bad > 0 ? note : undefined].filter((part) => part !== undefined);
    return {
      ...end,
      ...(used !== undefined && { used }),
      ...(message.length > 0 && { message: message.join(' ') }),
    };
  }

  #watch(attempt: AttemptId): void {
    this.#watched.add(attempt);
    this.#looking ??= this.#lookOn().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookOn(): Promise<void> {
    while (!this.#shut && this.#watched.size > 0) {
      await wait(LOOK_EVERY_MS, undefined, { ref: false });
      for (const workload of new Set([...this.#watched].map(workloadOf))) {
        if (this.#shut) return;
        await this.#read(workload);
        for (const [attempt, used] of this.#readings.get(workload)?.told ?? []) {
          if (this.#watched.has(attempt)) this.#deps.onReport({ kind: 'used', attempt, used });
        }
      }
    }
  }

  /** All that is there now. Never rejects. */
  #read(workload: WorkloadId): Promise<void> {
    const before = this.#turns.get(workload) ?? Promise.resolve();
    const turn = before
      .then(() => this.#readOn(workload))
      .catch((error: unknown) =>
        this.#deps.warn(`what workload ${workload} told of its use cannot be read: ${error}`),
      )
      .finally(() => {
        if (this.#turns.get(workload) === turn) this.#turns.delete(workload);
      });
    this.#turns.set(workload, turn);
    return turn;
  }

  async #readOn(workload: WorkloadId): Promise<void> {
    // A task may have put anything in its place: a pipe that nobody writes to, a link to what it may not read.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
    const file = await open(usageFile(this.#stateDir, workload), flags).catch(unlessAbsent);
    if (file === undefined) return;
    try {
      if (!(await file.stat()).isFile()) return;
      const reading = this.#readings.get(workload) ?? empty();
      this.#readings.set(workload, reading);
      const buffer = Buffer.alloc(PIECE_BYTES);
      while (reading.offset < FILE_BYTES_MAX) {
        const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, reading.offset);
        if (bytesRead === 0) return;
        reading.offset += bytesRead;
        this.#take(workload, reading, buffer.toString('latin1', 0, bytesRead));
      }
    } finally {
      await file.close();
    }
  }

  #take(workload: WorkloadId, reading: Reading, text: string): void {
    const lines = (reading.rest + text).split('\n');
    // A line without an end is none of ours, however long it becomes.
    reading.rest = lines.pop()!.slice(0, 1024);
    for (const line of lines) {
      if (line.trim() === '') continue;
      const said = parseUseLine(line);
      const attempt = said && asAttemptId(said.attempt);
      if (said === undefined || attempt === undefined || workloadOf(attempt) !== workload) {
        reading.bad++;
        continue;
      }
      const { told } = reading;
      if (!told.has(attempt) && !this.#deps.meters(attempt)) continue;
      told.set(attempt, addUse(told.get(attempt) ?? {}, said.used));
    }
  }
}

/** With the workload. */
export const forgetUsage = (stateDir: string, workload: WorkloadId): void =>
  rmSync(usageFile(stateDir, workload), { force: true });

const empty = (): Reading => ({ offset: 0, rest: '', told: new Map(), bad: 0 });

const workloadOf = (attempt: AttemptId): WorkloadId => parseAttemptId(attempt)!.workload;
