import { defineOrder } from '../order.ts';

const SECONDS_PER_HOUR = 3_600;

/**
 * Priority + rate × wait. All tasks age at the same rate, so who is ahead stays ahead: the key
 * rate × submission − priority never changes, and a heap needs no sorting again.
 */
export const priority = defineOrder({
  name: 'priority',
  what: 'The highest priority, which grows while a task waits; then the oldest.',
  rule: ({ ageingPerHour }) => ({
    taskClass: () => 0,
    heapRank: (task) =>
      ageingPerHour * Math.floor(task.submittedAt / 1000) - task.priority * SECONDS_PER_HOUR,
  }),
});
