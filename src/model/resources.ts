import type { Bytes, MilliCpu, MilliGpu } from '../base/units.ts';
import type { WorkloadId } from './ids.ts';

/**
 * An amount of each resource of a node: asked for, held, free or had.
 * `gpu` below 1,000 is a share of one device; above, a multiple of 1,000 means whole devices.
 * `custom` is sorted by name; its amounts are plain counts (licences, ports…).
 */
export interface Resources {
  readonly cpu: MilliCpu;
  readonly memory: Bytes;
  readonly gpu: MilliGpu;
  /** Of the one device of a share, which is the larger of `gpu` and this part of the device's memory. */
  readonly gpuMemory?: Bytes;
  /** One MIG instance of this profile; `gpu` is then what its slices are of a device, for accounts. */
  readonly mig?: string;
  /** Of a share that is held: nothing of any other workload is put on that device beside it. */
  readonly gpuFor?: WorkloadId;
  readonly custom: readonly (readonly [name: string, amount: number])[];
}

/** Interning key: equal resources have equal keys. */
export function resourcesKey(r: Resources): string {
  const share = r.gpuMemory === undefined ? '' : `~${r.gpuMemory}`;
  const mig = r.mig === undefined ? '' : `:${r.mig}`;
  const custom = r.custom.map(([n, a]) => `/${n}=${a}`).join('');
  return `${r.cpu}/${r.memory}/${r.gpu}${share}${mig}${custom}`;
}
