import { Prng } from '../../base/prng.ts';
import { byPriorityThenAge, defineOrder } from '../order.ts';

/**
 * Waldspurger and Weihl 1994. Drawn are the tickets of those that can start something now, so that a
 * ticket of somebody who waits for room is not a draw lost. The draw follows from the seed and the number
 * of placements before it, not from how often somebody asked: a replay draws the same.
 */
export const lottery = defineOrder({
  name: 'lottery',
  what: 'A draw among the tenants that can start something, by their tickets; then priority and age.',
  rule: () => ({
    ...byPriorityThenAge,
    draw: (tenants, queue) => {
      const sum = tenants.reduce((tickets, tenant) => tickets + tenant.weight, 0);
      const mixed = Math.imul(queue.placements + 1, 0x9e3779b1) ^ queue.seed;
      let ticket = new Prng(mixed).fork().below(sum);
      return tenants.find((tenant) => {
        ticket -= tenant.weight;
        return ticket < 0;
      })!;
    },
  }),
});
