import { defineFilter } from '../filter.ts';

export const nodeHealth = defineFilter({
  name: 'node-health',
  what: 'Nodes that are neither drained nor unhealthy.',
  passes: (table, row) => table.node(row)!.closed === undefined,
});
