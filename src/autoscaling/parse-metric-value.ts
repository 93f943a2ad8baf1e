import { METRIC_MAX } from '../model/autoscaling.ts';

/** Longer than any number that is meant. */
export const VALUE_BYTES_MAX = 64;
const NUMBER = /^\d+(\.\d+)?([eE][+-]?\d{1,3})?$/;

/** `42`, `0.5` or `1e3` alone, in thousandths; undefined for anything else, and for what is out of range. */
export function parseMetricValue(text: string): number | undefined {
  const plain = text.trim();
  if (plain.length > VALUE_BYTES_MAX || !NUMBER.test(plain)) return undefined;
  const value = Number(plain);
  if (!(value <= METRIC_MAX)) return undefined;
  // Of what there is to do, the least is not nothing.
  return value === 0 ? 0 : Math.max(1, Math.round(value * 1_000));
}
