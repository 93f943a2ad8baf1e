import {
  type BasisPoints,
  type BitsPerSecond,
  type Bytes,
  type MicroDollars,
  type MilliCpu,
  type MilliGpu,
  type SpanMs,
  UNLIMITED,
} from '../base/units.ts';
import { parseDecimal, printScaled, timesRoundedUp } from './decimal.ts';

/** Amounts as people write them ⇄ whole numbers of the smallest unit. Fractions of it are rounded up. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly message: string;
      readonly expected: string;
      readonly suggestion?: string;
    };

interface Kind {
  readonly noun: string;
  /** Examples of the form, for messages. */
  readonly form: string;
  /** Smallest units per written unit; '' is the bare number. */
  readonly units: Readonly<Record<string, bigint>>;
  /** In smallest units. From UNLIMITED up to here a value saturates; beyond is an error. */
  readonly max: bigint;
  readonly range: string;
}

const decimal: readonly string[] = ['k', 'M', 'G', 'T', 'P', 'E'];
const binary: readonly string[] = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

const byteUnits: Readonly<Record<string, bigint>> = Object.fromEntries([
  ['', 1n],
  ['B', 1n],
  ['K', 1000n],
  ['KB', 1000n],
  ...decimal.flatMap((unit, i) => [unit, `${unit}B`].map((u) => [u, 1000n ** BigInt(i + 1)])),
  ...binary.flatMap((unit, i) => [unit, `${unit}B`].map((u) => [u, 1024n ** BigInt(i + 1)])),
]);
const bitUnits: Readonly<Record<string, bigint>> = {
  '': 1n,
  bps: 1n,
  kbps: 1000n,
  Mbps: 1000n ** 2n,
  Gbps: 1000n ** 3n,
  Tbps: 1000n ** 4n,
};
const spanUnits: Readonly<Record<string, bigint>> = {
  d: 86_400_000n,
  h: 3_600_000n,
  m: 60_000n,
  s: 1000n,
  ms: 1n,
};

const kinds = {
  cpu: {
    noun: 'an amount of CPU',
    form: 'a number of cores such as 2, 0.5 or 500m',
    units: { '': 1000n, m: 1n },
    max: 1_000_000_000n,
    range: '0 to 1000000 cores',
  },
  gpu: {
    noun: 'an amount of GPU',
    form: 'a number of GPUs such as 1, 4, 0.5 or 500m',
    units: { '': 1000n, m: 1n },
    max: 1_000_000_000n,
    range: '0 to 1000000 GPUs',
  },
  bytes: {
    noun: 'an amount of bytes',
    form: 'a number with a unit such as 512Mi, 1.5Gi or 16GB',
    units: byteUnits,
    max: 2n ** 64n,
    range: '0 to 16Ei',
  },
  bitRate: {
    noun: 'a bit rate',
    form: 'a number with a unit such as 100Mbps or 1Gbps',
    units: bitUnits,
    max: 10n ** 18n,
    range: '0 to 1000000Tbps',
  },
  dollars: {
    noun: 'an amount of dollars',
    form: 'dollars such as 5 or 50.00',
    units: { '': 1_000_000n },
    max: 10n ** 15n,
    range: '0 to 1000000000 dollars',
  },
  percent: {
    noun: 'a percentage',
    form: 'a percentage such as 50% or 12.5%',
    units: { '%': 100n },
    max: 1_000_000n,
    range: '0% to 10000%',
  },
  factor: {
    noun: 'a factor',
    form: 'a factor such as 2 or 1.5',
    units: { '': 10_000n },
    max: 1_000_000n,
    range: '0 to 100',
  },
  weight: {
    noun: 'a weight',
    form: 'a positive number such as 1, 60 or 0.6',
    units: { '': 10_000n },
    max: 100_000_000n,
    range: '0 to 10000',
  },
  hours: {
    noun: 'a number of hours',
    form: 'hours such as 100 or 0.5',
    units: { '': 3_600_000n },
    max: 3_600_000n * 10n ** 9n,
    range: '0 to 1000000000 hours',
  },
} satisfies Record<string, Kind>;

const SPAN_MAX = 36_500n * 86_400_000n;
const SPAN_FORM = 'a span such as 90s, 1h30m, 250ms or 2d; a bare number is seconds';
const SPAN_RANGE = '0 to 36500d';

