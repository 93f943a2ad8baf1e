import type { TimeMs } from '../base/units.ts';
import type { QueueName } from '../model/ids.ts';
import { dominantShare, WHOLE } from './fair-shares.ts';
import type { LeafQueue } from './leaf-queue.ts';
import type { QueueDescription, TenantDescription } from './queue-description.ts';
import { amountsOf, type QueueNode, type QueueTree } from './queue-tree.ts';
import type { Candidate } from './scheduler.ts';
import type { Vector } from './usage-account.ts';

/** Every queue of a tree as it is at `at`, parents first. Changes nothing. */
export function describeTree<T extends Candidate>(
  tree: QueueTree,
  leaves: ReadonlyMap<QueueNode, LeafQueue<T>>,
  capacity: Vector,
  at: TimeMs,
): QueueDescription[] {
  const described: QueueDescription[] = [];
  const visit = (node: QueueNode, entitled: number): void => {
    const leaf = leaves.get(node);
    described.push({
      config: node.config,
      parent: node.parent?.name,
      isLeaf: node.children.length === 0,
      entryName: node.entryName,
      guaranteed: amountsOf(node.guaranteed),
      limit: amountsOf(node.limit),
      held: amountsOf(node.held),
      running: node.running,
      share: dominantShare(node.held, capacity),
      entitled,
      tenants: leaf === undefined ? [] : tenantsOf(leaf, at),
    });
    for (const child of node.children) visit(child, entitledPart(child, entitled));
  };
  visit(tree.root, WHOLE);
  return described;
}

/** By weight among the siblings that want something, itself among them in any case. */
function entitledPart(child: QueueNode, whole: number): number {
  let weights = 0;
  for (const sibling of child.parent!.children) {
    const wants = sibling === child || sibling.waiting > 0 || sibling.running > 0;
    if (wants) weights += sibling.config.weight;
  }
  return Math.floor((whole / weights) * child.config.weight);
}

function tenantsOf<T extends Candidate>(leaf: LeafQueue<T>, at: TimeMs): TenantDescription[] {
  const tenants: TenantDescription[] = [];
  for (const line of leaf.lines.values()) {
    if (line.waiting === 0 && !line.remembered) continue;
    tenants.push({
      tenant: line.tenant,
      config: line.config,
      held: amountsOf(line.held),
      running: line.running,
      share: line.dominantShare(),
      usage: line.account.read(at),
    });
  }
  return tenants.sort((a, b) => (a.tenant < b.tenant ? -1 : 1));
}

/** The leaf of a tenant; of a queue that is no longer there, the one that takes its tasks. */
export const leafNameOf = (
  tree: QueueTree,
  fallback: QueueNode,
): ((...of: Parameters<QueueTree['leafOf']>) => QueueName) => {
  return (queue, tenant) => (tree.leafOf(queue, tenant) ?? fallback).name;
};
