/**
 * What the kernel reports of the whole host, as it stands in /proc. A field that is absent, or is not
 * what proc(5) says, is undefined.
 */

/** In clock ticks since boot, summed over the CPUs. `user` and `nice` include guests. */
export interface CpuTicks {
  /** user + nice + system + irq + softirq */
  readonly busy: number;
  /** idle + iowait: the kernel may move time from one to the other, so only the sum is a counter. */
  readonly idle: number;
  /** Wanted, but given to another guest by the hypervisor. */
  readonly stolen: number;
}

export interface MemoryAmounts {
  readonly totalBytes: number | undefined;
  /** What can be had without swapping. */
  readonly availableBytes: number | undefined;
  readonly swapTotalBytes: number | undefined;
  readonly swapFreeBytes: number | undefined;
  readonly cachedBytes: number | undefined;
  readonly dirtyBytes: number | undefined;
}

/** Time in which at least one task, or all of them, waited for the resource; in µs since boot. */
export interface Pressure {
  readonly someUs: number | undefined;
  readonly fullUs: number | undefined;
}

function count(digits: string | undefined): number | undefined {
  if (digits === undefined || !/^\d{1,16}$/.test(digits)) return undefined;
  const n = Number(digits);
  return Number.isSafeInteger(n) ? n : undefined;
}

/** The first line of /proc/stat. Kernels before 2.6.11 have no `stolen`, which is then 0: none was told apart. */
export function parseCpuTicks(stat: string): CpuTicks | undefined {
  const end = stat.indexOf('\n');
  if (end === -1 || !stat.startsWith('cpu ')) return undefined;
  const columns = stat.slice(4, end).trim().split(/ +/).map(count);
  const [user, nice, system, idle, iowait, irq, softirq, stolen = 0] = columns;
  if (columns.includes(undefined)) return undefined;
  const busy = sum([user, nice, system, irq, softirq]);
  const idleSum = sum([idle, iowait]);
  return busy === undefined || idleSum === undefined ? undefined : { busy, idle: idleSum, stolen };
}

function sum(parts: readonly (number | undefined)[]): number | undefined {
  let total = 0;
  for (const part of parts) {
    if (part === undefined) return undefined;
    total += part;
  }
  return Number.isSafeInteger(total) ? total : undefined;
}

const meminfoLine = (name: string) => new RegExp(`^${name}: *(\\d+) kB$`, 'm');
const MEM_TOTAL = meminfoLine('MemTotal');
const MEM_AVAILABLE = meminfoLine('MemAvailable');
const SWAP_TOTAL = meminfoLine('SwapTotal');
const SWAP_FREE = meminfoLine('SwapFree');
const CACHED = meminfoLine('Cached');
const DIRTY = meminfoLine('Dirty');

/** /proc/meminfo; its "kB" are KiB. */
export function parseMemory(meminfo: string): MemoryAmounts {
  const amount = (line: RegExp): number | undefined => {
    const kib = count(line.exec(meminfo)?.[1]);
    return kib === undefined ? undefined : sum([kib * 1024]);
  };
  return {
    totalBytes: amount(MEM_TOTAL),
    availableBytes: amount(MEM_AVAILABLE),
    swapTotalBytes: amount(SWAP_TOTAL),
    swapFreeBytes: amount(SWAP_FREE),
    cachedBytes: amount(CACHED),
    dirtyBytes: amount(DIRTY),
  };
}

// A line counts only with its end: the digits before a cut would be a smaller number.
const SOME = /^some avg10=.* total=(\d+)\n/m;
const FULL = /^full avg10=.* total=(\d+)\n/m;
const LOAD = /^(\d{1,9}\.\d{2}) \d+\.\d{2} \d+\.\d{2} \d+\/\d+ \d+\n/;

/** One of /proc/pressure/{cpu,memory,io}. The averages there are too slow for us; `total` is exact. */
export function parsePressure(pressure: string): Pressure {
  return {
    someUs: count(SOME.exec(pressure)?.[1]),
    fullUs: count(FULL.exec(pressure)?.[1]),
  };
}

/** The one-minute figure of /proc/loadavg: tasks that run, wait for a CPU or for a disk. */
export function parseLoad1(loadavg: string): number | undefined {
  const found = LOAD.exec(loadavg);
  return found === null ? undefined : Number(found[1]);
}
