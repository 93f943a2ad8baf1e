import { assertNever } from '../../base/assert.ts';
import type { SpanMs, TimeMs } from '../../base/units.ts';
import type { Comparison, Condition, MetricTerm } from '../../model/alert-rule.ts';
import { aliasOf, readAlias } from '../aliases.ts';
import type { Labels, Reading } from '../metric.ts';

/** What conditions are told from at one moment. Names are as `historyName` has them. */
export interface Measured {
  readonly at: TimeMs;
  latest(name: string): readonly Reading[];
  /** The points of the last `spanMs`, oldest first. */
  window(name: string, spanMs: SpanMs): readonly WindowSeries[];
}

export interface WindowSeries {
  readonly labels: Labels;
  readonly points: readonly WindowPoint[];
}

export interface WindowPoint {
  readonly at: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

/** Whether it holds for these labels, and the number that was compared first. */
export interface Truth {
  readonly labels: Labels;
  readonly holds: boolean;
  readonly value: number;
}

/** Of one metric, and of what comes of two; those above are not looked at. */
export const SERIES_MAX = 1_000;
/** Before so much of a span was measured, nothing is told of it. */
const COVERED_MIN = 0.5;

interface Amount {
  readonly labels: Labels;
  readonly value: number;
}

/** One truth for each set of labels; none where nothing was measured. */
export function evaluate(condition: Condition, measured: Measured): readonly Truth[] {
  switch (condition.kind) {
    case 'compare': {
      const [left, right] = sidesOf(condition, measured);
      return joined(left, right, (a, b, labels) => ({
        labels,
        holds: compares(condition.op, a.value, b.value),
        value: a.value,
      }));
    }
    case 'and':
      return joined(
        evaluate(condition.left, measured),
        evaluate(condition.right, measured),
        (a, b, labels) => ({ labels, holds: a.holds && b.holds, value: a.value }),
      );
    case 'or':
      return eitherOf(evaluate(condition.left, measured), evaluate(condition.right, measured));
    case 'not':
      return evaluate(condition.of, measured).map((one) => ({ ...one, holds: !one.holds }));
    case 'number':
    case 'metric':
    case 'over-time':
    case 'predict':
    case 'over-series':
    case 'arithmetic':
      return [];
    default:
      return assertNever(condition);
  }
}

/** The names that a condition is told from, aliases resolved. */
export function namesIn(condition: Condition): readonly string[] {
  const found = new Set<string>();
  for (const { name } of metricsIn(condition)) {
    for (const one of aliasOf(name)?.names ?? [name]) found.add(one);
  }
  return [...found];
}

/** In the order in which they stand there. */
export function metricsIn(condition: Condition): readonly MetricTerm[] {
  switch (condition.kind) {
    case 'number':
      return [];
    case 'metric':
      return [condition];
    case 'over-time':
    case 'predict':
    case 'over-series':
    case 'not':
      return metricsIn(condition.of);
    case 'arithmetic':
    case 'compare':
    case 'and':
    case 'or':
      return [...metricsIn(condition.left), ...metricsIn(condition.right)];
    default:
      return assertNever(condition);
  }
}

function sidesOf(
  { left, right }: Extract<Condition, { kind: 'compare' }>,
  measured: Measured,
): readonly [readonly Amount[], readonly Amount[]] {
  // `cpu_utilization > 90%` is 90 of an alias that is told in percent, and 0.9 of a ratio.
  const scaled = (side: Condition, other: Condition): readonly Amount[] => {
    const amounts = amountsOf(side, measured);
    if (side.kind !== 'number' || !side.percent || !inPercent(other)) return amounts;
    return amounts.map((one) => ({ ...one, value: one.value * 100 }));
  };
  return [scaled(left, right), scaled(right, left)];
}

const inPercent = (side: Condition): boolean =>
  metricsIn(side).some(({ name }) => aliasOf(name)?.unit === 'percent');

function amountsOf(term: Condition, measured: Measured): readonly Amount[] {
  switch (term.kind) {
    case 'number':
      return [{ labels: {}, value: term.value }];
    case 'metric':
      return readingsOf(term, measured);
    case 'over-time':
      return overSpan(term, measured);
    case 'predict':
      return predicted(term, measured);
    case 'over-series':
      return overAll(term, measured);
    case 'arithmetic':
      return joined(
        amountsOf(term.left, measured),
        amountsOf(term.right, measured),
        (a, b, labels) => ({ labels, value: reckoned(term.op, a.value, b.value) }),
      ).filter(({ value }) => Number.isFinite(value));
    case 'compare':
    case 'and':
    case 'or':
    case 'not':
      return [];
    default:
      return assertNever(term);
  }
}

function readingsOf(term: MetricTerm, measured: Measured): readonly Amount[] {
  const alias = aliasOf(term.name);
  const readings =
    alias === undefined
      ? measured.latest(term.name)
      : readAlias(alias, (name) => measured.latest(name));
  return picked(term, readings);
}

function picked<T extends { readonly labels: Labels }>(
  { matchers }: MetricTerm,
  all: readonly T[],
): readonly T[] {
  const found: T[] = [];
  for (const one of all) {
    const fits = matchers.every(
      ({ label, equal, value }) => ((one.labels[label] ?? '') === value) === equal,
    );
    if (fits && found.push(one) >= SERIES_MAX) break;
  }
  return found;
}

type OverTime = Extract<Condition, { kind: 'over-time' }>;
type Predict = Extract<Condition, { kind: 'predict' }>;

function windowsOf(
  { of, spanMs }: OverTime | Predict,
  measured: Measured,
): readonly WindowSeries[] {
  const alias = aliasOf(of.name);
  const windows = picked(
    of,
    alias === undefined
      ? measured.window(of.name, spanMs)
      : windowsOfAlias(of.name, spanMs, measured),
  );
  return windows.filter(({ points }) => {
    const first = points[0];
    return first !== undefined && measured.at - first.at >= spanMs * COVERED_MIN;
  });
}

/** Point by point: what the alias says of the means of its parts at the same moment. */
function windowsOfAlias(name: string, spanMs: SpanMs, measured: Measured): WindowSeries[] {
  const alias = aliasOf(name)!;
  const parts = new Map(alias.names.map((one) => [one, measured.window(one, spanMs)]));
  const moments = new Map<number, Map<string, Reading[]>>();
  for (const [one, windows] of parts) {
    for (const { labels, points } of windows) {
      for (const { at, mean } of points) {
        const readings = moments.get(at) ?? new Map<string, Reading[]>();
        moments.set(at, readings);
        const same = readings.get(one) ?? [];
        readings.set(one, same);
        same.push({ name: one, labels, value: mean });
      }
    }
  }
  const found = new Map<string, { labels: Labels; points: WindowPoint[] }>();
  for (const at of [...moments.keys()].sort((a, b) => a - b)) {
    const readings = moments.get(at)!;
    for (const { labels, value } of readAlias(alias, (part) => readings.get(part) ?? [])) {
      const key = labelsKey(labels, Object.keys(labels));
      const series = found.get(key) ?? { labels, points: [] };
      found.set(key, series);
      series.points.push({ at, mean: value, min: value, max: value });
    }
  }
  return [...found.values()];
}

function overSpan(term: OverTime, measured: Measured): readonly Amount[] {
  return windowsOf(term, measured).map(({ labels, points }) => {
    if (term.fn === 'max') return { labels, value: most(points.map(({ max }) => max)) };
    if (term.fn === 'min') return { labels, value: -most(points.map(({ min }) => -min)) };
    return { labels, value: meanOf(points.map(({ mean }) => mean)) };
  });
}

/** Least squares. */
function predicted(term: Predict, measured: Measured): readonly Amount[] {
  return windowsOf(term, measured).flatMap(({ labels, points }) => {
    const x = points.map(({ at }) => at - measured.at);
    const y = points.map(({ mean }) => mean);
    const [middle, level] = [meanOf(x), meanOf(y)];
    let [covariance, variance] = [0, 0];
    for (const [i, one] of x.entries()) {
      covariance += (one - middle) * (y[i]! - level);
      variance += (one - middle) ** 2;
    }
    if (variance === 0) return [];
    return [{ labels, value: level + (covariance / variance) * (term.aheadMs - middle) }];
  });
}

function overAll(
  { fn, of }: Extract<Condition, { kind: 'over-series' }>,
  measured: Measured,
): readonly Amount[] {
  const values = amountsOf(of, measured).map(({ value }) => value);
  if (fn === 'count') return [{ labels: {}, value: values.length }];
  if (values.length === 0) return [];
  const sum = values.reduce((a, b) => a + b, 0);
  const value = {
    sum: () => sum,
    avg: () => sum / values.length,
    max: () => most(values),
    min: () => -most(values.map((one) => -one)),
  }[fn]();
  return [{ labels: {}, value }];
}

const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));
const meanOf = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;

