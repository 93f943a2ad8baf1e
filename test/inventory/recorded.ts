import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Fact, fact, type UnknownReason } from '../../src/inventory/fact.ts';
import type { HostContent } from './memory-host.ts';

const folder = join(
  process.env['BERTH_DATA'] ?? join(import.meta.dirname, '../../../shared/data'),
  'hosts',
);

/** A visible reason to skip, where the recorded inputs are not beside the repository. */
export const noRecordings = existsSync(folder) ? false : `no recorded hosts at ${folder}`;

export function recorded(path: string): string {
  return readFileSync(join(folder, path), 'utf8');
}

/** A value that the test expects to be known; its source is checked apart. */
export function value<T>(found: Fact<T>): T | UnknownReason {
  return found.known ? found.value : found.reason;
}

export const driver = <T>(v: T): Fact<T> => fact(v, 'driver');

/** The sections of a whole nvidia-smi capture, by title: a box of # around `# title` and `# $ command`. */
export function captureSections(text: string): ReadonlyMap<string, string> {
  const rule = '#'.repeat(80);
  const found = new Map<string, string>();
  const parts = text.split(`${rule}\n`);
  for (let i = 1; i + 1 < parts.length; i += 2) {
    const title = /^# (.*)$/m.exec(parts[i]!)![1]!;
    found.set(title, parts[i + 1]!);
  }
  return found;
}

/** The members of a .tar.gz whose names contain `part`, below its top folder. */
export function tarMembers(path: string, part: string): HostContent {
  const bytes = gunzipSync(readFileSync(join(folder, path)));
  const files: Record<string, Uint8Array> = {};
  const links: Record<string, string> = {};
  const text = (from: number, length: number) =>
    bytes.toString('latin1', from, from + length).replace(/\0.*$/s, '');
  let longName: string | undefined;
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    const type = text(at + 156, 1);
    const prefix = text(at + 345, 155);
    const short = prefix === '' ? text(at, 100) : `${prefix}/${text(at, 100)}`;
    const content = bytes.subarray(at + 512, at + 512 + size);
    const name = `/${(longName ?? short).replace(/^(\.\/)?[^/]+\/?/, '')}`;
    longName = type === 'L' ? content.toString('latin1').replace(/\0.*$/s, '') : undefined;
    if (name.includes(part)) {
      if (type === '0' || type === '') files[name] = content;
      else if (type === '2') links[name] = text(at + 157, 100);
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return { files, links };
}
