import { defineFilter } from '../filter.ts';

export const scratchSpace = defineFilter({
  name: 'scratch-space',
  what: 'Nodes where its scratch, at the peak of each phase, finds room beside that of all others.',
  passes: (table, row, _gpu, { scratch }) => {
    const capacity = table.node(row)!.scratch;
    return (
      scratch === undefined || capacity === undefined || table.space.fits(row, capacity, scratch)
    );
  },
});
