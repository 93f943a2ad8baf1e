import { WHOLE_GPU } from '../node-table.ts';
import { defineScorer, SCORE_MAX } from '../scorer.ts';

/** MLaaS's packing (Weng et al., NSDI'22) as published for comparison in FGD, cut to percent. */
export const gpuPacking = defineScorer({
  name: 'gpu-packing',
  what: 'GPUs already shared, then free GPUs of nodes in use, then idle nodes with few GPUs.',
  score(table, row, ask) {
    const percent = SCORE_MAX / 100;
    if (ask.gpu === 0) return 0;
    const whole = table.wholeGpus(row);
    const free = table.freeGpu(row);
    if (whole === free.length) return Math.max(33 - whole, Math.min(whole, 100)) * percent;
    if (ask.gpu >= WHOLE_GPU) return Math.max(50 - ask.gpu / WHOLE_GPU, 33) * percent;
    let tightest = WHOLE_GPU;
    for (const left of free) if (left >= ask.gpu && left < tightest) tightest = left;
    if (tightest === WHOLE_GPU) return 49 * percent;
    return (100 - Math.floor(Math.floor((tightest * 100) / WHOLE_GPU) / 10)) * percent;
  },
});
