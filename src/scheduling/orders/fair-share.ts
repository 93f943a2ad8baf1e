import { WHOLE } from '../fair-shares.ts';
import { byPriorityThenAge, defineOrder } from '../order.ts';

/**
 * Slurm's classic fair share orders by 2^(−usage / share), which falls as usage ÷ share rises: comparing
 * the quotient is the same order without the power. Usage fades with a half-life and counts the dominant
 * resource, so that nobody hides memory behind few CPUs. Of those who used the same, as all have at first, who
 * holds less goes first: else one who comes with many tasks has the whole site until the first of them ends.
 */
export const fairShare = defineOrder({
  name: 'fair-share',
  what: 'The tenant that used least for its weight, with the past worth less; then who holds less, priority and age.',
  rule: () => ({
    ...byPriorityThenAge,
    tenantRank: (tenant, at) =>
      Math.floor(tenant.usage(at) / tenant.weight) + tenant.dominantShare() / (WHOLE + 1),
  }),
});
