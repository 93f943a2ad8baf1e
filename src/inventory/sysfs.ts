import { type IdSet, parseIdList, parseIdMask } from './cpu-set.ts';
import { type Fact, fact, type Source, type UnknownReason, unknown } from './fact.ts';
import type { HostReader, ReadProblem } from './host-reader.ts';

/** One value per file, as /sys and /proc/sys have it: a few lines at most. */
const VALUE_BYTES_MAX = 65_536;

/** The text of a small file without its last line feed, or undefined when it cannot be read. */
export function sysfsText(host: HostReader, path: string): string | undefined {
  const read = host.text(path, VALUE_BYTES_MAX);
  return read.ok ? read.value.trim() : undefined;
}

/** A decimal integer that stands alone in a file; undefined when absent or anything else. */
export function sysfsInteger(host: HostReader, path: string): number | undefined {
  return parseInteger(sysfsText(host, path));
}

export function parseInteger(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d{1,16}$/.test(text)) return undefined;
  const n = Number(text);
  return Number.isSafeInteger(n) ? n : undefined;
}

/** A text file as a fact; empty and `parse` answering undefined are `garbled`. */
export function sysfsFact<T>(
  host: HostReader,
  path: string,
  parse: (text: string) => T | undefined,
  source: Source = 'kernel',
): Fact<T> {
  const read = host.text(path, VALUE_BYTES_MAX);
  if (!read.ok) return unknown(reasonOf(read.problem));
  const value = parse(read.value.trim());
  return value === undefined ? unknown('garbled') : fact(value, source);
}

export function factOr<T>(value: T | undefined, reason: UnknownReason): Fact<T> {
  return value === undefined ? unknown(reason) : fact(value, 'kernel');
}

export function reasonOf(problem: ReadProblem): UnknownReason {
  if (problem.kind === 'absent') return 'absent';
  return problem.kind === 'denied' ? 'denied' : 'failed';
}

export function sysfsMask(host: HostReader, path: string): IdSet | undefined {
  const text = sysfsText(host, path);
  return text === undefined ? undefined : parseIdMask(text);
}

export function sysfsList(host: HostReader, path: string): IdSet | undefined {
  const text = sysfsText(host, path);
  return text === undefined ? undefined : parseIdList(text);
}

/** Numbers at the end of names such as `cpu12` or `node3`, ascending; other names are passed over. */
export function numberedNames(names: readonly string[], prefix: string): number[] {
  const found: number[] = [];
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const digits = name.slice(prefix.length);
    if (/^\d{1,5}$/.test(digits)) found.push(Number(digits));
  }
  return found.sort((a, b) => a - b);
}
