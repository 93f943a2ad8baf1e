import type { TimeMs } from '../base/units.ts';
import type { Reading } from './metric.ts';

/** Of the whole host. Ratios are 0 … 1, over the time since the sample before; unknown is undefined. */
export interface HostSample {
  readonly at: TimeMs;
  /** Of all CPUs together, without what the hypervisor took. */
  readonly cpuBusyRatio: number | undefined;
  readonly memoryTotalBytes: number | undefined;
  /** Total less available: what cannot be had without swapping. */
  readonly memoryUsedBytes: number | undefined;
  /** Share of the time in which at least one task waited for the resource (PSI `some`). */
  readonly cpuPressureRatio: number | undefined;
  readonly memoryPressureRatio: number | undefined;
  readonly ioPressureRatio: number | undefined;
  /** Share of the time in which all tasks waited for memory (PSI `full`). */
  readonly memoryStallRatio: number | undefined;
}

const WAITING = 'berth_node_pressure_waiting_ratio';
const STALLED = 'berth_node_pressure_stalled_ratio';
const NODE = 'berth_node_';

/** What those who act on the host at once go by, of the readings of one moment. */
export function hostSample(at: TimeMs, readings: readonly Reading[]): HostSample {
  const found = new Map<string, number>();
  for (const { name, labels, value } of readings) {
    if (!name.startsWith(NODE)) continue;
    if (name === WAITING || name === STALLED) found.set(`${name} ${labels['resource']}`, value);
    else found.set(name, value);
  }
  return {
    at,
    cpuBusyRatio: found.get('berth_node_cpu_busy_ratio'),
    memoryTotalBytes: found.get('berth_node_memory_total_bytes'),
    memoryUsedBytes: found.get('berth_node_memory_used_bytes'),
    cpuPressureRatio: found.get(`${WAITING} cpu`),
    memoryPressureRatio: found.get(`${WAITING} memory`),
    ioPressureRatio: found.get(`${WAITING} io`),
    memoryStallRatio: found.get(`${STALLED} memory`),
  };
}
