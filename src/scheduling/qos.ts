import { type BasisPoints, scaleAmount, UNLIMITED } from '../base/units.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';
import type { Resources } from '../model/resources.ts';
import type { Limits } from '../model/workload.ts';

/** In the order in which they are stopped when a node runs out: the first first. */
export const qosClasses = ['best-effort', 'burstable', 'guaranteed'] as const;
export type QosClass = (typeof qosClasses)[number];

/**
 * As Kubernetes tells them apart: guaranteed when what is asked for is the limit of both CPU and memory,
 * best-effort when neither is asked for, burstable between.
 */
export function qosOf(request: Resources, limits: Pick<Limits, 'cpu' | 'memory'>): QosClass {
  if (request.cpu === 0 && request.memory === 0) return 'best-effort';
  const held = limits.cpu === request.cpu && limits.memory === request.memory;
  return held && request.cpu > 0 && request.memory > 0 ? 'guaranteed' : 'burstable';
}

/** How much of a class's request is held for it: all, a part (`resource_guarantee: 50%`), or nothing. */
export function guaranteed(request: Resources, share: BasisPoints): Resources {
  return {
    ...request,
    cpu: scaleAmount(request.cpu, share),
    memory: scaleAmount(request.memory, share),
  };
}

/**
 * A node that promises more CPU and memory than it has, by a ratio of 1.0 or more. Devices and countable
 * things are never promised twice: there is nothing that would slow down instead of failing.
 */
export function overcommitted(node: Node, cpuRatio: BasisPoints, memoryRatio: BasisPoints): Node {
  return {
    ...node,
    cpu: scaleAmount(node.cpu, cpuRatio),
    memory: scaleAmount(node.memory, memoryRatio),
  };
}

/** A running task with what it uses of the resource that runs out. */
export interface Consumer {
  readonly attempt: AttemptId;
  readonly qos: QosClass;
  readonly priority: number;
  readonly requested: number;
  /** Undefined when nobody measured it: then it is not known to exceed anything. */
  readonly used: number | undefined;
}

/**
 * Who is stopped first when a resource of a node runs out: by class, best-effort first; within a class those
 * above their request, the lower priority, and who uses most beyond the request.
 */
export function evictionOrder(consumers: readonly Consumer[]): Consumer[] {
  return consumers.toSorted((a, b) => {
    const [over, other] = [excess(a), excess(b)];
    return (
      rank(a.qos) - rank(b.qos) ||
      Number(other > 0) - Number(over > 0) ||
      a.priority - b.priority ||
      other - over ||
      (a.attempt < b.attempt ? -1 : 1)
    );
  });
}

/** The first of that order whose ends bring the use down to `target`; empty when it is there already. */
export function evictDown(
  consumers: readonly Consumer[],
  used: number,
  target: number,
): Consumer[] {
  const chosen: Consumer[] = [];
  let left = used;
  for (const consumer of evictionOrder(consumers)) {
    if (left <= target) break;
    // What nobody measured may free nothing.
    if (consumer.used === undefined || consumer.used === 0) continue;
    chosen.push(consumer);
    left -= consumer.used;
  }
  return chosen;
}

const rank = (qos: QosClass): number => qosClasses.indexOf(qos);

const excess = ({ used, requested }: Consumer): number =>
  used === undefined || requested >= UNLIMITED ? 0 : Math.max(0, used - requested);
