import type { TimeMs } from '../base/units.ts';
import type { QueueName, TenantId } from '../model/ids.ts';
import { type Amounts, defaultTenant, queueConfig } from '../model/scheduling-config.ts';
import { dominantShare, WHOLE } from '../scheduling/fair-shares.ts';
import type {
  QueueDescription,
  SchedulerDescription,
  TenantDescription,
} from '../scheduling/queue-description.ts';
import { amountsOf } from '../scheduling/queue-tree.ts';
import { siteCapacity } from '../scheduling/site-capacity.ts';
import { vectorOf } from '../scheduling/usage-account.ts';
import type { State } from './state.ts';

export interface SchedulingDescription extends SchedulerDescription {
  /** Of all nodes. */
  readonly capacity: Amounts;
}

/** The queues as the scheduler has them; one for all, where it tells none apart. */
export function describeScheduling(state: State, at: TimeMs): SchedulingDescription {
  const capacity = amountsOf(siteCapacity(state.table));
  const told = state.scheduler.describe?.(at);
  if (told !== undefined && told.queues.length > 0) return { ...told, capacity };
  const only = onlyQueue(state);
  const { name } = only.config;
  return {
    queues: [only],
    leafOf: () => name,
    reservations: told?.reservations ?? [],
    capacity,
  };
}

function onlyQueue(state: State): QueueDescription {
  const config = queueConfig('default');
  const capacity = siteCapacity(state.table);
  const byTenant = new Map<TenantId, { held: [number, number, number]; running: number }>();
  const all: [number, number, number] = [0, 0, 0];
  let running = 0;
  for (const { task, placement } of state.runningAttempts()) {
    const mine = byTenant.get(task.tenant) ?? { held: [0, 0, 0], running: 0 };
    byTenant.set(task.tenant, mine);
    mine.running++;
    running++;
    for (const [r, amount] of vectorOf(placement.held).entries()) {
      all[r]! += amount;
      mine.held[r]! += amount;
    }
  }
  const tenants = [...byTenant].map(
    ([tenant, mine]): TenantDescription => ({
      tenant,
      config: defaultTenant,
      held: amountsOf(mine.held),
      running: mine.running,
      share: dominantShare(mine.held, capacity),
      usage: { cpu: 0, memory: 0, gpu: 0 },
    }),
  );
  return {
    config,
    parent: undefined,
    isLeaf: true,
    entryName: 'default' as QueueName,
    guaranteed: config.guaranteed,
    limit: config.limit,
    held: amountsOf(all),
    running,
    share: dominantShare(all, capacity),
    entitled: WHOLE,
    tenants: tenants.sort((a, b) => (a.tenant < b.tenant ? -1 : 1)),
  };
}
