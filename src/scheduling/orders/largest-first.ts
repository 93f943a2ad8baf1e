import { defineOrder } from '../order.ts';

/** With `first-fit` it is first fit decreasing, with `best-fit` best fit decreasing: size is the dominant share. */
export const largestFirst = defineOrder({
  name: 'largest-first',
  what: 'The request that is the largest share of the site, so that small ones fill what is left; then age.',
  rule: () => ({
    taskClass: () => 0,
    // Tasks of one shape are of one size, until a retry makes it another shape.
    heapRank: () => 0,
    headRank: (task, _at, _tenant, queue) => -queue.sizeOf(task),
  }),
});
