/**
 * Neighbouring points of one series: five numbers a slot, of which the first, the count, is 0 where nothing was
 * measured. Kept as bytes: columns of the slots that are there, each number as what differs from the one before.
 */
export type Block = Float64Array;

/** Count, min, max, sum, last. */
export const FIELDS = 5;
const COUNT = 0;
const MIN = 1;
const MAX = 2;
const SUM = 3;
const LAST = 4;

export const emptyBlock = (slots: number): Block => new Float64Array(slots * FIELDS);

export function addSample(block: Block, slot: number, measured: number): void {
  const i = slot * FIELDS;
  // There is one zero.
  const value = measured + 0;
  const isFirst = block[i] === 0;
  block[i + COUNT]!++;
  block[i + MIN] = isFirst ? value : Math.min(block[i + MIN]!, value);
  block[i + MAX] = isFirst ? value : Math.max(block[i + MAX]!, value);
  block[i + SUM]! += value;
  block[i + LAST] = value;
}

/** Adds what is later to a point; a point of which nothing is known becomes it. */
export function mergePoint(into: Block, slot: number, from: Block, fromSlot: number): void {
  const i = slot * FIELDS;
  const j = fromSlot * FIELDS;
  if (from[j] === 0) return;
  const isFirst = into[i] === 0;
  into[i + COUNT]! += from[j + COUNT]!;
  into[i + MIN] = isFirst ? from[j + MIN]! : Math.min(into[i + MIN]!, from[j + MIN]!);
  into[i + MAX] = isFirst ? from[j + MAX]! : Math.max(into[i + MAX]!, from[j + MAX]!);
  into[i + SUM]! += from[j + SUM]!;
  into[i + LAST] = from[j + LAST]!;
}

/** All of a block as one point. */
export function summary(block: Block): Block {
  const point = emptyBlock(1);
  for (let slot = 0; slot < block.length / FIELDS; slot++) mergePoint(point, 0, block, slot);
  return point;
}

export function setPoint(block: Block, slot: number, point: Block): void {
  block.set(point, slot * FIELDS);
}

/** What is newer takes the place of what was there. Doing it twice changes nothing, which makes crashes harmless. */
export function overlay(older: Block, newer: Block): Block {
  const both = older.slice();
  for (let i = 0; i < newer.length; i += FIELDS) {
    if (newer[i] !== 0) both.set(newer.subarray(i, i + FIELDS), i);
  }
  return both;
}

export const countOf = (block: Block, slot = 0): number => block[slot * FIELDS + COUNT]!;

export function pointOf(block: Block, slot = 0) {
  const i = slot * FIELDS;
  const count = block[i + COUNT]!;
  const [min, max, last] = [block[i + MIN]!, block[i + MAX]!, block[i + LAST]!];
  // A sum that is rounded must not put the mean outside of what was measured.
  const mean = Math.min(max, Math.max(min, block[i + SUM]! / count));
  return { min, max, mean, last, count };
}

/** Every point is of one sample, so one column says all. */
const SINGLE = 1;
/** A bit for each slot follows; else all slots of the range are there. */
const HOLES = 2;
const SLOTS_MAX = 64;
const RUN_MAX = 128;

const scratch = new Uint8Array(3 + SLOTS_MAX / 8 + FIELDS * SLOTS_MAX * 9);
const word = new DataView(new ArrayBuffer(8));

