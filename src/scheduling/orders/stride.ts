import { byPriorityThenAge, defineOrder } from '../order.ts';

/** A placement moves its tenant on by this ÷ weight. Divisible by every weight to 16; 10^10 of them stay exact. */
export const STRIDE = 720_720;

/**
 * Stride scheduling (Waldspurger 1995): the tenant that was given least for its weight. Who was idle does
 * not save up: it starts again where the queue is, as in start-time fair queueing.
 */
export const stride = defineOrder({
  name: 'stride',
  what: 'Turns in proportion to the tickets, within one turn at any time; then priority and age.',
  rule: () => ({
    ...byPriorityThenAge,
    tenantRank: (tenant, _at, queue) => Math.max(tenant.pass, queue.virtualTime),
  }),
});
