import type { Node } from '../model/node.ts';

/** MemTotal of a machine with a balloon, or with memory that is hot-plugged, moves by itself. */
const MEMORY_TOLERANCE = 20;

const TELLS_CPU = ['cpu', 'cgroup'];
const TELLS_MEMORY = ['memory', 'numa', 'cgroup'];
const TELLS_GPUS = ['nvidia', 'amd', 'intel-gpu'];

/**
 * What to join with when `found` is worth telling the engine, or undefined while what may be given out is
 * as `known`: memory within a twentieth is the same. An amount that a failed probe would have told stays
 * as it was known.
 */
export function nodeToJoin(
  known: Node | undefined,
  found: Node,
  failedProbes: readonly string[],
): Node | undefined {
  if (known === undefined) return found;
  const failed = (probes: readonly string[]) => probes.some((name) => failedProbes.includes(name));
  const isNear =
    Math.abs(found.memory - known.memory) <= Math.floor(known.memory / MEMORY_TOLERANCE);
  const node: Node = {
    // Set by people, and not found on the machine.
    ...(known.taints && { taints: known.taints }),
    ...(known.closed && { closed: known.closed }),
    ...found,
    cpu: failed(TELLS_CPU) ? known.cpu : found.cpu,
    memory: failed(TELLS_MEMORY) ? known.memory : found.memory,
    gpus: failed(TELLS_GPUS) && found.gpus.length === 0 ? known.gpus : found.gpus,
    labels: { ...(failedProbes.length === 0 ? {} : known.labels), ...found.labels },
  };
  const kept = isNear ? { ...node, memory: known.memory } : node;
  return same(known, kept) ? undefined : node;
}

const same = (a: Node, b: Node): boolean =>
  JSON.stringify(amounts(a)) === JSON.stringify(amounts(b));

/** In one order, whoever made the node. */
const amounts = ({ id, cpu, memory, gpus, custom, labels, links, scratch }: Node) => [
  [id, cpu, memory, scratch],
  gpus.map((gpu) => [gpu.id, gpu.model, gpu.memory, gpu.vendor, gpu.sharing, gpu.mig]),
  links,
  custom,
  Object.entries(labels).sort(([x], [y]) => (x < y ? -1 : 1)),
];
