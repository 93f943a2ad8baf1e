import type { MetricHistoryDocument } from '../../src/api/contract/telemetry-documents.ts';
import { bytes, duration, percent, UNKNOWN } from './format.ts';

export type MetricUnit = MetricHistoryDocument['unit'];
type Labels = Readonly<Record<string, string>>;

/** How numbers of one metric are written, and where lines of its grid may lie. */
export interface Scale {
  readonly steps: readonly number[];
  /** The axis reaches at least so far. */
  readonly least: number;
  format(value: number | null | undefined): string;
}

const decades = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i).flatMap((e) =>
    [1, 2, 5].map((n) => Number(`${n}e${e}`)),
  );
const powersOfTwo = Array.from({ length: 42 }, (_, i) => 2 ** i);

/** Three digits at most, then a prefix: `1.2 k`, `3.4 GHz`. */
function prefixed(value: number, unit: string): string {
  const prefixes = ['', 'k', 'M', 'G', 'T'];
  let amount = value;
  let at = 0;
  while (Math.abs(amount) >= 999.5 && at < prefixes.length - 1) {
    amount /= 1_000;
    at++;
  }
  const digits = Math.abs(amount) >= 99.95 || Number.isInteger(amount) ? 0 : amount < 9.995 ? 2 : 1;
  return `${Number(amount.toFixed(digits))} ${prefixes[at]}${unit}`.trimEnd();
}

const scales: Readonly<Record<MetricUnit, Scale>> = {
  none: { steps: decades(-2, 12), least: 1, format: (n) => known(n, (v) => prefixed(v, '')) },
  ratio: { steps: decades(-4, 3), least: 0.1, format: percent },
  seconds: {
    steps: decades(-6, 8),
    least: 0.001,
    format: (n) => known(n, (v) => (v < 0.9995 ? prefixed(v * 1_000, 'ms') : duration(v * 1_000))),
  },
  bytes: { steps: powersOfTwo, least: 1_024, format: bytes },
  hertz: { steps: decades(0, 12), least: 1e9, format: (n) => known(n, (v) => prefixed(v, 'Hz')) },
  celsius: {
    steps: decades(-1, 3),
    least: 50,
    format: (n) => known(n, (v) => `${v.toFixed(v < 99.5 ? 1 : 0)} °C`),
  },
  watts: { steps: decades(-2, 6), least: 10, format: (n) => known(n, (v) => prefixed(v, 'W')) },
  joules: { steps: decades(-2, 12), least: 10, format: (n) => known(n, (v) => prefixed(v, 'J')) },
  dollars: {
    steps: decades(-4, 8),
    least: 0.01,
    format: (n) => known(n, (v) => `$${v < 1 && v > 0 ? Number(v.toPrecision(2)) : v.toFixed(2)}`),
  },
};

const known = (n: number | null | undefined, format: (value: number) => string): string =>
  n === null || n === undefined ? UNKNOWN : format(n);

/** Of a metric as history has it: what is kept as a rate is shown as one. */
export function scaleOf({
  name,
  unit,
}: {
  readonly name: string;
  readonly unit: MetricUnit;
}): Scale {
  const scale = scales[unit];
  if (!name.endsWith('_per_second')) return scale;
  return { ...scale, format: (n) => known(n, (v) => `${scale.format(v)}/s`) };
}

export const scaleOfUnit = (unit: MetricUnit): Scale => scales[unit];

/** CPUs, as tasks hold and use them. */
export const cpuScale: Scale = {
  steps: decades(-2, 4),
  least: 1,
  format: (n) => known(n, (v) => (v < 9.995 ? v.toFixed(2) : v.toFixed(1))),
};

interface HistoryQuery {
  /** As history calls it. */
  readonly name: string;
  readonly labels?: Labels;
  readonly windowMs: number;
  readonly points?: number;
  readonly series?: number;
}

export function historyPath({ name, labels = {}, windowMs, points, series }: HistoryQuery): string {
  const query = new URLSearchParams({ name });
  for (const [label, value] of Object.entries(labels)) query.append('label', `${label}=${value}`);
  query.set('window', `${Math.ceil(windowMs / 1_000)}s`);
  if (points !== undefined) query.set('points', String(points));
  if (series !== undefined) query.set('series', String(series));
  return `/api/v1/metrics/history?${query}`;
}

const MINUTE = 60_000;
const ladder = [15, 60, 360, 1_440, 10_080, 43_200, 129_600].map((minutes) => minutes * MINUTE);

/** The shortest window of a few that reaches back so far: a path that stays the same is read once. */
export const windowReaching = (ms: number): number =>
  ladder.find((step) => step >= ms) ?? ladder.at(-1)!;

/**
 * `values` of moments `from` at the moments `at`: the nearest within `reachMs`, else nothing. Two histories that
 * were asked one after the other have not quite the same moments.
 */
export function valuesAt(
  at: readonly number[],
  from: readonly number[],
  values: readonly (number | null)[],
  reachMs: number,
): (number | null)[] {
  let next = 0;
  return at.map((moment) => {
    while (
      next + 1 < from.length &&
      Math.abs(from[next + 1]! - moment) <= Math.abs(from[next]! - moment)
    )
      next++;
    const nearest = from[next];
    return nearest === undefined || Math.abs(nearest - moment) > reachMs
      ? null
      : (values[next] ?? null);
  });
}

/** Labels as people read them: those that differ between the series, or all of a single one. */
export function seriesNames(series: readonly { readonly labels: Labels }[]): readonly string[] {
  const names = [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))].sort();
  const telling = names.filter(
    (name) => new Set(series.map(({ labels }) => labels[name])).size > 1,
  );
  const shown = telling.length > 0 ? telling : names;
  return series.map(({ labels }) =>
    shown
      .filter((name) => labels[name] !== undefined)
      .map((name) => (shown.length === 1 ? labels[name] : `${name} ${labels[name]}`))
      .join(', '),
  );
}
