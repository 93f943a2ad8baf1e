import type { FlowValue } from '../model/flow.ts';

/** What an expression sees: values by the names of its variables. */
export type Scope = Readonly<Record<string, FlowValue>>;

const VALUES_MAX = 100_000;
const DEPTH_MAX = 16;

/** JSON → CEL, where a whole number is an `int` (64 bits) and any other a `double`. */
export function toCel(value: FlowValue): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(toCel);
  return new Map(Object.entries(value).map(([key, item]) => [key, toCel(item)]));
}

/** CEL → JSON. Throws with a sentence for what JSON has no form for, and for what is too large. */
export function fromCel(value: unknown): FlowValue {
  let left = VALUES_MAX;
  const read = (given: unknown, depth: number): FlowValue => {
    if (left-- <= 0) throw new Error(`more than ${VALUES_MAX} values`);
    if (depth > DEPTH_MAX) throw new Error(`more than ${DEPTH_MAX} levels deep`);
    if (given === null || typeof given === 'boolean' || typeof given === 'string') return given;
    if (typeof given === 'bigint') {
      const number = Number(given);
      if (!Number.isSafeInteger(number)) throw new Error(`${given} is beyond ±2^53`);
      return number;
    }
    if (typeof given === 'number') {
      if (!Number.isFinite(given)) throw new Error(`${given} is not a number`);
      return given;
    }
    if (Array.isArray(given)) return given.map((item) => read(item, depth + 1));
    if (typeof given === 'object' && isPlain(given)) {
      const entries = given instanceof Map ? [...given] : Object.entries(given);
      return Object.fromEntries(entries.map(([key, item]) => [String(key), read(item, depth + 1)]));
    }
    throw new Error('the result is neither text, number, boolean, list nor map');
  };
  return read(value, 0);
}

const isList = (value: object): value is readonly FlowValue[] => Array.isArray(value);

const isPlain = (value: object): boolean =>
  value instanceof Map || [Object.prototype, null].includes(Object.getPrototypeOf(value));
