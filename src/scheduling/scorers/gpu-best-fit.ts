import { defineScorer, SCORE_MAX } from '../scorer.ts';
import { LARGEST_CPU, LARGEST_GPU } from './largest-node.ts';

export const gpuBestFit = defineScorer({
  name: 'gpu-best-fit',
  what: 'The node with the least CPU and GPU left afterwards, in absolute terms and cut to percent.',
  score(table, row, ask) {
    const cpu = (table.freeCpu(row) - ask.cpu) / LARGEST_CPU;
    const gpu = (table.freeGpuSum(row) - ask.gpu) / LARGEST_GPU;
    const percent = Math.floor((1 - (0.5 * cpu + 0.5 * gpu)) * 100);
    // A node that shrank below what runs on it has less than nothing left.
    return Math.min(100, Math.max(0, percent)) * (SCORE_MAX / 100);
  },
});
