/** `420ms`, `4.2s`, `42s`, `4m 12s`, `3h 05m`, `2d 03h`. */
export function formatSpan(ms: number): string {
  if (ms < 0) return `-${formatSpan(-ms)}`;
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** How long ago, in its largest unit: `now`, `42s ago`, `3h ago`; `in 5m` for what is to come. */
export function formatMoment(at: number, now: number): string {
  const seconds = Math.floor(Math.abs(now - at) / 1_000);
  if (seconds === 0) return 'now';
  const size =
    seconds < 60
      ? `${seconds}s`
      : seconds < 3_600
        ? `${Math.floor(seconds / 60)}m`
        : seconds < 86_400
          ? `${Math.floor(seconds / 3_600)}h`
          : `${Math.floor(seconds / 86_400)}d`;
  return at <= now ? `${size} ago` : `in ${size}`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

function unitOf(bytes: number): number {
  let unit = 0;
  for (let rest = Math.abs(bytes); rest >= 1_023.5 && unit < units.length - 1; rest /= 1_024)
    unit++;
  return unit;
}

function inUnit(bytes: number, unit: number): string {
  const value = bytes / 1_024 ** unit;
  if (unit === 0 || value >= 99.95) return String(Math.round(value));
  return value.toFixed(1).replace(/\.0$/, '');
}

/** `0 B`, `96 MiB`, `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const unit = unitOf(bytes);
  return `${inUnit(bytes, unit)} ${units[unit]}`;
}

/** Used of limit in the limit's unit: `96/128 MiB`. */
export function formatBytesOf(used: number | null, limit: number | null, unknown: string): string {
  if (limit === null) return used === null ? unknown : formatBytes(used);
  const unit = unitOf(limit);
  const part = used === null ? unknown : inUnit(used, unit);
  return `${part}/${inUnit(limit, unit)} ${units[unit]}`;
}

/** Cores from thousandths: `0.5`, `2`, `1.25`. */
export function formatCores(milli: number): string {
  return (milli / 1_000).toFixed(2).replace(/\.?0+$/, '') || '0';
}

/** `71%`, from a ratio. */
export function formatPercent(ratio: number): string {
  return `${Math.round(ratio * 100)}%`;
}
