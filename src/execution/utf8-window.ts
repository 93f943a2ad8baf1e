/**
 * The part of `data` that can be shown: no character cut in two.
 * @param before how many bytes at the start were read only to see whether a character goes across.
 * @param final no more bytes will ever follow, so that a cut character at the end is garbage.
 */
export function utf8Window(
  data: Uint8Array,
  before: number,
  final: boolean,
): { readonly start: number; readonly end: number } {
  let start = before;
  const first = leadBefore(data, before);
  if (first !== undefined && isCut(data, first, before)) {
    while (start < data.length && isContinuation(data[start]!) && start < first + 4) start++;
  }
  const last = leadBefore(data, data.length);
  const cutAtEnd = !final && last !== undefined && isCut(data, last, data.length);
  return { start, end: Math.max(start, cutAtEnd ? last : data.length) };
}

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

/** Where the character begins that the byte before `at` is of; none when that is not to be seen. */
function leadBefore(data: Uint8Array, at: number): number | undefined {
  for (let i = at - 1; i >= 0 && i >= at - 3; i--) {
    if (!isContinuation(data[i]!)) return i;
  }
  return undefined;
}

/** Does the character at `lead` go on beyond `at`? RFC 3629: its length is in its first byte. */
function isCut(data: Uint8Array, lead: number, at: number): boolean {
  const byte = data[lead]!;
  const length = byte >= 0xf0 && byte <= 0xf4 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
  return byte <= 0xf4 && lead + length > at;
}
