import { allowsGpu } from '../allows-gpu.ts';
import { WHOLE_GPU } from '../node-table.ts';
import { defineScorer, SCORE_MAX } from '../scorer.ts';

/** Idle devices of one NUMA node that would do for all; else the fewest NUMA nodes that together would. */
export const numaNearness = defineScorer({
  name: 'numa-nearness',
  what: 'For several GPUs, nodes where they hang on one NUMA node, or on few.',
  readsNodes: true,
  score(table, row, ask) {
    const wanted = ask.gpu / WHOLE_GPU;
    if (wanted < 1) return SCORE_MAX / 2;
    const { gpus } = table.node(row)!;
    const free = table.freeGpu(row);
    const idle = new Map<number, number>();
    let unknown = 0;
    gpus.forEach((gpu, i) => {
      if (free[i] !== WHOLE_GPU || !allowsGpu(ask.constraints, gpu)) return;
      if (gpu.numa === undefined) unknown++;
      else idle.set(gpu.numa, (idle.get(gpu.numa) ?? 0) + 1);
    });
    if (unknown > 0) return SCORE_MAX / 2;
    let left = wanted;
    let used = 0;
    for (const count of [...idle.values()].sort((a, b) => b - a)) {
      if (left <= 0) break;
      left -= count;
      used++;
    }
    return used === 0 ? 0 : Math.floor(SCORE_MAX / used);
  },
});
