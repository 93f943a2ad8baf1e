import { createHash } from 'node:crypto';
import { basename, dirname, join, relative } from 'node:path';

/** A place for files beside their own folder. */
export interface TierPlace {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly compress: boolean;
}

/** Of a file that is kept compressed. */
export const COMPRESSED = '.berth.zst';
/** Beside a file while its name changes hands: what was there, and what comes back. */
export const hidden = (path: string, what: 'was' | 'restored'): string =>
  join(dirname(path), `.${basename(path)}.berth-${what}`);

const HIDDEN = /^\.(.+)\.berth-(was|restored)$/s;

/** What a leftover of a move is of; undefined for any other name. */
export function leftoverOf(
  path: string,
): { readonly of: string; readonly what: string } | undefined {
  const [, name, what] = HIDDEN.exec(basename(path)) ?? [];
  return name === undefined ? undefined : { of: join(dirname(path), name), what: what! };
}

/** What a transfer has not yet given its name. */
export const isPartial = (name: string): boolean => name.endsWith('.berth-partial');

/** Where the file of `root` lies in a place: below a folder of that root, so that two do not meet. */
export function dataIn(place: TierPlace, root: string, path: string, compressed: boolean): string {
  const key = `${basename(root)}-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`;
  return join(place.folder, key, `${relative(root, path)}${compressed ? COMPRESSED : ''}`);
}
