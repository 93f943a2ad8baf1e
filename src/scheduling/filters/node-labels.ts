import { defineFilter } from '../filter.ts';
import { labelHolds } from '../label-holds.ts';

export const nodeLabels = defineFilter({
  name: 'node-labels',
  what: 'Nodes whose labels meet every expression: in, not-in, exists, does-not-exist, gt, lt.',
  passes: (table, row, _gpu, constraints) => {
    const { labels } = table.node(row)!;
    return constraints.labels.every((expression) => labelHolds(expression, labels));
  },
});
