import {
  firstOf,
  has,
  type IdSet,
  intersection,
  intersects,
  isEmpty,
  setOf,
  single,
  sizeOf,
} from './cpu-set.ts';
import type { CpuThread } from './cpu-threads.ts';
import { type Branch, branch, findByCpus, insertByCpus } from './cpu-tree.ts';
import { attachDevices } from './device-tree.ts';
import { type Fact, fact } from './fact.ts';
import type { CpuCache } from './probes/cache.ts';
import type { NumaNode } from './probes/numa.ts';
import type { OsDevice } from './probes/os-devices.ts';
import type { PciDevice } from './probes/pci.ts';
import type { GpuLink, Topology, Vertex } from './topology.ts';

export interface TopologyParts {
  readonly threads: readonly CpuThread[];
  readonly caches: readonly CpuCache[];
  readonly nodes: readonly NumaNode[];
  /** Ids of all nodes that the kernel told, in the order of its distances; some may not be in `nodes`. */
  readonly allNodes: readonly number[];
  /** For the one node of a machine whose kernel tells none. */
  readonly memoryBytes: Fact<number>;
  readonly pci: readonly PciDevice[];
  readonly devices: readonly OsDevice[];
  readonly links: readonly GpuLink[];
  /** What the cpuset of this process allows; undefined is everything. */
  readonly allowedCpus: IdSet | undefined;
  readonly allowedNodes: IdSet | undefined;
}

/** One tree of all that was read. What contradicts the rest is left out and named in `problems`. */
export function buildTopology(parts: TopologyParts): Topology {
  const problems: string[] = [];
  const placed = setOf(parts.threads.map((t) => t.id));
  const root = branch({ kind: 'machine', number: undefined, cpus: placed });
  insertProcessors(root, parts, problems);
  const nodes = nodesOf(parts, placed);
  for (const node of nodes) attachMemory(root, node, placed);
  const allowed = usable(placed, parts.allowedCpus);
  const kept = usable(setOf(nodes.map((n) => n.id)), parts.allowedNodes);
  prune(root, allowed, kept);
  attachDevices(root, parts.pci, parts.devices);
  const order = nodes.filter((node) => has(kept, node.id));
  return {
    vertices: flatten(root),
    distances: distancesOf(parts.allNodes.length === 0 ? [0] : parts.allNodes, order),
    links: parts.links,
    problems,
  };
}

/** A cpuset that would leave nothing is a misreading, not a machine without CPUs. */
function usable(all: IdSet, allowed: IdSet | undefined): IdSet {
  const both = allowed === undefined ? all : intersection(all, allowed);
  return isEmpty(both) ? all : both;
}

function insertProcessors(root: Branch, parts: TopologyParts, problems: string[]): void {
  const insert = (added: Branch, what: string) => {
    if (insertByCpus(root, added) === undefined) {
      problems.push(`${what} is left out: its CPUs overlap with those of another part`);
    }
  };
  const cachesByCpu = Map.groupBy(parts.caches, (cache) => firstOf(cache.cpus));
  for (const thread of parts.threads) {
    const isFirst = (set: IdSet | undefined): set is IdSet =>
      set !== undefined && firstOf(set) === thread.id;
    const level = (kind: Branch['kind'], cpus: IdSet | undefined, number: number | undefined) => {
      if (isFirst(cpus)) insert(branch({ kind, number, cpus }), `${kind} of CPU ${thread.id}`);
    };
    level('core', thread.core, thread.coreNumber);
    level('package', thread.package, thread.packageNumber);
    // A cluster or die of one thread is how kernels say that there is none.
    const several = (set: IdSet | undefined) =>
      set !== undefined && sizeOf(set) > 1 ? set : undefined;
    level('die', several(thread.die), undefined);
    level('cluster', several(thread.cluster), undefined);
    level('book', thread.book, undefined);
    level('drawer', thread.drawer, undefined);
    insertByCpus(root, branch({ kind: 'thread', number: thread.id, cpus: single(thread.id) }));
    for (const cache of cachesByCpu.get(thread.id) ?? []) {
      const { cpus } = cache;
      const number = cache.number.known ? cache.number.value : undefined;
      insert(branch({ kind: 'cache', number, cpus, cache }), `L${cache.level} of CPU ${thread.id}`);
    }
  }
}

