import { dataNear } from '../company.ts';
import { defineFilter } from '../filter.ts';

export const dataLocality = defineFilter({
  name: 'data-locality',
  what: 'Nodes that hold the data it needs, or are in one place with a node that does.',
  passes: (table, row, _gpu, constraints) => {
    const { data } = constraints;
    if (data === undefined) return true;
    const node = table.node(row)!;
    return data.every(
      ({ names, weight }, i) =>
        weight > 0 || dataNear(table, node, constraints, i) === names.length,
    );
  },
});
