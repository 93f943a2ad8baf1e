import { defineScorer } from 'berth';

/** Prefers nodes that are labelled `cache`: models that were fetched once are there. */
export default defineScorer({
  name: 'warm-nodes',
  what: 'Nodes with a filled model cache first, the fuller before the emptier.',
  score(table, row) {
    const node = table.node(row);
    if (node === undefined || node.labels['cache'] === undefined) return 0;
    const used = 1 - table.freeMemory(row) / Math.max(1, node.memory);
    return 5_000 + Math.floor(5_000 * Math.min(1, Math.max(0, used)));
  },
});
