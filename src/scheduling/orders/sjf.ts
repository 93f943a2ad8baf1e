import { UNLIMITED } from '../../base/units.ts';
import { defineOrder } from '../order.ts';

export const sjf = defineOrder({
  name: 'sjf',
  what: 'The shortest expected run; what says nothing about it goes last, by age.',
  rule: () => ({ taskClass: () => 0, heapRank: (task) => task.estimateMs ?? UNLIMITED }),
});
