import { byPriorityThenAge, defineOrder } from '../order.ts';

/** Shares are billionths: times this they still tell large weights apart. */
const SCALE = 1_000;

export const weightedDrf = defineOrder({
  name: 'weighted-drf',
  what: 'The tenant whose dominant share is least for its weight; then priority and age.',
  rule: () => ({
    ...byPriorityThenAge,
    tenantRank: (tenant) => Math.floor((tenant.dominantShare() * SCALE) / tenant.weight),
  }),
});
