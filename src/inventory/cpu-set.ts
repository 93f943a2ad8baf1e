import type { Brand } from '../base/brand.ts';

/** A set of small ids (CPUs, NUMA nodes) as bits of one integer, so that a machine of any width fits. */
export type IdSet = Brand<bigint, 'IdSet'>;

/** Linux allows 8,192 CPUs and 1,024 nodes; anything far above is garbage, not a machine. */
const ID_MAX = 65_535;

const asSet = (bits: bigint): IdSet => bits as IdSet;

export const EMPTY_SET = asSet(0n);

export const union = (a: IdSet, b: IdSet): IdSet => asSet(a | b);
export const intersection = (a: IdSet, b: IdSet): IdSet => asSet(a & b);
export const difference = (a: IdSet, b: IdSet): IdSet => asSet(a & ~b);
export const isEmpty = (a: IdSet): boolean => a === 0n;
export const intersects = (a: IdSet, b: IdSet): boolean => (a & b) !== 0n;
/** Is every id of `inner` in `outer`? */
export const includes = (outer: IdSet, inner: IdSet): boolean => (outer & inner) === inner;
export const has = (a: IdSet, id: number): boolean => ((a >> BigInt(id)) & 1n) === 1n;
export const single = (id: number): IdSet => asSet(1n << BigInt(id));

export function setOf(ids: Iterable<number>): IdSet {
  let bits = 0n;
  for (const id of ids) bits |= 1n << BigInt(id);
  return asSet(bits);
}

/** Ascending. */
export function idsOf(set: bigint): number[] {
  const ids: number[] = [];
  const digits = set.toString(16);
  for (let i = digits.length - 1, base = 0; i >= 0; i--, base += 4) {
    const nibble = Number.parseInt(digits[i]!, 16);
    for (let bit = 0; bit < 4; bit++) if ((nibble & (1 << bit)) !== 0) ids.push(base + bit);
  }
  return ids;
}

export function sizeOf(set: IdSet): number {
  let size = 0;
  for (const digit of set.toString(16)) size += BITS_IN_NIBBLE[Number.parseInt(digit, 16)]!;
  return size;
}

const BITS_IN_NIBBLE = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4];

/** The least id, or undefined of an empty set. */
export function firstOf(set: IdSet): number | undefined {
  if (set === 0n) return undefined;
  const lowest = set & -set;
  return lowest.toString(2).length - 1;
}

/**
 * A kernel list, `0-3,8,10-20:2/5` (every group of 5 contributes its first 2, as cpumask lists may say).
 * An empty text is an empty set; anything that is not a list is undefined.
 */
export function parseIdList(text: string): IdSet | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return EMPTY_SET;
  let bits = 0n;
  for (const part of trimmed.split(',')) {
    const found = /^(\d{1,5})(?:-(\d{1,5})(?::(\d{1,5})\/(\d{1,5}))?)?$/.exec(part.trim());
    if (found === null) return undefined;
    const low = Number(found[1]);
    const high = found[2] === undefined ? low : Number(found[2]);
    if (high < low || high > ID_MAX) return undefined;
    if (found[3] === undefined) {
      bits |= ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
      continue;
    }
    const used = Number(found[3]);
    const group = Number(found[4]);
    if (group === 0 || used === 0 || used > group) return undefined;
    for (let id = low; id <= high; id++) if ((id - low) % group < used) bits |= 1n << BigInt(id);
  }
  return asSet(bits);
}

/** A kernel mask of 32-bit words, most significant first: `ffffffff,00000000`. Undefined when it is not one. */
export function parseIdMask(text: string): IdSet | undefined {
  const words = text.trim().replace(/^0x/i, '').split(',');
  let digits = '';
  for (const [i, word] of words.entries()) {
    if (!/^[0-9a-fA-F]+$/.test(word)) return undefined;
    if (words.length === 1) digits = word;
    else if (word.length > 8) return undefined;
    else digits += i === 0 ? word : word.padStart(8, '0');
  }
  if (digits.length > (ID_MAX + 1) / 4) return undefined;
  return asSet(BigInt(`0x${digits}`));
}

/** `0-3,8`; an empty set is an empty text. */
export function formatIdList(set: IdSet): string {
  const parts: string[] = [];
  const ids = idsOf(set);
  for (let i = 0; i < ids.length; ) {
    let last = i;
    while (ids[last + 1] === ids[last]! + 1) last++;
    parts.push(last === i ? `${ids[i]}` : `${ids[i]}-${ids[last]}`);
    i = last + 1;
  }
  return parts.join(',');
}
