import { bytes, percent, UNKNOWN } from './format.ts';
import { type Item, isItem } from './topology-boxes.ts';

/** One field as people read it, with where it is from. */
export interface FactRow {
  readonly name: string;
  readonly text: string;
  /** `kernel`, `driver`…, or why it is not known; empty where the document does not say. */
  readonly source: string;
}

const reasons: Readonly<Record<string, string>> = {
  absent: 'absent',
  'not-reported': 'not reported',
  denied: 'not permitted',
  failed: 'could not be read',
  garbled: 'not understood',
};

const PROVENANCE = ['source', 'sources', 'unknown'];
const DEPTH_MAX = 2;

/** Every field of an object of the inventory; those of objects inside it carry its name in front. */
export function factsOf(item: Item, omit: readonly string[] = [], depth = 0): FactRow[] {
  return Object.entries(item).flatMap(([field, value]): FactRow[] => {
    if (PROVENANCE.includes(field) || omit.includes(field)) return [];
    const name = wordsOf(field);
    if (isItem(value)) {
      if (depth >= DEPTH_MAX) return [];
      return factsOf(value, [], depth + 1).map((row) => ({ ...row, name: `${name} ${row.name}` }));
    }
    if (Array.isArray(value) && value.some((v) => typeof v === 'object')) return [];
    return [{ name, text: textOf(field, value, item), source: sourceOf(item, field) }];
  });
}

/** The value of one field; an em dash where it is not known. */
export function textOf(field: string, value: unknown, item: Item = {}): string {
  if (value === null || value === undefined) {
    return inner(item, 'unknown', field) === 'absent' ? 'none' : UNKNOWN;
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(String).join(', ');
  if (typeof value !== 'number') return String(value);
  const [, unit] = units.find(([suffix]) => field.endsWith(suffix)) ?? [];
  return unit === undefined ? String(value) : unit(value);
}

/** Where one field is from, or why it is not known. */
export function sourceOf(item: Item, field: string): string {
  const why = inner(item, 'unknown', field);
  if (typeof why === 'string') return reasons[why] ?? why;
  const own = inner(item, 'sources', field) ?? item['source'];
  return item[field] === null || typeof own !== 'string' || !KNOWN_SOURCES.includes(own) ? '' : own;
}

/** A file system has a `source` of its own: the device that is mounted. */
const KNOWN_SOURCES = ['measured', 'kernel', 'driver', 'firmware', 'datasheet', 'estimated'];

function inner(item: Item, part: string, field: string): unknown {
  const of = item[part];
  return isItem(of) ? of[field] : undefined;
}

const scaled =
  (units: readonly string[]) =>
  (n: number): string => {
    let at = 0;
    let value = n;
    while (value >= 1_000 && at < units.length - 1) {
      value /= 1_000;
      at++;
    }
    return `${Number(value.toPrecision(3))} ${units[at]}`;
  };

const units: readonly (readonly [string, (n: number) => string])[] = [
  ['bytes_per_second', scaled(['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s'])],
  ['bits_per_second', scaled(['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'])],
  ['bytes', bytes],
  ['hertz', scaled(['Hz', 'kHz', 'MHz', 'GHz'])],
  ['mhz', (n) => `${n} MHz`],
  ['milli_celsius', (n) => `${Number((n / 1_000).toFixed(1))} °C`],
  ['microwatts', (n) => `${Number((n / 1e6).toFixed(1))} W`],
  ['milliwatts', (n) => `${Number((n / 1_000).toFixed(1))} W`],
  ['watts', (n) => `${n} W`],
  ['microvolts', (n) => `${Number((n / 1e6).toFixed(2))} V`],
  ['cpu_milli', (n) => `${n / 1_000} CPUs`],
  ['_bp', (n) => percent(n / 10_000)],
  ['ratio', (n) => percent(n)],
];

const SUFFIXES =
  /_(bytes_per_second|bits_per_second|bytes|hertz|mhz|milli_celsius|microwatts|milliwatts|watts|microvolts|milli|bp|ratio)$/;

/** `queue_requests` → `queue requests`; the unit stands with the value. */
export const wordsOf = (field: string): string =>
  field
    .replace(SUFFIXES, '')
    .replaceAll('_', ' ')

    .replace(/\bcpus\b/g, 'CPUs')
    .replace(/\b(cpu|numa|pci|pcie|ecc|mig|uuid|mtu|mac|isa|smt|id|gpu)\b/g, (w) =>
      w.toUpperCase(),
    );
