import type { WorkloadId } from '../model/ids.ts';
import type { Resources } from '../model/resources.ts';
import type { NodeIndex } from './node-table.ts';
import type { Ask } from './shape.ts';
import { WHOLE_GPU } from './whole-gpu.ts';

/** The workload beside which nothing else may be on a device, of an ask for a share; undefined of any other. */
export function aloneFor({ gpu, mig, constraints }: Ask): WorkloadId | undefined {
  const isShare = gpu > 0 && gpu < WHOLE_GPU && mig === undefined;
  if (constraints?.gpuAlone !== true || !isShare) return undefined;
  return constraints.self?.workload;
}

/** Whether what is free of each device is all that there is to know for it. */
export const isPlainAsk = (ask: Ask): boolean =>
  ask.mig === undefined && ask.gpuMemory === undefined && aloneFor(ask) === undefined;

/** Devices of which shares are held by workloads that are beside nobody else. */
export class DeviceOwners {
  readonly #byRow = new Map<NodeIndex, Map<string, { workload: WorkloadId; shares: number }>>();

  /** Of what is not held of a device, how much is open to a workload that is beside nobody else, or to any other. */
  open(row: NodeIndex, left: number, device: string, alone: WorkloadId | undefined): number {
    const owner = this.#byRow.get(row)?.get(device)?.workload;
    return owner === alone || (owner === undefined && left === WHOLE_GPU) ? left : 0;
  }

  any(row: NodeIndex): boolean {
    return this.#byRow.has(row);
  }

  forget(row: NodeIndex): void {
    this.#byRow.delete(row);
  }

  /** One more share of the device is held, by `sign` 1, or given back. */
  count(row: NodeIndex, device: string, { gpuFor }: Resources, sign: 1 | -1): void {
    if (gpuFor === undefined) return;
    const devices = this.#byRow.get(row) ?? new Map();
    const shares = (devices.get(device)?.shares ?? 0) + sign;
    if (shares === 0) devices.delete(device);
    else devices.set(device, { workload: gpuFor, shares });
    if (devices.size === 0) this.#byRow.delete(row);
    else this.#byRow.set(row, devices);
  }
}
