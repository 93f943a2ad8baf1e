import type { TimeMs } from '../../base/units.ts';
import { ONE, powerOfHalf, STEPS_PER_HALF_LIFE } from '../decay.ts';
import { defineOrder, type QueueFacts, type TenantFacts } from '../order.ts';

const BILLION = 1_000_000_000;
const PRIORITY_MAX = 1000;
const MILLION = 1_000_000;

/**
 * Slurm's multifactor priority (priority_multifactor.html): points × factor, summed. Age is waiting time
 * over its maximum, at most 1; fair share is 2^(−(usage/all usage) / (weight/all weights)), in 64ths of the
 * exponent; size is the dominant share of the site; priority maps −1,000 … 1,000 to 0 … 1.
 */
export const multifactor = defineOrder({
  name: 'multifactor',
  what: 'The most points for age, fair share, size and priority, each with its weight.',
  rule: ({ factors }) => ({
    // Of one tenant and shape, only age and priority differ: with equal priority, age decides for good.
    taskClass: (task) => task.priority,
    heapRank: () => 0,
    headRank: (task, at, tenant, queue) => {
      const waited = Math.max(0, at - task.submittedAt);
      const age = Math.min(MILLION, Math.floor((waited / factors.ageMaxMs) * MILLION));
      const fair = fairShareFactor(tenant, at, queue);
      const size = Math.min(MILLION, Math.floor(queue.sizeOf(task) / (BILLION / MILLION)));
      const urgent = Math.floor(((task.priority + PRIORITY_MAX) * MILLION) / (2 * PRIORITY_MAX));
      return -(
        factors.age * age +
        factors.fairShare * fair +
        factors.size * size +
        factors.priority * urgent
      );
    },
  }),
});

/** Millionths. */
export function fairShareFactor(tenant: TenantFacts, at: TimeMs, queue: QueueFacts): number {
  const all = queue.usageSum(at);
  if (all === 0) return MILLION;
  const overShare = ((tenant.usage(at) / all) * queue.weightSum) / tenant.weight;
  const power = powerOfHalf(Math.floor(overShare * STEPS_PER_HALF_LIFE));
  return Math.floor((power / ONE) * MILLION);
}
