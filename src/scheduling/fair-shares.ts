import type { QueueNode } from './queue-tree.ts';
import type { Vector } from './usage-account.ts';

/** The whole site, of one resource. */
export const WHOLE = 1_000_000_000;

/** part ÷ whole in billionths, rounded down. A quotient of IEEE doubles is the same on every machine. */
export function shareOf(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.floor((part / whole) * WHOLE);
}

/** The largest share of any resource. */
export function dominantShare(held: Vector, capacity: Vector): number {
  return Math.max(
    shareOf(held[0], capacity[0]),
    shareOf(held[1], capacity[1]),
    shareOf(held[2], capacity[2]),
  );
}

/**
 * The dominant share of a queue for its weight, as hierarchical DRF sees it (Bhattacharya et al. 2013): what
 * its children hold is scaled down to the least of them that could start something, so that a child with a
 * resource all to itself does not starve its sibling; a child that can start nothing counts with no more than
 * that, and does not pull the least down, so that it blocks nobody.
 */
export function weightedShare(
  queue: QueueNode,
  capacity: Vector,
  canStart: (leaf: QueueNode) => boolean,
): number {
  return Math.max(...shareVector(queue, capacity, canStart)) / queue.config.weight;
}

function shareVector(
  queue: QueueNode,
  capacity: Vector,
  canStart: (leaf: QueueNode) => boolean,
): Vector {
  if (queue.children.length === 0) {
    return [
      shareOf(queue.held[0], capacity[0]),
      shareOf(queue.held[1], capacity[1]),
      shareOf(queue.held[2], capacity[2]),
    ];
  }
  const parts: { readonly vector: Vector; readonly share: number }[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const child of queue.children) {
    const active = anyCanStart(child, canStart);
    if (!active && child.running === 0) continue;
    const vector = shareVector(child, capacity, canStart);
    const share = Math.max(...vector) / child.config.weight;
    if (active) least = Math.min(least, share);
    if (share > 0) parts.push({ vector, share });
  }
  const sum: [number, number, number] = [0, 0, 0];
  for (const { vector, share } of parts) {
    const factor = Math.min(1, least / share);
    for (let r = 0; r < 3; r++) sum[r] = sum[r]! + Math.floor(vector[r]! * factor);
  }
  return sum;
}

function anyCanStart(queue: QueueNode, canStart: (leaf: QueueNode) => boolean): boolean {
  if (queue.waiting === 0) return false;
  if (queue.children.length === 0) return canStart(queue);
  return queue.children.some((child) => anyCanStart(child, canStart));
}
