import type { AttemptId, NodeId } from '../model/ids.ts';

/** What a task holds and what it was measured to use; undefined when nobody measured it. */
export interface Measurement {
  readonly attempt: AttemptId;
  readonly node: NodeId;
  readonly resource: 'cpu' | 'memory' | 'gpu';
  readonly held: number;
  readonly used: number | undefined;
}

export interface NodeCapacity {
  readonly node: NodeId;
  readonly resource: Measurement['resource'];
  readonly capacity: number;
}

export interface AllocationFinding {
  readonly kind: 'over-allocated' | 'under-allocated' | 'hot-spot';
  readonly subject: AttemptId | NodeId;
  readonly resource: Measurement['resource'];
  readonly held: number;
  readonly used: number;
  /** Used of what is held (of a node: of what it has), in basis points. */
  readonly ratio: number;
}

export interface AllocationLimits {
  /** A task that uses less of what it holds asked for too much. */
  readonly overBelow: number;
  /** One that uses more is about to need more. */
  readonly underAbove: number;
  /** A node that is used more is a hot spot. */
  readonly hotAbove: number;
}

export const defaultAllocationLimits: AllocationLimits = {
  overBelow: 2_000,
  underAbove: 9_500,
  hotAbove: 9_000,
};

/** Who holds much more or hardly less than it uses, and which nodes are hot; the gravest first. */
export function reportAllocation(
  measurements: readonly Measurement[],
  nodes: readonly NodeCapacity[],
  limits: AllocationLimits = defaultAllocationLimits,
): AllocationFinding[] {
  const found: AllocationFinding[] = [];
  const byNode = new Map<string, number>();
  for (const { attempt, node, resource, held, used } of measurements) {
    if (used === undefined) continue;
    const key = `${resource}/${node}`;
    byNode.set(key, (byNode.get(key) ?? 0) + used);
    if (held === 0) continue;
    const ratio = Math.floor((used * 10_000) / held);
    const facts = { subject: attempt, resource, held, used, ratio };
    if (ratio < limits.overBelow) found.push({ kind: 'over-allocated', ...facts });
    if (ratio > limits.underAbove) found.push({ kind: 'under-allocated', ...facts });
  }
  for (const { node, resource, capacity } of nodes) {
    const used = byNode.get(`${resource}/${node}`);
    if (used === undefined || capacity === 0) continue;
    const ratio = Math.floor((used * 10_000) / capacity);
    if (ratio <= limits.hotAbove) continue;
    found.push({ kind: 'hot-spot', subject: node, resource, held: capacity, used, ratio });
  }
  return found.sort(
    (a, b) =>
      gravity[b.kind] - gravity[a.kind] ||
      Math.abs(b.ratio - 5_000) - Math.abs(a.ratio - 5_000) ||
      (a.subject < b.subject ? -1 : 1),
  );
}

const gravity = { 'hot-spot': 2, 'under-allocated': 1, 'over-allocated': 0 };
