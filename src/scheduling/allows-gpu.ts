import type { Constraints } from '../model/constraints.ts';
import type { Gpu } from '../model/node.ts';

/** Whether this device may be given under these constraints, free or not. */
export function allowsGpu(
  constraints: Constraints | undefined,
  gpu: Pick<Gpu, 'model' | 'memory'>,
): boolean {
  if (constraints === undefined) return true;
  const { gpuModels, gpuMemory } = constraints;
  return gpu.memory >= gpuMemory && (gpuModels.length === 0 || gpuModels.includes(gpu.model));
}
