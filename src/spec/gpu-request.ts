import { type Bytes, type MilliGpu, milliGpu } from '../base/units.ts';
import { milliOfInstance } from '../model/mig-profile.ts';
import type { Resources } from '../model/resources.ts';
import type { Layer } from './assemble-step.ts';
import { documentDefaults } from './defaults.ts';
import type { Problem } from './issue.ts';

type GpuAmounts = { readonly count?: MilliGpu | undefined; readonly memory?: Bytes | undefined };

/** Whether its memory is an amount that is held; of whole devices it is what each has at least. */
export const gpuIsShare = ({ count, memory }: GpuAmounts): boolean =>
  count === undefined ? memory !== undefined : count > 0 && count < 1000;

/** Memory alone asks for a share of one device, as large as that memory makes it. */
export function gpuRequest(layers: readonly Layer[]): Pick<Resources, 'gpu' | 'gpuMemory' | 'mig'> {
  for (const { resources } of layers) {
    const gpu = resources?.gpu ?? resources?.compute?.gpu;
    if (gpu === undefined) continue;
    if (typeof gpu === 'number') return { gpu };
    const { count, memory, mig } = gpu;
    if (mig !== undefined) return { gpu: milliGpu(milliOfInstance(mig)), mig };
    if (!gpuIsShare(gpu) || memory === undefined) return { gpu: count ?? milliGpu(1000) };
    return { gpu: count ?? milliGpu(1), gpuMemory: memory };
  }
  return { gpu: documentDefaults.request.gpu };
}

/** A map that says both a profile and an amount. */
export function migErrors({ path, resources }: Layer): Problem[] {
  const blocks = [
    { gpu: resources?.gpu, at: ['gpu'] },
    { gpu: resources?.compute?.gpu, at: ['compute', 'gpu'] },
  ];
  return blocks.flatMap(({ gpu, at }) => {
    if (typeof gpu !== 'object' || gpu.mig === undefined) return [];
    if (gpu.count === undefined && gpu.memory === undefined) return [];
    return [
      {
        path: [...path, 'resources', ...at, 'mig'],
        message:
          'an instance has the compute and memory of its profile: leave out count and memory',
        at: 'key',
      },
    ];
  });
}
