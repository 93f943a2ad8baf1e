import type { Reading } from './metric.ts';

/** Contents of files by their path on the host. One that is absent or cannot be read is not there. */
export type Texts = ReadonlyMap<string, string>;

interface Sampled {
  /** Label `sampler` of what is said of it. */
  readonly name: string;
  readonly everyMs: number;
  /** Names of the families that its readings are of. */
  readonly families: readonly string[];
}

/** Makes readings of files. */
export interface FileSampler extends Sampled {
  /**
   * `kept`: files that the kernel answers at once; they stay open and are read between two other things.
   * `aside`: a driver or a firmware may make the reader wait; somebody else reads them.
   */
  readonly kind: 'kept' | 'aside';
  /** Absolute; of those read aside, `*` stands for any part of one name. */
  readonly files: readonly string[];
  /** A reader with the memory that some need: what was before. Nothing of the hardware there: no readings. */
  open(): (texts: Texts) => readonly Reading[];
}

/** Makes readings of what a program answers, each time it is run. */
export interface ProgramSampler extends Sampled {
  readonly kind: 'program';
  /** Read aside, for the command. */
  readonly files: readonly string[];
  /** Undefined: nothing to ask. */
  command(texts: Texts): readonly [program: string, ...args: string[]] | undefined;
  /** Undefined: that is no answer. What a program wrote before it failed is read, too. */
  read(output: string): readonly Reading[] | undefined;
}

/** Makes readings of a program that runs on, and writes lines about each `everyMs`. */
export interface StreamSampler extends Sampled {
  readonly kind: 'stream';
  readonly command: readonly [program: string, ...args: string[]];
  /** Writes them once, and ends: for where the other keeps its lines to itself until there are many. */
  readonly once: readonly [program: string, ...args: string[]];
  /** Of whole lines. */
  read(lines: string): readonly Reading[];
}

export type Sampler = FileSampler | ProgramSampler | StreamSampler;

/** For samplers without a memory. */
export const stateless =
  (read: (texts: Texts) => readonly Reading[]): FileSampler['open'] =>
  () =>
    read;

/** Nothing where the value is unknown. */
export function reading(
  name: string,
  value: number | undefined,
  labels: Readonly<Record<string, string>> = NO_LABELS,
): readonly Reading[] {
  return value === undefined ? [] : [{ name, labels, value }];
}

const NO_LABELS = {};

/** A whole number that fills the file. */
export function wholeNumberIn(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*-?\d{1,16}\s*$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The part of a path that a `*` of the pattern stands for, by file; the others of the same name are looked up. */
export function partsOf(
  texts: Texts,
  pattern: RegExp,
): readonly (readonly [RegExpExecArray, string])[] {
  const found: (readonly [RegExpExecArray, string])[] = [];
  for (const [path, text] of texts) {
    const match = pattern.exec(path);
    if (match !== null) found.push([match, text]);
  }
  return found;
}
