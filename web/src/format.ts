/** Numbers and times as people read them. Unknown is an em dash, never zero. */

export const UNKNOWN = '—';

const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Binary units with three digits at most: `4.0 GiB`, `512 MiB`. */
export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return UNKNOWN;
  let amount = n;
  let unit = 0;
  while (amount >= 1_023.5 && unit < binary.length - 1) {
    amount /= 1_024;
    unit++;
  }
  const digits = unit === 0 || amount >= 99.95 ? 0 : 1;
  return `${amount.toFixed(digits)} ${binary[unit]}`;
}

/** Thousandths as a plain number: 2500 is `2.5`. */
export function milli(n: number | null | undefined): string {
  if (n === null || n === undefined) return UNKNOWN;
  return String(Number((n / 1_000).toFixed(n < 10_000 ? 2 : 1)));
}

export function percent(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined) return UNKNOWN;
  const n = ratio * 100;
  return `${n > 0 && n < 9.95 ? n.toFixed(1) : n.toFixed(0)}%`;
}

/** Two parts at most: `4m 12s`, `2h 05m`, `3d 4h`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return UNKNOWN;
  if (ms < 10_000) return `${(Math.max(0, ms) / 1_000).toFixed(1)}s`;
  const s = Math.round(ms / 1_000);
  if (s < 60) return `${s}s`;
  if (s < 3_600) return `${Math.floor(s / 60)}m ${pad(s % 60)}s`;
  const m = Math.round(s / 60);
  if (m < 1_440) return `${Math.floor(m / 60)}h ${pad(m % 60)}m`;
  const h = Math.round(m / 60);
  return `${Math.floor(h / 24)}d ${h % 24}h`;
}

/** One part, for columns that are read at a glance. */
export function ago(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000));
  if (s < 2) return 'now';
  if (s < 60) return `${s}s ago`;
  if (s < 3_600) return `${Math.floor(s / 60)}m ago`;
  if (s < 86_400) return `${Math.floor(s / 3_600)}h ago`;
  return `${Math.floor(s / 86_400)}d ago`;
}

/** In the reader's time zone: `2026-11-21 14:21:07`. */
export function moment(at: number): string {
  const d = new Date(at);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${clock(at)}`;
}

export function clock(at: number): string {
  const d = new Date(at);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

/** To the minute, with the day where it is not that of `today`: `14:21`, `11-22 09:05`. */
export function shortMoment(at: number, today: number): string {
  const [d, other] = [new Date(at), new Date(today)];
  const time = `${pad(d.getHours())}:${pad(d.getMinutes())}`;
  if (d.toDateString() === other.toDateString()) return time;
  return `${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${time}`;
}

const pad = (n: number): string => String(n).padStart(2, '0');

/** With a thin gap between thousands: `12 345`. */
export const whole = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, '\u202f');

/** Of micro-dollars: cents, or two significant digits of what is less than one. */
export function dollars(micro: number): string {
  const amount = micro / 1_000_000;
  if (amount !== 0 && Math.abs(amount) < 0.01) return `$${Number(amount.toPrecision(2))}`;
  const [units = '', cents = ''] = Math.abs(amount).toFixed(2).split('.');
  return `${amount < 0 ? '−' : ''}$${whole(Number(units))}.${cents}`;
}

export function counted(n: number, noun: string): string {
  return `${whole(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** `a`, `a and b`, `a, b and 3 more`. */
export function listed(names: readonly string[], most = 3): string {
  const shown =
    names.length > most ? [...names.slice(0, most - 1), `${names.length - most + 1} more`] : names;
  if (shown.length < 2) return shown[0] ?? '';
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