function compares(op: Comparison, a: number, b: number): boolean {
  switch (op) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    default:
      return assertNever(op);
  }
}

function reckoned(op: '+' | '-' | '*' | '/', a: number, b: number): number {
  if (op === '+') return a + b;
  if (op === '-') return a - b;
  return op === '*' ? a * b : a / b;
}

/**
 * Each of the left with each of the right that has the same value of every label that both have: a number without
 * labels goes with everything. At most SERIES_MAX.
 */
function joined<L extends { readonly labels: Labels }, R extends { readonly labels: Labels }, T>(
  left: readonly L[],
  right: readonly R[],
  join: (a: L, b: R, labels: Labels) => T,
): readonly T[] {
  const names = Object.keys(left[0]?.labels ?? {}).filter((name) =>
    right.every(({ labels }) => Object.hasOwn(labels, name)),
  );
  const byKey = new Map<string, R[]>();
  for (const one of right) {
    const key = labelsKey(one.labels, names);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [one]);
    else same.push(one);
  }
  const found: T[] = [];
  for (const a of left) {
    for (const b of byKey.get(labelsKey(a.labels, names)) ?? []) {
      if (!fitTogether(a.labels, b.labels)) continue;
      found.push(join(a, b, { ...a.labels, ...b.labels }));
      if (found.length >= SERIES_MAX) return found;
    }
  }
  return found;
}

/** Labels that both have are the same. */
export function fitTogether(a: Labels, b: Labels): boolean {
  return Object.entries(a).every(([name, value]) => b[name] === undefined || b[name] === value);
}

/** What is told of the same labels by both is one; it holds where either does. */
function eitherOf(left: readonly Truth[], right: readonly Truth[]): readonly Truth[] {
  const found = new Map<string, Truth>();
  for (const one of [...left, ...right]) {
    const key = labelsKey(one.labels, Object.keys(one.labels));
    const before = found.get(key);
    if (before === undefined || (one.holds && !before.holds)) found.set(key, one);
  }
  return [...found.values()].slice(0, SERIES_MAX);
}

const labelsKey = (labels: Labels, names: readonly string[]): string =>
  JSON.stringify(names.toSorted().map((name) => [name, labels[name] ?? '']));
