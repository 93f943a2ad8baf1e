import type { StepId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';

/**
 * Why a request could not be placed even on an empty node, or nothing when one could hold it.
 * Named is the node that comes nearest, and what it lacks most.
 */
export function neverFits(
  step: StepId,
  ask: Resources,
  nodes: readonly Node[],
): Refusal | undefined {
  if (nodes.length === 0) return undefined;
  let binding: { resource: string; asked: number; node: Node } | undefined;
  let bindingLack = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    const short = shortest(node, ask);
    if (short === undefined) return undefined;
    if (short.lack < bindingLack) {
      bindingLack = short.lack;
      binding = { resource: short.resource, asked: short.asked, node };
    }
  }
  const { resource, asked, node } = binding!;
  return { code: 'never-fits', step, resource, asked, largest: has(node, resource), node: node.id };
}

function shortest(
  node: Node,
  ask: Resources,
): { resource: string; asked: number; lack: number } | undefined {
  let worst: { resource: string; asked: number; lack: number } | undefined;
  const wants: readonly (readonly [string, number])[] = [
    ['gpu', ask.gpu],
    ...ask.custom,
    ['memory', ask.memory],
    ['cpu', ask.cpu],
  ];
  for (const [resource, asked] of wants) {
    if (asked === 0) continue;
    const lack = (asked - has(node, resource)) / asked;
    if (lack > 0 && (worst === undefined || lack > worst.lack)) worst = { resource, asked, lack };
  }
  return worst;
}

function has(node: Node, resource: string): number {
  if (resource === 'cpu') return node.cpu;
  if (resource === 'memory') return node.memory;
  if (resource === 'gpu') return node.gpus.length * 1000;
  return node.custom.find(([name]) => name === resource)?.[1] ?? 0;
}
