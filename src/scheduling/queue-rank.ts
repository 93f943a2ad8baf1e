import type { QueueConfig } from '../model/scheduling-config.ts';
import type { Bucket, LeafQueue } from './leaf-queue.ts';
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

/** Its head is looked at again. */
export function wake<T extends Candidate>(bucket: Bucket<T>): void {
  bucket.line.bestKnown = false;
  bucket.line.leaf.exhausted = false;
}

/** These queues and all above them. */
export function withAncestors(leaves: readonly QueueNode[]): ReadonlySet<QueueNode> {
  const found = new Set<QueueNode>();
  for (const leaf of leaves) {
    for (let q: QueueNode | undefined = leaf; q !== undefined; q = q.parent) found.add(q);
  }
  return found;
}
