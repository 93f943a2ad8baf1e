/** Amounts as sentences and tables show them: three significant digits, binary bytes, no locale. */

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : trim(value)} ${BYTE_UNITS[unit]}`;
}

/** `500m` → `0.5`; whole cores without a point. */
export function formatMilli(milli: number): string {
  return String(Math.round(milli) / 1000);
}

/** The two largest parts: `4m 12s`, `1h 5m`, `850ms`. */
export function formatSpan(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 10_000) return `${trim(ms / 1_000)}s`;
  const s = Math.round(ms / 1_000);
  if (s < 60) return `${s}s`;
  if (s < 3_600) return `${Math.floor(s / 60)}m ${s % 60}s`;
  if (s < 86_400) return `${Math.floor(s / 3_600)}h ${Math.floor((s % 3_600) / 60)}m`;
  return `${Math.floor(s / 86_400)}d ${Math.floor((s % 86_400) / 3_600)}h`;
}

/** `2026-03-29T20:00:00Z`: of milliseconds since 1970, to the second that has begun. */
export function formatMoment(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** `$12.50`, `$0.000125`: at least the cents, and all of what is below one, of micro-dollars. */
export function formatDollars(micro: number): string {
  const text = String(Math.abs(micro)).padStart(7, '0');
  const fraction = text.slice(-6).replace(/0{1,4}$/, '');
  return `${micro < 0 ? '-' : ''}$${text.slice(0, -6)}.${fraction}`;
}

/** An amount of a resource with its unit: `1.5 CPUs`, `4 GiB memory`, `1 GPU`, `3 licence`. */
export function formatAmount(resource: string, amount: number): string {
  if (resource === 'cpu' || resource === 'gpu') {
    return `${formatMilli(amount)} ${resource.toUpperCase()}${amount === 1_000 ? '' : 's'}`;
  }
  if (resource === 'gpu-memory') return `${formatBytes(amount)} of one GPU's memory`;
  if (resource === 'scratch') return `${formatBytes(amount)} scratch`;
  if (resource === 'memory') return `${formatBytes(amount)} memory`;
  return `${amount} ${resource}`;
}

function trim(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
