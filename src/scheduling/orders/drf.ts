import { byPriorityThenAge, defineOrder } from '../order.ts';

export const drf = defineOrder({
  name: 'drf',
  what: 'The tenant whose dominant share of the site is least (Ghodsi 2011); then priority and age.',
  rule: () => ({ ...byPriorityThenAge, tenantRank: (tenant) => tenant.dominantShare() }),
});
