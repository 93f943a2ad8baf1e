import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

/** Linux tells CPU times in ticks; 100 a second nearly everywhere. */
const TICK_MS = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU milliseconds of a process and of all children that it has waited for: proc_pid_stat(5). */
export function cpuMs(pid: number | 'self'): { readonly own: number; readonly children: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // Field 3 is the first after the name in parentheses; 14 … 17 are the times.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = (field: number): number => Number(fields[field - 3]) * TICK_MS;
  return { own: ticks(14) + ticks(15), children: ticks(16) + ticks(17) };
}

/** Milliseconds of CPU that this process took for it, the threads of the collector included. */
export function cpuOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Three significant digits: more is noise. */
export const rounded = (value: number): number => Number(value.toPrecision(3));

/** Runnable processes over the last minute, the benchmark's own included. */
export const load = (): number => rounded(loadavg()[0]!);
