import { type Fact, fact, type Source, unknown } from '../fact.ts';

/** A whole number in decimal; undefined for anything else, also for one beyond 2^53. */
export function wholeNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (!/^[+-]?\d{1,20}$/.test(trimmed)) return undefined;
  const n = Number(trimmed);
  return Number.isSafeInteger(n) ? n : undefined;
}

/** A whole number that is not negative. */
export function count(text: string): number | undefined {
  const n = wholeNumber(text);
  return n === undefined || n < 0 ? undefined : n;
}

/** A decimal number with an optional fraction and exponent. */
export function decimal(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed.length > 40 || !/^[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?$/.test(trimmed))
    return undefined;
  const n = Number(trimmed);
  return Number.isFinite(n) ? n : undefined;
}

/** `0x1f` or `1f`. */
export function hexadecimal(text: string): number | undefined {
  const match = /^(?:0x)?([0-9a-f]{1,13})$/i.exec(text.trim());
  return match === null ? undefined : Number.parseInt(match[1]!, 16);
}

/** A text that says something: trimmed, at most 400 characters, without control characters. */
export function words(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  const clean = text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  return clean === '' ? undefined : clean.slice(0, 400);
}

const scales: Readonly<Record<string, number>> = {
  b: 1,
  byte: 1,
  bytes: 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
};

/** `"81559 MiB"` in bytes. The unit is obligatory: a figure without one is not guessed. */
export function byteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  const scale = match === null ? undefined : scales[match[2]!.toLowerCase()];
  return match === null || scale === undefined ? undefined : whole(Number(match[1]) * scale);
}

/** A reader of figures with exactly this unit, scaled and rounded to a whole number: `scaled('W', 1000)`. */
export function scaled(unit: string, factor: number): (text: string) => number | undefined {
  return (text) => {
    const trimmed = text.trim();
    if (!trimmed.toLowerCase().endsWith(unit.toLowerCase())) return undefined;
    const n = decimal(trimmed.slice(0, trimmed.length - unit.length));
    return n === undefined ? undefined : whole(n * factor);
  };
}

/** Rounded to a whole number; undefined when it is beyond those that are exact. */
export function whole(n: number): number | undefined {
  const rounded = Math.round(n);
  return Number.isSafeInteger(rounded) ? rounded : undefined;
}

/** Yes/no in the words that drivers use. */
export function yesNo(text: string): boolean | undefined {
  if (/^(yes|enabled|active|supported|on|true|1)$/i.test(text.trim())) return true;
  return /^(no|disabled|not active|not supported|off|false|0)$/i.test(text.trim())
    ? false
    : undefined;
}

/**
 * What a source told. Missing, empty, `N/A`, "not supported" and "deprecated" are not reported;
 * an error word is a failure; a text that `parse` refuses is garbled.
 */
export function told<T>(
  text: string | undefined,
  source: Source,
  parse: (text: string) => T | undefined,
): Fact<T> {
  if (text === undefined) return unknown('not-reported');
  const bare = text.trim().replace(/^\[(.*)\]$/, '$1');
  if (
    /^(-*|n\/?a|none reported|not (supported|available|specified|provided)|unknown|requested functionality has been deprecated)$/i.test(
      bare,
    )
  ) {
    return unknown('not-reported');
  }
  if (/^insufficient permissions?$/i.test(bare)) return unknown('denied');
  if (/^(err!?|unknown error|gpu is lost|gpu requires reset|function not found)$/i.test(bare)) {
    return unknown('failed');
  }
  const value = parse(bare);
  return value === undefined ? unknown('garbled') : fact(value, source);
}
