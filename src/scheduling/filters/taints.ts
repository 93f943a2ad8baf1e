import { defineFilter } from '../filter.ts';

export const taints = defineFilter({
  name: 'taints',
  what: 'Nodes all of whose taints it tolerates.',
  passes: (table, row, _gpu, { tolerations = [] }) => {
    const onNode = table.node(row)!.taints;
    if (onNode === undefined) return true;
    return onNode.every((taint) =>
      tolerations.some(
        ({ key, value }) =>
          (key === undefined || key === taint.key) &&
          (value === undefined || value === taint.value),
      ),
    );
  },
});
