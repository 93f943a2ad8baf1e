import type { TimeMs } from '../base/units.ts';
import {
  type CpuTicks,
  type MemoryAmounts,
  type Pressure,
  parseCpuTicks,
  parseLoad1,
  parseMemory,
  parsePressure,
} from './proc-counters.ts';

/** Files below /proc that one reading is made of. */
export const READING_FILES = [
  'stat',
  'meminfo',
  'loadavg',
  'pressure/cpu',
  'pressure/memory',
  'pressure/io',
] as const;
export type ReadingFile = (typeof READING_FILES)[number];

/** The counters of one moment; two of them make a sample. */
export interface HostReading {
  readonly at: TimeMs;
  /** On a clock that is never set, in milliseconds with a fraction. */
  readonly monotonicMs: number;
  readonly cpu: CpuTicks | undefined;
  readonly memory: MemoryAmounts;
  readonly load1: number | undefined;
  readonly cpuPressure: Pressure;
  readonly memoryPressure: Pressure;
  readonly ioPressure: Pressure;
}

/** Of the whole host. Ratios are 0 … 1, over the time since the sample before; unknown is undefined. */
export interface HostSample {
  readonly at: TimeMs;
  /** Of all CPUs together, without what the hypervisor took. */
  readonly cpuBusyRatio: number | undefined;
  readonly cpuStolenRatio: number | undefined;
  readonly load1: number | undefined;
  readonly memoryTotalBytes: number | undefined;
  /** Total less available: what cannot be had without swapping. */
  readonly memoryUsedBytes: number | undefined;
  readonly swapUsedBytes: number | undefined;
  /** Share of the time in which at least one task waited for the resource (PSI `some`). */
  readonly cpuPressureRatio: number | undefined;
  readonly memoryPressureRatio: number | undefined;
  readonly ioPressureRatio: number | undefined;
  /** Share of the time in which all tasks waited for memory (PSI `full`). */
  readonly memoryStallRatio: number | undefined;
}

/** A file that is absent, or could not be read, is undefined or not there. */
export function parseReading(
  at: TimeMs,
  monotonicMs: number,
  texts: Readonly<Partial<Record<ReadingFile, string | undefined>>>,
): HostReading {
  return {
    at,
    monotonicMs,
    cpu: parseCpuTicks(texts.stat ?? ''),
    memory: parseMemory(texts.meminfo ?? ''),
    load1: parseLoad1(texts.loadavg ?? ''),
    cpuPressure: parsePressure(texts['pressure/cpu'] ?? ''),
    memoryPressure: parsePressure(texts['pressure/memory'] ?? ''),
    ioPressure: parsePressure(texts['pressure/io'] ?? ''),
  };
}

export function sampleHost(before: HostReading, after: HostReading): HostSample {
  const elapsedUs = (after.monotonicMs - before.monotonicMs) * 1000;
  const waiting = (from: number | undefined, to: number | undefined) =>
    share(growth(from, to), elapsedUs);
  const { memory } = after;
  return {
    at: after.at,
    ...sampleCpu(before.cpu, after.cpu),
    load1: after.load1,
    memoryTotalBytes: memory.totalBytes,
    memoryUsedBytes: rest(memory.totalBytes, memory.availableBytes),
    swapUsedBytes: rest(memory.swapTotalBytes, memory.swapFreeBytes),
    cpuPressureRatio: waiting(before.cpuPressure.someUs, after.cpuPressure.someUs),
    memoryPressureRatio: waiting(before.memoryPressure.someUs, after.memoryPressure.someUs),
    ioPressureRatio: waiting(before.ioPressure.someUs, after.ioPressure.someUs),
    memoryStallRatio: waiting(before.memoryPressure.fullUs, after.memoryPressure.fullUs),
  };
}

function sampleCpu(before: CpuTicks | undefined, after: CpuTicks | undefined) {
  const busy = growth(before?.busy, after?.busy);
  const idle = growth(before?.idle, after?.idle);
  const stolen = growth(before?.stolen, after?.stolen);
  if (busy === undefined || idle === undefined || stolen === undefined) {
    return { cpuBusyRatio: undefined, cpuStolenRatio: undefined };
  }
  const all = busy + idle + stolen;
  return { cpuBusyRatio: share(busy, all), cpuStolenRatio: share(stolen, all) };
}

/** Unknown where the counter went back: it began anew, and what it counted in between is lost. */
function growth(before: number | undefined, after: number | undefined): number | undefined {
  if (before === undefined || after === undefined || after < before) return undefined;
  return after - before;
}

/** Counters and clock are read microseconds apart, so that a share of all may come out above 1. */
function share(part: number | undefined, whole: number): number | undefined {
  return part === undefined || !(whole > 0) ? undefined : Math.min(1, part / whole);
}

function rest(total: number | undefined, free: number | undefined): number | undefined {
  if (total === undefined || free === undefined || free > total) return undefined;
  return total - free;
}
