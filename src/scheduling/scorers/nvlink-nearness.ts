import { bestSetByWorth } from '../../inventory/gpu-sets.ts';
import { allowsGpu } from '../allows-gpu.ts';
import { WHOLE_GPU } from '../node-table.ts';
import { defineScorer, SCORE_MAX } from '../scorer.ts';

/** Half of the points where the pairs of the set have so many GB/s each: two lanes of NVLink, or PCIe 5. */
const HALF_GBPS = 50;

/** By the best set of idle devices that it could get there; `chooseGpus` gives it one like that. */
export const nvlinkNearness = defineScorer({
  name: 'nvlink-nearness',
  what: 'For several GPUs, nodes where the links between those that it would get carry most.',
  readsNodes: true,
  score(table, row, ask) {
    const wanted = Math.floor(ask.gpu / WHOLE_GPU);
    const { gpus, links } = table.node(row)!;
    if (wanted < 2 || links === undefined) return SCORE_MAX / 2;
    const free = table.freeGpu(row);
    const idle = gpus.flatMap((gpu, i) =>
      free[i] === WHOLE_GPU && allowsGpu(ask.constraints, gpu) ? [i] : [],
    );
    if (idle.length < wanted) return 0;
    const worth = idle.map((a) => idle.map((b) => links[a]?.[b] ?? 0));
    const set = bestSetByWorth(worth, wanted);
    let sum = 0;
    for (const a of set) for (const b of set) if (a < b) sum += worth[a]![b]!;
    const mean = sum / ((wanted * (wanted - 1)) / 2);
    return Math.floor((SCORE_MAX * mean) / (mean + HALF_GBPS));
  },
});
