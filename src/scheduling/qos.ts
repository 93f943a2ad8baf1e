import { type BasisPoints, scaleAmount, UNLIMITED } from '../base/units.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';
import type { QosClass } from '../model/qos.ts';

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
  /** Of its class of service, `preemption_priority`: the lower goes first. */
  readonly classPriority: number;
  readonly priority: number;
  readonly requested: number;
  /** Undefined when nobody measured it: then it is not known to exceed anything. */
  readonly used: number | undefined;
}

/**
 * Who is stopped first when a resource of a node runs out: by class, the lowest first; within a class those
 * above their request, the lower priority, and who uses most beyond the request.
 */
export function evictionOrder(consumers: readonly Consumer[]): Consumer[] {
  return consumers.toSorted((a, b) => {
    const [over, other] = [excess(a), excess(b)];
    return (
      a.classPriority - b.classPriority ||
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

const excess = ({ used, requested }: Consumer): number =>
  used === undefined || requested >= UNLIMITED ? 0 : Math.max(0, used - requested);
