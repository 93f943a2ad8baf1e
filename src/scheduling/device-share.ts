import { assertNever } from '../base/assert.ts';
import { milliOfInstance } from '../model/mig-profile.ts';
import type { Gpu } from '../model/node.ts';
import type { Resources } from '../model/resources.ts';
import { WHOLE_GPU } from './whole-gpu.ts';

/** What of a request concerns the devices. */
export type ShareAsk = Pick<Resources, 'gpu' | 'gpuMemory' | 'mig'>;

/** MPS serves 48 clients of a device (Volta and later): each holds at least so much of it. */
const MPS_SHARE_MIN = Math.ceil(WHOLE_GPU / 48);

/** Milli-GPU of compute that the device is, for capacities: an instance is the part that its slices are. */
export const capacityOf = (gpu: Gpu): number =>
  gpu.mig?.kind === 'instance' ? milliOfInstance(gpu.mig.profile) : WHOLE_GPU;

/** Milli-GPU that each of N tasks in turn holds. */
const replicaOf = (replicas: number): number => Math.floor(WHOLE_GPU / replicas);

/**
 * What a share holds of this device: the larger of the compute and of the part of the memory asked for,
 * so that neither is promised twice. A replica of a time-sliced device is never less than its turn.
 */
export function shareOn(gpu: Gpu, ask: ShareAsk): number {
  if (ask.mig !== undefined || ask.gpu >= WHOLE_GPU) return ask.gpu;
  let share: number = ask.gpu;
  if (ask.gpuMemory !== undefined) {
    const part = gpu.memory === 0 ? Infinity : ask.gpuMemory / gpu.memory;
    share = Math.max(share, Math.ceil(part * WHOLE_GPU));
  }
  if (gpu.sharing?.kind === 'time-slice') share = Math.max(share, replicaOf(gpu.sharing.replicas));
  if (gpu.sharing?.kind === 'mps') share = Math.max(share, MPS_SHARE_MIN);
  return share;
}

/** What is left of a device for whole and shared use, when so much of it is held; nothing of MIG's. */
export const openOf = (gpu: Gpu, held: number): number =>
  gpu.mig === undefined ? WHOLE_GPU - held : 0;

/** The largest share that a device with so much open would give out. */
export function largestShare(gpu: Gpu, open: number): number {
  if (gpu.mig !== undefined) return 0;
  switch (gpu.sharing?.kind) {
    case undefined:
      return open;
    case 'exclusive':
      return 0;
    case 'mps':
      return open < MPS_SHARE_MIN ? 0 : open;
    case 'time-slice': {
      const replica = replicaOf(gpu.sharing.replicas);
      return open < replica ? 0 : replica;
    }
    default:
      return assertNever(gpu.sharing);
  }
}

/** Whether a share may go on a device with so much open. Its model is looked at elsewhere. */
export function shareFits(gpu: Gpu, open: number, ask: ShareAsk): boolean {
  const share = shareOn(gpu, ask);
  return share <= WHOLE_GPU && share <= largestShare(gpu, open);
}

/** True when the device needs no more than its open amount to be known: the fast path. */
export const isPlain = (gpu: Gpu): boolean => gpu.sharing === undefined && gpu.mig === undefined;
