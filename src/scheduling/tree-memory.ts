import type { QueueName, TenantId } from '../model/ids.ts';
import type { LeafQueue, TenantLine } from './leaf-queue.ts';
import type { Candidate } from './scheduler.ts';

/** What a leaf remembers beyond what waits and runs there. */
export interface SavedLeaf {
  readonly queue: QueueName;
  readonly placements: number;
  readonly virtualTime: number;
  /** Sorted by tenant. */
  readonly tenants: readonly SavedTenant[];
}

interface SavedTenant {
  readonly tenant: TenantId;
  readonly pass: number;
  readonly usage: readonly number[];
}

/** Leaves out whoever used nothing that still counts: it would be made anew the same. */
export function saveLeaf<T extends Candidate>(leaf: LeafQueue<T>): SavedLeaf {
  const tenants: SavedTenant[] = [];
  for (const line of leaf.lines.values()) {
    const { tenant, pass } = line;
    if (!line.remembered && pass <= leaf.virtualTime) continue;
    tenants.push({ tenant, pass, usage: line.account.save() });
  }
  tenants.sort((a, b) => (a.tenant < b.tenant ? -1 : 1));
  const { placements, virtualTime } = leaf;
  return { queue: leaf.node.name, placements, virtualTime, tenants };
}

export function restoreLeaf<T extends Candidate>(
  leaf: LeafQueue<T>,
  saved: SavedLeaf,
  lineOf: (tenant: TenantId) => TenantLine<T>,
): void {
  leaf.placements = saved.placements;
  leaf.virtualTime = saved.virtualTime;
  for (const { tenant, pass, usage } of saved.tenants) {
    const line = lineOf(tenant);
    line.pass = pass;
    line.account.restore(usage);
  }
}
