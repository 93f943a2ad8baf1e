import type { Prng } from '../base/prng.ts';
import { bytes, milliCpu } from '../base/units.ts';
import type { NodeId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';

const GIB = 1024 ** 3;
const NODES_MAX = 20;

/** A cluster of 1 … 20 nodes of a few kinds, many small ones more often than one large one. */
export function drawCluster(prng: Prng): Node[] {
  const count = prng.chance(60) ? prng.between(1, 4) : prng.between(1, NODES_MAX);
  const kinds = Array.from({ length: prng.between(1, 3) }, () => drawKind(prng));
  return Array.from({ length: count }, (_, i) => nodeOfKind(`n${i}`, prng.pick(kinds)));
}

interface NodeKind {
  readonly cpu: number;
  readonly gib: number;
  readonly gpus: number;
  readonly custom: Node['custom'];
}

function drawKind(prng: Prng): NodeKind {
  const custom: [string, number][] = [];
  if (prng.chance(30)) custom.push(['licence', prng.between(1, 4)]);
  if (prng.chance(20)) custom.push(['port', prng.between(1, 8)]);
  return {
    cpu: prng.pick([1_000, 2_000, 4_000, 8_000, 32_000]),
    gib: prng.pick([2, 4, 16, 64]),
    gpus: prng.chance(60) ? 0 : prng.pick([1, 2, 4, 8]),
    custom,
  };
}

function nodeOfKind(id: string, kind: NodeKind): Node {
  return {
    id: id as NodeId,
    cpu: milliCpu(kind.cpu),
    memory: bytes(kind.gib * GIB),
    gpus: Array.from({ length: kind.gpus }, (_, i) => ({
      id: `${id}-gpu${i}`,
      model: 'modelled',
      memory: bytes(16 * GIB),
    })),
    custom: kind.custom,
    labels: {},
  };
}

/** The same node with less to give: half the CPU or memory, fewer GPUs, or none of the custom amounts. */
export function shrunk(node: Node, prng: Prng): Node {
  switch (prng.below(4)) {
    case 0:
      return { ...node, cpu: milliCpu(Math.floor(node.cpu / 2)) };
    case 1:
      return { ...node, memory: bytes(Math.floor(node.memory / 2)) };
    case 2:
      return { ...node, gpus: node.gpus.filter(() => prng.chance(50)) };
    default:
      return { ...node, custom: [] };
  }
}
