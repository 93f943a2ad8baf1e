import { assert } from './assert.ts';
import type { Brand } from './brand.ts';

export type Bytes = Brand<number, 'Bytes'>;
/** Thousandths of one hardware thread. */
export type MilliCpu = Brand<number, 'MilliCpu'>;
/** Thousandths of one GPU device. */
export type MilliGpu = Brand<number, 'MilliGpu'>;
export type BitsPerSecond = Brand<number, 'BitsPerSecond'>;
/** Millionths of a US dollar. */
export type MicroDollars = Brand<number, 'MicroDollars'>;
/** Ten-thousandths: 10,000 is 1.0. */
export type BasisPoints = Brand<number, 'BasisPoints'>;
/** A moment: milliseconds since 1970, from the shell's clock. */
export type TimeMs = Brand<number, 'TimeMs'>;
/** A length of time. */
export type SpanMs = Brand<number, 'SpanMs'>;

/** Compares greater than any real amount and absorbs addition; never stored as a measured value. */
export const UNLIMITED = Number.MAX_SAFE_INTEGER;

function amount(n: number, unit: string): number {
  assert(Number.isSafeInteger(n) && n >= 0, `not a count of ${unit}: ${n}`);
  return n;
}

export const bytes = (n: number): Bytes => amount(n, 'bytes') as Bytes;
export const milliCpu = (n: number): MilliCpu => amount(n, 'milli-CPU') as MilliCpu;
export const milliGpu = (n: number): MilliGpu => amount(n, 'milli-GPU') as MilliGpu;
export const timeMs = (n: number): TimeMs => amount(n, 'milliseconds') as TimeMs;
export const spanMs = (n: number): SpanMs => amount(n, 'milliseconds') as SpanMs;

/** Saturates at UNLIMITED, so that a sum of limits can neither lose precision nor wrap. */
export function addAmount<T extends number>(a: T, b: NoInfer<T>): T {
  return Math.min(a + b, UNLIMITED) as T;
}

/** a × bp / 10,000, rounded up, saturating. For growth factors and ratios. */
export function scaleAmount<T extends number>(a: T, bp: number): T {
  if (a === UNLIMITED) return a;
  const scaled = Math.ceil((a / 10_000) * bp);
  return Math.min(scaled, UNLIMITED) as T;
}
