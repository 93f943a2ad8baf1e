import { formatBytes, formatMoment } from '../base/format.ts';
import type { MetricUnit } from '../telemetry/metric.ts';

/** With three digits and its unit, for sentences. */
export function amountOf(value: number, unit: MetricUnit): string {
  switch (unit) {
    case 'ratio':
      return `${digits(value * 100)} %`;
    case 'seconds':
      return Math.abs(value) < 1 ? `${digits(value * 1_000)} ms` : `${digits(value)} s`;
    case 'bytes':
      return formatBytes(Math.round(value));
    case 'hertz':
      return `${digits(value / 1e9)} GHz`;
    case 'celsius':
      return `${digits(value)} °C`;
    case 'watts':
      return `${digits(value)} W`;
    case 'joules':
      return `${digits(value)} J`;
    case 'dollars':
      return `$${value.toFixed(2)}`;
    case 'none':
      return digits(value);
  }
}

/** `40 %`. */
export const shareOf = (ratio: number): string => `${digits(ratio * 100)} %`;

/** `1 step`, `2 steps`. */
export const countOf = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

/** To the minute. */
export const momentOf = (at: number): string =>
  `${formatMoment(at).slice(0, 16).replace('T', ' ')} UTC`;

const digits = (value: number): string => String(Number(value.toPrecision(3)));
