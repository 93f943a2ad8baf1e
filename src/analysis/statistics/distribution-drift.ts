import { chiSquareTail } from '../../statistics/chi-square.ts';
import { kolmogorovTail } from '../../statistics/distributions.ts';
import { quantile, sorted } from '../../statistics/robust.ts';

/** How far two samples are apart, and how likely that is by chance. */
export interface Distance {
  readonly value: number;
  readonly p: number;
}

/**
 * Two-sample Kolmogorov–Smirnov: the greatest distance of the empirical distributions. The p-value is asymptotic
 * with Stephens' correction (Numerical Recipes §14.3), good from about 4 points of each on. Undefined of nothing.
 */
export function kolmogorovSmirnov(
  one: Iterable<number>,
  other: Iterable<number>,
): Distance | undefined {
  const a = sorted(one);
  const b = sorted(other);
  if (a.length === 0 || b.length === 0) return undefined;
  let value = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const at = Math.min(a[i]!, b[j]!);
    while (i < a.length && a[i]! <= at) i++;
    while (j < b.length && b[j]! <= at) j++;
    value = Math.max(value, Math.abs(i / a.length - j / b.length));
  }
  const root = Math.sqrt((a.length * b.length) / (a.length + b.length));
  return { value, p: kolmogorovTail((root + 0.12 + 0.11 / root) * value) };
}

const BINS = 10;

/**
 * Population stability index, Σ (q − p)·ln(q / p) over bins that hold as much of the reference each. By custom
 * less than 0.1 is no drift and more than 0.25 is one. Where nothing has drifted it is about
 * χ² × (1/n + 1/m) with one degree less than bins (Yurdakul 2018); the p-value is of that. An empty bin counts
 * as half a point.
 */
export function populationStability(
  reference: Iterable<number>,
  current: Iterable<number>,
): Distance | undefined {
  const before = sorted(reference);
  const after = sorted(current);
  if (before.length === 0 || after.length === 0) return undefined;
  const edges = [
    ...new Set(Array.from({ length: BINS - 1 }, (_, i) => quantile(before, (i + 1) / BINS))),
  ];
  const bin = (value: number): number => edges.filter((edge) => value > edge).length;
  return stabilityOf(countsOf(before, bin), countsOf(after, bin));
}

/** The same of what has names instead of amounts. */
export function categoryStability(
  reference: readonly string[],
  current: readonly string[],
): Distance | undefined {
  if (reference.length === 0 || current.length === 0) return undefined;
  return stabilityOf(countsOf(reference, String), countsOf(current, String));
}

function countsOf<T, K>(values: Iterable<T>, keyOf: (value: T) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const value of values) counts.set(keyOf(value), (counts.get(keyOf(value)) ?? 0) + 1);
  return counts;
}

function stabilityOf<K>(before: Map<K, number>, after: Map<K, number>): Distance {
  const keys = new Set([...before.keys(), ...after.keys()]);
  const sum = (counts: Map<K, number>): number => [...counts.values()].reduce((a, b) => a + b, 0);
  const n = sum(before);
  const m = sum(after);
  let value = 0;
  for (const key of keys) {
    const p = Math.max(before.get(key) ?? 0, 0.5) / n;
    const q = Math.max(after.get(key) ?? 0, 0.5) / m;
    value += (q - p) * Math.log(q / p);
  }
  const p = keys.size < 2 ? 1 : chiSquareTail(value / (1 / n + 1 / m), keys.size - 1);
  return { value, p };
}