export const parseCpu = (text: string): Parsed<MilliCpu> => amount<MilliCpu>(text, kinds.cpu);
export const parseBytes = (text: string): Parsed<Bytes> => amount<Bytes>(text, kinds.bytes);
export const parseBitRate = (text: string): Parsed<BitsPerSecond> =>
  amount<BitsPerSecond>(text, kinds.bitRate);
export const parsePercent = (text: string): Parsed<BasisPoints> =>
  amount<BasisPoints>(text, kinds.percent);
/** 1.5 → 15,000 basis points. */
export const parseFactor = (text: string): Parsed<BasisPoints> =>
  amount<BasisPoints>(text, kinds.factor);
/** 0.6 → 6,000 ten-thousandths. */
export const parseWeight = (text: string): Parsed<BasisPoints> =>
  amount<BasisPoints>(text, kinds.weight);
/** Hours of one core, device or GB → thousandths of one for a second. */
export const parseHours = (text: string): Parsed<number> => amount<number>(text, kinds.hours);
/** Of several devices together: 2.5 is a sum of shares. */
export const parseGpuSum = (text: string): Parsed<MilliGpu> => amount<MilliGpu>(text, kinds.gpu);
/** `50.00` or `$50` → micro-dollars. */
export const parseDollars = (text: string): Parsed<MicroDollars> =>
  amount<MicroDollars>(text.replace(/^\s*\$/, ''), kinds.dollars);

/** A share of one device below 1, or whole devices. */
export function parseGpu(text: string): Parsed<MilliGpu> {
  const parsed = amount<MilliGpu>(text, kinds.gpu);
  if (parsed.ok && parsed.value > 1000 && parsed.value % 1000 !== 0) {
    const expected = 'a share of one device below 1, or whole devices';
    return { ok: false, message: `${shown(text)} GPUs cannot be given out`, expected };
  }
  return parsed;
}

export function parseSpan(text: string): Parsed<SpanMs> {
  const trimmed = text.trim();
  if (trimmed === 'unlimited') return { ok: true, value: UNLIMITED as SpanMs };
  const bare = parseDecimal(trimmed);
  if (bare !== undefined) return inSpanRange(text, timesRoundedUp(bare, 1000n));
  const wrong: Parsed<SpanMs> = {
    ok: false,
    message: `${shown(text)} is not a span of time`,
    expected: SPAN_FORM,
  };
  if (trimmed.length > 64) return wrong;
  if (trimmed.startsWith('-')) return inSpanRange(text, -1n);
  let rest = trimmed;
  let total = 0n;
  let last = UNLIMITED;
  const order = Object.keys(spanUnits);
  while (rest !== '') {
    const [piece = '', count = '', unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]+)/.exec(rest) ?? [];
    const factor = Object.hasOwn(spanUnits, unit) ? spanUnits[unit] : undefined;
    const read = parseDecimal(count);
    if (read === undefined) return wrong;
    if (factor === undefined || Number(factor) >= last) {
      const message =
        factor === undefined ? `unknown unit "${unit}" in ${shown(text)}` : wrong.message;
      return { ...wrong, message, expected: `${order.join(', ')}, in this order` };
    }
    total += timesRoundedUp(read, factor);
    last = Number(factor);
    rest = rest.slice(piece.length);
  }
  return trimmed === '' ? wrong : inSpanRange(text, total);
}

/** `22:00` → minutes since midnight. */
export function parseClockTime(text: string): Parsed<number> {
  const [, hours, minutes] = /^\s*([01]?\d|2[0-3]):([0-5]\d)\s*$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) {
    const expected = '00:00 to 23:59';
    return { ok: false, message: `${shown(text)} is not a time of day`, expected };
  }
  return { ok: true, value: Number(hours) * 60 + Number(minutes) };
}

export const printCpu = (value: MilliCpu): string => print(value, () => printScaled(value, 3));
export const printGpu = (value: MilliGpu): string => print(value, () => printScaled(value, 3));
export const printFactor = (value: BasisPoints): string =>
  print(value, () => printScaled(value, 4));
export const printPercent = (value: BasisPoints): string =>
  print(value, () => `${printScaled(value, 2)}%`);
export const printDollars = (value: MicroDollars): string =>
  print(value, () => printScaled(value, 6, 2));
export const printBytes = (value: Bytes): string =>
  print(value, () =>
    shortest(
      value,
      ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki'],
      ['PB', 'TB', 'GB', 'MB', 'kB'],
      byteUnits,
    ),
  );
