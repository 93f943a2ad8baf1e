import { defineScorer, SCORE_MAX } from '../scorer.ts';
import { LARGEST_CPU, LARGEST_GPU } from './largest-node.ts';

/** Alignment as in Tetris (Grandl et al., SIGCOMM'14), inverted and cut to percent as published for GPUs. */
export const dotProduct = defineScorer({
  name: 'dot-product',
  what: 'The node whose free CPU and GPU are least aligned with the request: large rest stays large.',
  score(table, row, ask) {
    const cpu = (table.freeCpu(row) / LARGEST_CPU) * (ask.cpu / LARGEST_CPU);
    const gpu = (table.freeGpuSum(row) / LARGEST_GPU) * (ask.gpu / LARGEST_GPU);
    const percent = Math.floor(100 * (1 - (cpu + gpu) / 2));
    return Math.max(0, percent) * (SCORE_MAX / 100);
  },
});
