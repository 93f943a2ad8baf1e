import { UNLIMITED } from '../../base/units.ts';
import { defineOrder } from '../order.ts';

/** Admission tests a deadline when it is submitted: `admission/deadline.ts`. */
export const edf = defineOrder({
  name: 'edf',
  what: 'The earliest deadline; what has none goes last, by age.',
  rule: () => ({ taskClass: () => 0, heapRank: (task) => task.deadlineAt ?? UNLIMITED }),
});
