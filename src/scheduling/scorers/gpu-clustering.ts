import { WHOLE_GPU } from '../node-table.ts';
import { defineScorer, SCORE_MAX } from '../scorer.ts';
import { LARGEST_GPU } from './largest-node.ts';

/** Gandiva's affinity (Xiao et al., OSDI'18) as published for comparison in FGD, cut to percent. */
export const gpuClustering = defineScorer({
  name: 'gpu-clustering',
  what: 'Nodes that hold the same kind of GPU request only, then mixed ones with it, then idle ones.',
  score(table, row, ask) {
    if (ask.gpu === 0) return 0;
    const kind = ask.gpu < WHOLE_GPU ? 0 : ask.gpu / WHOLE_GPU;
    const kinds = table.gpuKinds(row);
    const used = Math.max(0, LARGEST_GPU - table.freeGpuSum(row));
    const fullness = Math.floor((25 * used) / LARGEST_GPU);
    const same = kinds.has(kind);
    const base = same ? (kinds.size === 1 ? 75 : 50) : kinds.size === 0 ? 25 : 0;
    return (base + fullness) * (SCORE_MAX / 100);
  },
});