/** Bytes of a block that is not empty. They are overwritten by the next call. */
export function encodeBlock(block: Block): Uint8Array {
  const slots: number[] = [];
  let flags = SINGLE;
  for (let slot = 0; slot < block.length / FIELDS; slot++) {
    const count = block[slot * FIELDS]!;
    if (count === 0) continue;
    slots.push(slot);
    if (count !== 1) flags &= ~SINGLE;
  }
  const first = slots[0]!;
  const length = slots.at(-1)! - first + 1;
  if (length !== slots.length) flags |= HOLES;
  scratch[0] = flags;
  scratch[1] = first;
  scratch[2] = length;
  let end = 3;
  if (flags & HOLES) {
    const bitmap = scratch.subarray(3, 3 + Math.ceil(length / 8)).fill(0);
    for (const slot of slots) bitmap[(slot - first) >> 3]! |= 1 << ((slot - first) & 7);
    end += bitmap.length;
  }
  const columns = flags & SINGLE ? [LAST] : [COUNT, MIN, MAX, SUM, LAST];
  for (const field of columns) end = encodeColumn(block, slots, field, end);
  return scratch.subarray(0, end);
}

function encodeColumn(block: Block, slots: readonly number[], field: number, at: number): number {
  let end = at;
  let high = 0;
  let low = 0;
  let run = 0;
  for (const slot of slots) {
    word.setFloat64(0, block[slot * FIELDS + field]!);
    const newHigh = word.getUint32(0);
    const newLow = word.getUint32(4);
    if (newHigh === high && newLow === low) {
      // One byte for up to 128 numbers that are all as the one before.
      if (run === 0 || run === RUN_MAX) {
        run = 0;
        end++;
      }
      scratch[end - 1] = 0x80 | run++;
      continue;
    }
    run = 0;
    word.setUint32(0, newHigh ^ high);
    word.setUint32(4, newLow ^ low);
    high = newHigh;
    low = newLow;
    let from = 0;
    let to = 8;
    while (word.getUint8(from) === 0) from++;
    while (word.getUint8(to - 1) === 0) to--;
    scratch[end++] = (from << 4) | (to - from);
    for (let i = from; i < to; i++) scratch[end++] = word.getUint8(i);
  }
  return end;
}

/** Undefined where the bytes are not those of a block with so many slots. */
export function decodeBlock(bytes: Uint8Array, slotCount: number): Block | undefined {
  const [flags = 0, first = 0, length = 0] = bytes;
  if (flags > (SINGLE | HOLES) || length === 0 || first + length > slotCount) return undefined;
  let at = 3;
  const slots: number[] = [];
  for (let i = 0; i < length; i++) {
    const isThere = flags & HOLES ? (bytes[at + (i >> 3)] ?? 0) & (1 << (i & 7)) : 1;
    if (isThere) slots.push(first + i);
  }
  if (flags & HOLES) at += Math.ceil(length / 8);
  const block = emptyBlock(slotCount);
  const columns = flags & SINGLE ? [LAST] : [COUNT, MIN, MAX, SUM, LAST];
  for (const field of columns) {
    at = decodeColumn(bytes, at, { block, slots, field });
    if (at > bytes.length) return undefined;
  }
  if (at !== bytes.length) return undefined;
  if (flags & SINGLE) {
    for (const slot of slots) {
      const i = slot * FIELDS;
      block.fill(block[i + LAST]!, i, i + LAST);
      block[i + COUNT] = 1;
    }
  }
  return block;
}

/** @returns where the next column begins; beyond the end where bytes are missing. */
function decodeColumn(
  bytes: Uint8Array,
  start: number,
  into: { readonly block: Block; readonly slots: readonly number[]; readonly field: number },
): number {
  const { block, slots, field } = into;
  let at = start;
  let run = 0;
  word.setFloat64(0, 0);
  for (const slot of slots) {
    if (run > 0) run--;
    else {
      const head = bytes[at++] ?? 0;
      if (head & 0x80) run = head & 0x7f;
      else {
        const from = head >> 4;
        const to = from + (head & 15);
        if (to > 8 || at + to - from > bytes.length) return Number.POSITIVE_INFINITY;
        for (let i = from; i < to; i++) word.setUint8(i, word.getUint8(i) ^ bytes[at++]!);
      }
    }
    block[slot * FIELDS + field] = word.getFloat64(0);
  }
  return at;
}
