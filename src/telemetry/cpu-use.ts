import { type CpuTicks, parseCpuTicks } from './proc-counters.ts';

/** Ticks of each CPU that is online, by its number. */
export type TicksByCpu = ReadonlyMap<number, CpuTicks>;

/** More than any kernel is built for (NR_CPUS). */
const CPUS_MAX = 8_192;

/** The lines `cpu0`, `cpu1`… of /proc/stat; those that are garbled are not there. */
export function parseTicksByCpu(stat: string): TicksByCpu {
  const found = new Map<number, CpuTicks>();
  for (const [, id, columns] of stat.matchAll(/^cpu(\d{1,5}) (.*)$/gm)) {
    const ticks = parseCpuTicks(`cpu ${columns}\n`);
    if (ticks !== undefined && found.size < CPUS_MAX) found.set(Number(id), ticks);
  }
  return found;
}

export interface BusyCpu {
  readonly id: number;
  /** 0 … 1, of the time that the hypervisor left. */
  readonly busyRatio: number;
}

/** CPUs whose counters went back, or stood still, are left out: nothing is known of them. */
export function cpuUse(before: TicksByCpu, after: TicksByCpu): readonly BusyCpu[] {
  return [...after].flatMap(([id, now]) => {
    const old = before.get(id);
    if (old === undefined || now.busy < old.busy || now.idle < old.idle) return [];
    const busy = now.busy - old.busy;
    const all = busy + now.idle - old.idle + Math.max(0, now.stolen - old.stolen);
    return all > 0 ? [{ id, busyRatio: busy / all }] : [];
  });
}
