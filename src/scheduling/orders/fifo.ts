import { defineOrder } from '../order.ts';

export const fifo = defineOrder({
  name: 'fifo',
  what: 'The order of submission, whatever the priority.',
  rule: () => ({ taskClass: () => 0, heapRank: () => 0 }),
});
