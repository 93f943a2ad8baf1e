import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperationError } from '../model/errors.ts';
import type { RunDocument } from '../simulation/measures/run-document.ts';

const NAME = 'cells.jsonl';

/** What a sweep has come to so far, in a folder: a line of what it is of, then one for each simulation that has ended. */
export class SweepFile {
  readonly #path: string;
  readonly #done = new Map<string, RunDocument>();

  /** Makes the folder. Throws FILE_UNWRITABLE, and REFUSED where there is a sweep of something else. */
  constructor(folder: string, digest: string) {
    this.#path = join(folder, NAME);
    const head = JSON.stringify({ sweep: digest });
    const [first, ...lines] = this.#read().split('\n');
    if (first === undefined || first === '') {
      this.#write(() => {
        mkdirSync(folder, { recursive: true });
        writeFileSync(this.#path, `${head}\n`);
      });
      return;
    }
    if (first !== head) {
      throw new OperationError('REFUSED', `${this.#path} is of other files or settings.`, {
        hint: 'Choose another folder by --out, or remove it.',
      });
    }
    for (const line of lines) {
      // The last one may have been cut off.
      const known = parsed(line);
      if (known !== undefined) this.#done.set(known.key, known.run);
    }
    // What was cut off must not have the next line at its end.
    if (lines.at(-1) !== '') this.#write(() => appendFileSync(this.#path, '\n'));
  }

  get(key: string): RunDocument | undefined {
    return this.#done.get(key);
  }

  add(key: string, run: RunDocument): void {
    this.#write(() => appendFileSync(this.#path, `${JSON.stringify({ key, run })}\n`));
  }

  #read(): string {
    try {
      return readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw new OperationError('FILE_UNREADABLE', `${this.#path} cannot be read.`, {}, error);
    }
  }

  #write(write: () => void): void {
    try {
      write();
    } catch (error) {
      throw new OperationError('FILE_UNWRITABLE', `Cannot write ${this.#path}.`, {}, error);
    }
  }
}

function parsed(line: string): { readonly key: string; readonly run: RunDocument } | undefined {
  try {
    const { key, run } = JSON.parse(line);
    return typeof key === 'string' && typeof run === 'object' && run !== null
      ? { key, run }
      : undefined;
  } catch {
    return undefined;
  }
}