/** A kernel without NUMA has one node: all memory, near all CPUs. */
function nodesOf(parts: TopologyParts, placed: IdSet): readonly NumaNode[] {
  if (parts.nodes.length > 0) return parts.nodes;
  return [
    {
      id: 0,
      cpus: placed,
      nearestCpus: placed,
      totalBytes: parts.memoryBytes,
      freeBytes: { known: false, reason: 'not-reported' },
      kind: 'cpu',
      gpu: undefined,
      distances: fact([10], 'estimated'),
      memorySideCaches: [],
    },
  ];
}

function attachMemory(root: Branch, node: NumaNode, placed: IdSet): void {
  const cpus = intersection(node.nearestCpus, placed);
  const found = findByCpus(root, cpus);
  let at = found.at;
  if (!found.exact && !isEmpty(cpus)) {
    // The node spans parts that nothing else holds together.
    at = insertByCpus(root, branch({ kind: 'group', number: undefined, cpus })) ?? at;
  }
  at.attached.push(branch({ kind: 'memory', number: node.id, cpus, memory: node }));
}

/** Takes out what may not be used, then what is left empty: no thread and no memory below it. */
function prune(at: Branch, cpus: IdSet, nodes: IdSet): boolean {
  const isGone = (child: Branch) =>
    child.kind === 'thread' ? !intersects(child.cpus, cpus) : !prune(child, cpus, nodes);
  at.children = at.children.filter((child) => !isGone(child));
  at.attached = at.attached.filter((m) => m.number !== undefined && has(nodes, m.number));
  for (const memory of at.attached) memory.cpus = intersection(memory.cpus, cpus);
  at.cpus = intersection(at.cpus, cpus);
  return at.children.length > 0 || at.attached.length > 0 || at.kind === 'machine';
}

function distancesOf(all: readonly number[], kept: readonly NumaNode[]): number[][] | undefined {
  const columns = kept.map((node) => all.indexOf(node.id));
  const rows: number[][] = [];
  for (const node of kept) {
    if (!node.distances.known || node.distances.value.length !== all.length) return undefined;
    const row = node.distances.value;
    rows.push(columns.map((column) => row[column]!));
  }
  return rows;
}

/** Parents before children; children by their first CPU, memory before I/O. */
function flatten(root: Branch): Vertex[] {
  const vertices: Vertex[] = [];
  const seen = new Map<string, number>();
  const visit = (at: Branch, parent: number | undefined): number => {
    const place = vertices.length;
    const { children: _children, attached: _attached, ...content } = at;
    const name = nameOf(at);
    const times = seen.get(name) ?? 0;
    seen.set(name, times + 1);
    const childPlaces: number[] = [];
    vertices.push({
      ...content,
      id: times === 0 ? name : `${name}#${times}`,
      parent,
      children: childPlaces,
    });
    const inner = at.children.toSorted((a, b) => (firstOf(a.cpus) ?? 0) - (firstOf(b.cpus) ?? 0));
    for (const child of [...at.attached, ...inner]) childPlaces.push(visit(child, place));
    return place;
  };
  visit(root, undefined);
  return vertices;
}

function nameOf(b: Branch): string {
  if (b.pci !== undefined) return `${b.kind}:${b.pci.address}`;
  if (b.device !== undefined) return `${b.device.kind}:${b.device.name}`;
  if (b.kind === 'machine') return 'machine';
  if (b.cache !== undefined) {
    const letter = { data: 'd', instruction: 'i', unified: '' }[b.cache.kind];
    return `l${b.cache.level}${letter}:${firstOf(b.cpus) ?? 'none'}`;
  }
  if (b.kind === 'memory' || b.kind === 'thread') return `${b.kind}:${b.number}`;
  return `${b.kind}:${firstOf(b.cpus) ?? `none-${b.number ?? ''}`}`;
}
