import type { MetricList } from '../api/contract/telemetry-documents.ts';
import { formatBytes } from './format.ts';

type Unit = MetricList['metrics'][number]['unit'];

/** With its unit, as a person reads it: `12.3%`, `1.5 GiB/s`, `2.4 GHz`, `1,204`. */
export function formatMetric(value: number, { name, unit }: { name: string; unit: Unit }): string {
  const each = name.endsWith('_per_second') && unit !== 'watts' ? '/s' : '';
  return `${amountOf(value, unit)}${each}`;
}

function amountOf(value: number, unit: Unit): string {
  switch (unit) {
    case 'ratio':
      return `${plain(value * 100)}%`;
    case 'bytes':
      return formatBytes(value);
    case 'hertz':
      return scaled(value, 'Hz');
    case 'joules':
      return scaled(value, 'J');
    case 'watts':
      return scaled(value, 'W');
    case 'seconds':
      return Math.abs(value) < 1 ? `${plain(value * 1_000)} ms` : `${plain(value)} s`;
    case 'celsius':
      return `${plain(value)} °C`;
    case 'dollars':
      return `$${value.toFixed(2)}`;
    case 'none':
      return plain(value);
  }
}

const PREFIXES = ['', 'k', 'M', 'G', 'T'] as const;

function scaled(value: number, unit: string): string {
  const power = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)) / 3);
  const step = Math.min(PREFIXES.length - 1, Math.max(0, power));
  return `${plain(value / 1_000 ** step)} ${PREFIXES[step]}${unit}`;
}

/** Three digits, and all of a whole number. */
function plain(value: number): string {
  const text =
    Number.isInteger(value) || Math.abs(value) >= 100
      ? String(Math.round(value))
      : String(Number(value.toPrecision(3)));
  return text.replace(/^(-?\d{4,})$/, (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ','));
}