export const printBitRate = (value: BitsPerSecond): string =>
  print(value, () => shortest(value, [], ['Tbps', 'Gbps', 'Mbps', 'kbps', 'bps'], bitUnits));

export function printSpan(value: SpanMs): string {
  if (value === UNLIMITED) return 'unlimited';
  if (value === 0) return '0s';
  if (value < 1000) return `${value}ms`;
  let rest: number = value;
  let text = '';
  for (const [unit, ms] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const) {
    const count = Math.floor(rest / ms);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * ms;
  }
  return rest === 0 ? text : `${text}${printScaled(rest, 3)}s`;
}

export function printClockTime(minutes: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** A value for a message: quoted, without control characters, and short. */
export function shown(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 39)}…` : text;
  return JSON.stringify(short.toWellFormed()).replace(/[\p{Cc}\u2028\u2029]/gu, '?');
}

function print(value: number, finite: () => string): string {
  return value === UNLIMITED ? 'unlimited' : finite();
}

function amount<T extends number>(text: string, kind: Kind): Parsed<T> {
  const trimmed = text.trim();
  if (trimmed === 'unlimited') return { ok: true, value: UNLIMITED as T };
  const [, number = '', unit = ''] =
    /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s]*)$/.exec(trimmed) ?? [];
  if (number === '' || text.length > 1000) {
    return { ok: false, message: `${shown(text)} is not ${kind.noun}`, expected: kind.form };
  }
  const factor = Object.hasOwn(kind.units, unit) ? kind.units[unit] : undefined;
  if (factor === undefined) return unknownUnit(number, unit, kind);
  const read = parseDecimal(number);
  const value = read === undefined ? undefined : timesRoundedUp(read, factor);
  if (value === undefined || value > kind.max || value < 0n || number.startsWith('-')) {
    const side = number.startsWith('-') ? 'below' : 'above';
    const message = `${shown(text)} is ${side} the range`;
    return { ok: false, message, expected: kind.range };
  }
  return { ok: true, value: saturated(value) as T };
}

function unknownUnit(number: string, unit: string, kind: Kind): Parsed<never> {
  const text = `${number}${unit}`;
  const known = Object.keys(kind.units).filter((u) => u !== '');
  const expected = kind.form;
  if (unit === '')
    return {
      ok: false,
      message: `${shown(text)} has no unit`,
      expected,
      suggestion: `${text}${known[0] ?? ''}`,
    };
  const message =
    kind === kinds.bytes && unit === 'm'
      ? `"m" in ${shown(text)} would mean thousandths of a byte`
      : `unknown unit "${unit.slice(0, 20)}" in ${shown(text)}`;
  // "MBps" is eight times "Mbps": proposing it would invent a meaning.
  const like = kind === kinds.bitRate && unit.includes('B') ? undefined : likeUnit(unit, known);
  return like === undefined
    ? { ok: false, message, expected }
    : { ok: false, message, expected, suggestion: `${number}${like}` };
}

/** The unit that differs in upper and lower case only; a lone letter means the binary one, as in Docker. */
function likeUnit(unit: string, known: readonly string[]): string | undefined {
  const wanted = unit.toLowerCase();
  const asBinary = wanted.length === 1 ? `${wanted}i` : wanted;
  return (
    known.find((u) => u.toLowerCase() === asBinary) ?? known.find((u) => u.toLowerCase() === wanted)
  );
}

function inSpanRange(text: string, value: bigint): Parsed<SpanMs> {
  if (value >= 0n && value <= SPAN_MAX) return { ok: true, value: Number(value) as SpanMs };
  const side = value < 0n ? 'below' : 'above';
  return { ok: false, message: `${shown(text)} is ${side} the range`, expected: SPAN_RANGE };
}

function saturated(value: bigint): number {
  return value >= BigInt(UNLIMITED) ? UNLIMITED : Number(value);
}

/** The unit that leaves a whole number of the fewest digits; binary when both are as short. */
function shortest(
  value: number,
  binaryUnits: readonly string[],
  decimalUnits: readonly string[],
  factors: Readonly<Record<string, bigint>>,
): string {
  let best = { digits: String(value), unit: '' };
  for (const unit of [...binaryUnits, ...decimalUnits]) {
    const factor = Number(factors[unit]);
    if (value === 0 || value % factor !== 0) continue;
    const digits = String(value / factor);
    if (digits.length < best.digits.length || (best.unit === '' && unit === 'bps'))
      best = { digits, unit };
  }
  return `${best.digits}${best.unit}`;
}
