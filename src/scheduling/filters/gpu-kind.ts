import { allowsGpu } from '../allows-gpu.ts';
import { largestShare } from '../device-share.ts';
import { defineFilter } from '../filter.ts';
import { WHOLE_GPU } from '../node-table.ts';

/** Counts the free devices that are allowed: a node may have GPUs of several models. */
export const gpuKind = defineFilter({
  name: 'gpu-kind',
  what: 'GPUs of an allowed model with at least the memory asked for.',
  passes(table, row, gpu, constraints) {
    if (gpu === 0) return true;
    const { gpus } = table.node(row)!;
    const free = table.freeGpu(row);
    const share = Math.min(gpu, WHOLE_GPU);
    let wanted = Math.ceil(gpu / WHOLE_GPU);
    for (let i = 0; i < free.length && wanted > 0; i++) {
      const open = gpu < WHOLE_GPU ? largestShare(gpus[i]!, free[i]!) : free[i]!;
      if (open >= share && allowsGpu(constraints, gpus[i]!)) wanted--;
    }
    return wanted === 0;
  },
});
