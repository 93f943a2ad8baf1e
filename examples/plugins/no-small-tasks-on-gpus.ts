import { defineFilter } from 'berth';

/** Nodes with GPUs are for tasks that ask for one. */
export default defineFilter({
  name: 'no-small-tasks-on-gpus',
  what: 'Keeps tasks that ask for no GPU off nodes that have some.',
  passes: (table, row, ask) => ask.gpu > 0 || table.node(row)?.gpus.length === 0,
});
