import { parseRocmSmi } from '../../inventory/parsers/rocm-smi.ts';
import type { ProgramSampler } from '../sampler.ts';
import { GPU_FAMILIES, gpuReadings } from './gpu-readings.ts';

/** A Python program that takes half a second of a CPU: seldom. */
export const amdSampler: ProgramSampler = {
  name: 'amd',
  kind: 'program',
  everyMs: 60_000,
  files: ['/sys/module/amdgpu/initstate'],
  families: GPU_FAMILIES,
  command: (texts) =>
    texts.size === 0
      ? undefined
      : [
          'rocm-smi',
          '--showuniqueid',
          '--showuse',
          '--showmeminfo',
          'vram',
          '--showtemp',
          '--showpower',
          '--showclocks',
          '--showbus',
          '--json',
        ],
  read: (output) => parseRocmSmi(output)?.gpus.flatMap(gpuReadings),
};
