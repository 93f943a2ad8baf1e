import type { QueueConfig } from '../model/scheduling-config.ts';
import type { QueueNode } from './queue-tree.ts';

/** Negative when `a` goes before `b` whatever they hold. */
export function precedence(a: QueueNode, b: QueueNode, order: QueueConfig['childOrder']): number {
  if (a.underGuarantee !== b.underGuarantee) return a.underGuarantee ? -1 : 1;
  return order === 'priority' ? b.config.priority - a.config.priority : 0;
}
