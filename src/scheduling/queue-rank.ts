import type { QueueConfig } from '../model/scheduling-config.ts';
import type { LeafQueue } from './leaf-queue.ts';
import type { QueueNode } from './queue-tree.ts';
import type { Candidate } from './scheduler.ts';

/** Lots are drawn among all that can start. */
export function isStrict<T extends Candidate>(leaf: LeafQueue<T>): boolean {
  return leaf.node.config.fifo === 'strict' && leaf.rule.draw === undefined;
}

/** Negative when `a` goes before `b` whatever they hold. */
export function precedence(a: QueueNode, b: QueueNode, order: QueueConfig['childOrder']): number {
  if (a.underGuarantee !== b.underGuarantee) return a.underGuarantee ? -1 : 1;
  return order === 'priority' ? b.config.priority - a.config.priority : 0;
}

/** These queues and all above them. */
export function withAncestors(leaves: readonly QueueNode[]): ReadonlySet<QueueNode> {
  const found = new Set<QueueNode>();
  for (const leaf of leaves) {
    for (let q: QueueNode | undefined = leaf; q !== undefined; q = q.parent) found.add(q);
  }
  return found;
}
