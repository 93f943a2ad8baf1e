import { defineOrder } from 'berth';

/** The smallest request first; one that waits for a day goes before all that do not. */
export default defineOrder({
  name: 'smallest-first',
  what: 'The smallest request first, unless something has waited for a day.',
  rule: () => ({
    taskClass: () => 0,
    heapRank: (task) => task.submittedAt,
    headRank: (task, at, _tenant, queue) =>
      at - task.waitingSince >= 86_400_000 ? -1 : queue.sizeOf(task),
  }),
});
