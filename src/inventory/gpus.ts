import type { Gpu } from './gpu.ts';
import type { Outcomes } from './registry.ts';
import type { GpuLink } from './topology.ts';

/** The GPUs of all vendors, in the order of the registry. */
export function gpusOf(_outcomes: Outcomes): readonly Gpu[] {
  return [];
}

export function gpuLinksOf(_outcomes: Outcomes): readonly GpuLink[] {
  return [];
}
