import type { Placement } from '../model/messages.ts';
import type { Gpu } from '../model/node.ts';

/**
 * Which devices the task may see, in the variables that the vendors' libraries read: CUDA and NVIDIA's
 * container runtime, ROCm and HIP. Of a share also the memory that it holds, and under MPS its part of the
 * compute and the memory limit, which the MPS server enforces (NVIDIA's MPS guide, "Environment Variables").
 */
export function gpuEnvironment(
  { gpus: ids, held }: Placement,
  devices: readonly Gpu[],
): Record<string, string> {
  const given = devices.filter(({ id }) => ids.includes(id));
  const all = ids.join(',');
  if (given.length > 0 && given.every(({ vendor }) => vendor === 'amd')) {
    return { CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'void', ...amd(ids) };
  }
  return {
    CUDA_VISIBLE_DEVICES: all,
    NVIDIA_VISIBLE_DEVICES: all === '' ? 'void' : all,
    ...(devices.some(({ vendor }) => vendor === 'amd') ? amd([]) : {}),
    ...shareOf(held, given[0]),
  };
}

/** HIP counts from 0 among the devices that ROCr leaves; -1 is none. */
function amd(ids: readonly string[]): Record<string, string> {
  return {
    ROCR_VISIBLE_DEVICES: ids.map(rocrId).join(','),
    HIP_VISIBLE_DEVICES: ids.length === 0 ? '-1' : [...ids.keys()].join(','),
  };
}

/** ROCr names a device `GPU-` and 16 digits, which are the serial that amd-smi tells as `0x…`. */
function rocrId(id: string): string {
  const serial = /^0x([0-9a-f]{1,16})$/i.exec(id)?.[1];
  return serial === undefined ? id : `GPU-${serial.toLowerCase().padStart(16, '0')}`;
}

function shareOf(held: Placement['held'], device: Gpu | undefined): Record<string, string> {
  if (device === undefined || device.mig !== undefined || held.gpu === 0 || held.gpu >= 1000) {
    return {};
  }
  const memory = Math.floor((held.gpu * device.memory) / 1000);
  const bytes = { BERTH_GPU_MEMORY_BYTES: String(memory) };
  if (device.sharing?.kind !== 'mps') return bytes;
  return {
    ...bytes,
    CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: String(Math.ceil(held.gpu / 10)),
    CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: `0=${Math.floor(memory / 2 ** 20)}M`,
  };
}
