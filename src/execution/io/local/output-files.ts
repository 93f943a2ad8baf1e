import { constants, mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AttemptEnd } from '../../../model/attempt.ts';
import type { AttemptId } from '../../../model/ids.ts';
import type { AttemptStart, KnownAttempt, Report } from '../../../runtime/ports.ts';
import { OUTPUT_BYTES_MAX, parseOutputs } from '../../outputs.ts';
import { unlessAbsent } from './attempt-folder.ts';
import type { LocalDriver } from './driver.ts';
import { driverAround } from './driver-around.ts';

/** Where an attempt writes what came out of it: in its own folder, which outlives a crash of the daemon. */
export const outputFile = (attemptsDir: string, attempt: AttemptId): string =>
  join(attemptsDir, attempt, 'output');

/**
 * Tasks say what came out of them in a file that `BERTH_OUTPUT` names; it is read when they have ended, and read
 * again after a crash. An attempt that need not say anything costs nothing.
 */
export class OutputFiles {
  readonly #attemptsDir: string;
  readonly #speaks: (attempt: AttemptId) => boolean;
  readonly #warn: (message: string) => void;

  constructor(
    attemptsDir: string,
    deps: {
      /** Whether anybody is interested in what the attempt says. */
      readonly speaks: (attempt: AttemptId) => boolean;
      readonly warn: (message: string) => void;
    },
  ) {
    this.#attemptsDir = attemptsDir;
    this.#speaks = deps.speaks;
    this.#warn = deps.warn;
  }

  /** What the driver reports, with outputs. */
  hearing(onReport: (report: Report) => void): (report: Report) => void {
    return (report) => {
      if (report.kind !== 'ended' || !this.#speaks(report.attempt)) onReport(report);
      else
        void this.#withOutputs(report.attempt, report.end).then((end) =>
          onReport({ ...report, end }),
        );
    };
  }

  around(driver: LocalDriver): LocalDriver {
    return driverAround(driver, {
      start: (asked) => driver.start(this.#prepare(asked)),
      known: async () => Promise.all((await driver.known()).map((known) => this.#knownWith(known))),
    });
  }

  #prepare(asked: AttemptStart): AttemptStart {
    if (asked.outputs === undefined) return asked;
    const file = outputFile(this.#attemptsDir, asked.attempt);
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      // It may have been started before, and have said something.
      writeFileSync(file, '', { flag: 'a', mode: 0o600 });
    } catch (error) {
      this.#warn(`${file} cannot be made: ${error}`);
    }
    return { ...asked, env: { ...asked.env, BERTH_OUTPUT: file } };
  }

  async #knownWith(known: KnownAttempt): Promise<KnownAttempt> {
    if (known.state === 'running' || !this.#speaks(known.attempt)) return known;
    return { ...known, end: await this.#withOutputs(known.attempt, known.end) };
  }

  async #withOutputs(attempt: AttemptId, end: AttemptEnd): Promise<AttemptEnd> {
    try {
      const read = await readStart(outputFile(this.#attemptsDir, attempt));
      if (read === undefined) return end;
      const { values, notes } = parseOutputs(read.text, read.cut);
      const said = [end.message, ...notes].filter((sentence) => sentence !== undefined).join(' ');
      return {
        ...end,
        ...(values !== undefined && { outputs: values }),
        ...(said !== '' && { message: said }),
      };
    } catch (error) {
      this.#warn(`the outputs of ${attempt} cannot be read: ${error}`);
      return end;
    }
  }
}

/** At most so much of it as outputs may be long; undefined where there is no such file. */
async function readStart(
  path: string,
): Promise<{ readonly text: string; readonly cut: boolean } | undefined> {
  // The task may have put anything in its place: a pipe that nobody writes to, a link to what it may not read.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
  const file = await open(path, flags).catch(unlessAbsent);
  if (file === undefined) return undefined;
  try {
    if (!(await file.stat()).isFile()) return undefined;
    const buffer = Buffer.alloc(OUTPUT_BYTES_MAX + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) break;
    }
    const cut = length > OUTPUT_BYTES_MAX;
    return { text: buffer.toString('utf8', 0, Math.min(length, OUTPUT_BYTES_MAX)), cut };
  } finally {
    await file.close();
  }
}
