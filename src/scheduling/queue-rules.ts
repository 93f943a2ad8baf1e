import { UNLIMITED } from '../base/units.ts';
import type { QueueName, TenantId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import { type QueueNode, type QueueTree, RESOURCE_NAMES } from './queue-tree.ts';
import type { ActiveTasks, Entry, QueueRules } from './scheduler.ts';

/** What the queues of a tree say to a submission. */
export function queueRules(tree: QueueTree): QueueRules {
  return {
    entry: (asked, active) => {
      const leaf = tree.leafOf(asked.queue, asked.tenant);
      if (leaf === undefined) return tree.unknown(asked.queue);
      return (
        tooLarge(tree, leaf, asked) ?? neverTogether(leaf, asked) ?? tooMany(leaf, asked, active)
      );
    },
    overflow: (queue, tenant, tasks) => {
      const leaf = tree.leafOf(queue, tenant);
      return leaf === undefined || neverFew(leaf, tenant, tasks) ? 'reject' : leaf.config.overflow;
    },
    isGuaranteed: (queue, tenant) =>
      tree.leafOf(queue, tenant)?.config.guaranteedProcessing === true,
    memoryMax: (queue, tenant) => {
      const leaf = tree.leafOf(queue, tenant);
      return leaf === undefined ? 0 : mostFor(tree, leaf, tenant).memory;
    },
  };
}

function tooLarge(tree: QueueTree, leaf: QueueNode, asked: Entry): Refusal | undefined {
  const most = mostFor(tree, leaf, asked.tenant);
  for (const request of asked.requests) {
    for (const resource of RESOURCE_NAMES) {
      if (request[resource] <= most[resource]) continue;
      const limit = most[resource];
      const { queue } = asked;
      return { code: 'exceeds-queue', queue, resource, asked: request[resource], limit };
    }
  }
  return undefined;
}

/** A gang needs more than ever may run there. A cap of 0 holds a queue back for a while. */
function neverTogether(leaf: QueueNode, { queue, tenant, together }: Entry): Refusal | undefined {
  const facts = { what: 'running', count: 0, asked: together } as const;
  const own = tenantConfig(leaf, tenant).runningMax;
  if (together > 1 && together > own)
    return { code: 'queue-cap', queue, tenant, ...facts, max: own };
  for (let q: QueueNode | undefined = leaf; q !== undefined; q = q.parent) {
    const max = q.config.runningMax;
    if (together > 1 && together > max) return { code: 'queue-cap', queue: q.name, ...facts, max };
  }
  return undefined;
}

function mostFor(tree: QueueTree, leaf: QueueNode, tenant: TenantId) {
  const most = tree.most(leaf);
  const { limit } = tenantConfig(leaf, tenant);
  return {
    cpu: Math.min(most.cpu, limit.cpu),
    memory: Math.min(most.memory, limit.memory),
    gpu: Math.min(most.gpu, limit.gpu),
  };
}

/** More tasks than a cap allows, however empty the queue. */
function neverFew(leaf: QueueNode, tenant: TenantId, tasks: number): boolean {
  if (tasks > tenantConfig(leaf, tenant).activeMax) return true;
  for (let q: QueueNode | undefined = leaf; q !== undefined; q = q.parent) {
    if (tasks > q.config.activeMax) return true;
  }
  return false;
}

const tenantConfig = ({ config }: QueueNode, tenant: TenantId) =>
  config.tenants.byName[tenant] ?? config.tenants.byDefault;

function tooMany(leaf: QueueNode, asked: Entry, active: ActiveTasks): Refusal | undefined {
  const { queue, tenant, tasks } = asked;
  const cap = tenantConfig(leaf, tenant).activeMax;
  const mine = cap === UNLIMITED ? 0 : active(queue, tenant);
  if (mine + tasks > cap) {
    const facts = { what: 'active', count: mine, asked: tasks, max: cap } as const;
    return { code: 'queue-cap', queue, tenant, ...facts };
  }
  for (let q: QueueNode | undefined = leaf; q !== undefined; q = q.parent) {
    const max = q.config.activeMax;
    if (max === UNLIMITED) continue;
    const count = activeBelow(q, active);
    if (count + tasks > max) {
      const facts = { what: 'active', count, asked: tasks, max } as const;
      return { code: 'queue-cap', queue: q.name, ...facts };
    }
  }
  return undefined;
}

function activeBelow(queue: QueueNode, active: ActiveTasks): number {
  let count = active(queue.name as QueueName);
  for (const child of queue.children) count += activeBelow(child, active);
  return count;
}
