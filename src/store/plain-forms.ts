import { z } from 'zod';
import type { BasisPoints, BitsPerSecond, Bytes, MilliCpu, SpanMs } from '../base/units.ts';

/** Schemas of single values, from which the forms of events are made. */

// The brands are made here, where the number or the text has been checked.
export const whole = <T extends number>() => z.int().nonnegative() as unknown as z.ZodType<T>;
export const text = <T extends string>() => z.string() as unknown as z.ZodType<T>;
export const bytes = whole<Bytes>();
export const span = whole<SpanMs>();
export const milliCpu = whole<MilliCpu>();
export const basisPoints = whole<BasisPoints>();
export const bitRate = whole<BitsPerSecond>();
export const textMap = z.record(z.string(), z.string());
