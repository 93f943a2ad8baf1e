import { WHOLE_GPU } from '../node-table.ts';
import { defineScorer, SCORE_MAX } from '../scorer.ts';

/**
 * Alignment of Tetris (Grandl et al., SIGCOMM'14): the dot product of what is asked for and what is free, each
 * as a part of the node. Divided by the sum of what is asked for, so that small requests are told apart, too.
 */
export const tetris = defineScorer({
  name: 'tetris',
  what: 'The node that has most left of what is asked for most: the rest stays in proportion.',
  score(table, row, ask) {
    const node = table.node(row)!;
    const resources: readonly (readonly [asked: number, free: number, all: number])[] = [
      [ask.cpu, table.freeCpu(row), node.cpu],
      [ask.memory, table.freeMemory(row), node.memory],
      [ask.gpu, table.freeGpuSum(row), node.gpus.length * WHOLE_GPU],
    ];
    let aligned = 0;
    let asked = 0;
    for (const [want, free, all] of resources) {
      if (want === 0 || all === 0) continue;
      aligned += (want / all) * Math.max(0, free / all);
      asked += want / all;
    }
    return asked === 0 ? 0 : Math.min(SCORE_MAX, Math.floor((aligned / asked) * SCORE_MAX));
  },
});
