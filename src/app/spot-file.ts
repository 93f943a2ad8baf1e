import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { TimeMs } from '../base/units.ts';
import type { SpotProvider, SpotReading } from '../model/spot.ts';
import { formatIssues } from '../spec/format-issues.ts';
import { parseSpot } from '../spec/spot-document.ts';

const BYTES_MAX = 1_048_576;

/** Prices and notices from a file that a cloud's agent writes; what it said last holds while it cannot be read. */
export class SpotFile implements SpotProvider {
  readonly #file: string;
  readonly #log: (sentence: string) => void;
  #written: number | undefined;
  #reading: SpotReading | undefined;

  constructor(file: string, log: (sentence: string) => void) {
    this.#file = file;
    this.#log = log;
  }

  read(): SpotReading | undefined {
    try {
      const found = statSync(this.#file, { throwIfNoEntry: false });
      if (found === undefined || found.mtimeMs === this.#written) return this.#reading;
      this.#written = found.mtimeMs;
      if (found.size <= BYTES_MAX) this.#parse(readFileSync(this.#file, 'utf8'), found.mtimeMs);
      else this.#log(`${this.#file}: more than ${BYTES_MAX} bytes are not read`);
    } catch (error) {
      this.#log(`${this.#file} cannot be read: ${String(error)}`);
    }
    return this.#reading;
  }

  #parse(text: string, writtenMs: number): void {
    const fileName = basename(this.#file);
    const parsed = parseSpot(text, { fileName, writtenAt: Math.floor(writtenMs) as TimeMs });
    if (parsed.ok) this.#reading = parsed.reading;
    else this.#log(`ignored:\n${formatIssues(parsed.issues, text, this.#file).trimEnd()}`);
  }
}
