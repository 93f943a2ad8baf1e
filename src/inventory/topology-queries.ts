import { type IdSet, idsOf, intersects, isEmpty } from './cpu-set.ts';
import { pciAddress } from './gpu.ts';
import type { GpuLink, LinkKind, Topology, Vertex } from './topology.ts';

/** Distance to a node of a machine that tells none: local or not (the values of ACPI for that). */
const LOCAL = 10;
const REMOTE = 20;

/**
 * A device by its vertex id, its PCI address in any spelling, or the kernel's name of it (`eth0`, `nvme0n1`).
 * Undefined when the topology has no such device.
 */
export function findDevice(topology: Topology, name: string): Vertex | undefined {
  const address = pciAddress(name);
  return topology.vertices.find(
    (v) =>
      v.id === name ||
      (address !== undefined && v.pci?.address === address) ||
      (v.device !== undefined && v.device.name === name),
  );
}

/** NUMA nodes that are local to any of these CPUs, ascending. */
export function nodesNear(topology: Topology, cpus: IdSet): number[] {
  return memories(topology)
    .filter((m) => intersects(m.cpus, cpus))
    .map((m) => m.number!)
    .sort((a, b) => a - b);
}

/**
 * The NUMA node that a device is on; undefined when the firmware does not say, or names several nodes.
 * A machine with one node has every device there.
 */
export function numaOf(topology: Topology, device: string): number | undefined {
  const vertex = findDevice(topology, device);
  if (vertex === undefined) return undefined;
  const told = vertex.pci?.numaNode ?? behind(topology, vertex)?.pci?.numaNode;
  const nodes = memories(topology);
  if (told?.known && nodes.some((m) => m.number === told.value)) return told.value;
  const own = vertex.device?.numaNode;
  if (own !== undefined && nodes.some((m) => m.number === own)) return own;
  const near = nodes.filter((m) => m.memory?.kind === 'cpu' && intersects(m.cpus, vertex.cpus));
  return near.length === 1 ? near[0]!.number : undefined;
}

/** The PCI function that a device of the kernel hangs on. */
function behind(topology: Topology, vertex: Vertex): Vertex | undefined {
  const parent = vertex.parent === undefined ? undefined : topology.vertices[vertex.parent];
  return vertex.kind === 'os-device' && parent?.pci !== undefined ? parent : undefined;
}

/**
 * The `count` threads nearest to a device, nearest first: its own node before others, then whole cores
 * in order, so that the first threads of a list share as few cores as they must.
 */
export function coresNearest(topology: Topology, device: string, count: number): number[] {
  const vertex = findDevice(topology, device);
  if (vertex === undefined) return [];
  const home = numaOf(topology, device);
  const distance = distancesByCpu(topology, home);
  const core = coresByCpu(topology);
  const all = idsOf(topology.vertices[0]!.cpus);
  const local = new Set(idsOf(vertex.cpus));
  return all
    .map((cpu) => ({
      cpu,
      key: [local.has(cpu) ? 0 : 1, distance.get(cpu) ?? REMOTE, core.get(cpu) ?? cpu, cpu],
    }))
    .sort((a, b) => compareKeys(a.key, b.key))
    .slice(0, count)
    .map(({ cpu }) => cpu);
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value - b[i]!;
  return 0;
}

function distancesByCpu(topology: Topology, home: number | undefined): Map<number, number> {
  const found = new Map<number, number>();
  const nodes = memories(topology);
  const from = nodes.findIndex((m) => m.number === home);
  for (const [to, node] of nodes.entries()) {
    if (node.memory?.kind !== 'cpu') continue;
    const d = from < 0 ? LOCAL : nodeDistance(topology, from, to);
    for (const cpu of idsOf(node.cpus)) found.set(cpu, d);
  }
  return found;
}

function coresByCpu(topology: Topology): Map<number, number> {
  const found = new Map<number, number>();
  let index = 0;
  for (const v of topology.vertices) {
    if (v.kind !== 'core') continue;
    for (const cpu of idsOf(v.cpus)) found.set(cpu, index);
    index++;
  }
  return found;
}

const memories = (topology: Topology): Vertex[] =>
  topology.vertices.filter((v) => v.kind === 'memory');

/** Places in the list of memory vertices. */
function nodeDistance(topology: Topology, from: number, to: number): number {
  return topology.distances?.[from]?.[to] ?? (from === to ? LOCAL : REMOTE);
}

export interface LocalMemory {
  readonly node: number;
  /** Relative latency from the nearest of the CPUs; 10 is local. */
  readonly distance: number;
  readonly totalBytes: number | undefined;
  readonly freeBytes: number | undefined;
}

/** Every NUMA node by how far it is from these CPUs, nearest first; of equals, those with CPUs first. */
export function localMemory(topology: Topology, cpus: IdSet): LocalMemory[] {
  const nodes = memories(topology);
  const homes = [...nodes.keys()].filter(
    (i) => nodes[i]!.memory!.kind === 'cpu' && intersects(nodes[i]!.cpus, cpus),
  );
  return nodes
    .map((m, i) => ({
      node: m.number!,
      distance:
        homes.length === 0
          ? LOCAL
          : Math.min(...homes.map((home) => nodeDistance(topology, home, i))),
      totalBytes: m.memory!.totalBytes.known ? m.memory!.totalBytes.value : undefined,
      freeBytes: m.memory!.freeBytes.known ? m.memory!.freeBytes.value : undefined,
      order: isEmpty(m.memory!.cpus) ? 1 : 0,
    }))
    .sort((a, b) => a.distance - b.distance || a.order - b.order || a.node - b.node)
    .map(({ order: _order, ...rest }) => rest);
}

/** How two PCI devices reach each other: what a driver told, else what the PCI tree and the NUMA nodes say. */
export function linkBetween(topology: Topology, a: string, b: string): GpuLink | undefined {
  const [one, other] = [pciAddress(a), pciAddress(b)];
  if (one === undefined || other === undefined || one === other) return undefined;
  const told = topology.links.find(
    ({ between: [x, y] }) => (x === one && y === other) || (x === other && y === one),
  );
  if (told !== undefined) return told;
  const left = findDevice(topology, one);
  const right = findDevice(topology, other);
  if (left === undefined || right === undefined) return undefined;
  return { between: [one, other], kind: treeLink(topology, left, right), lanes: 1 };
}

function treeLink(topology: Topology, a: Vertex, b: Vertex): LinkKind {
  const above = pciPath(topology, a);
  const other = pciPath(topology, b);
  const common = above.findIndex((v) => other.includes(v));
  if (common < 0) {
    const [x, y] = [numaOf(topology, a.id), numaOf(topology, b.id)];
    return x !== undefined && x === y ? 'NODE' : 'SYS';
  }
  if (above[common]!.kind === 'host-bridge') return 'PHB';
  // A switch has an upstream port and a downstream port per slot, each a bridge: crossing one meets two.
  const bridges = common + other.indexOf(above[common]!);
  return bridges <= 2 ? 'PIX' : 'PXB';
}

/** The bridges above a device, nearest first, up to the host bridge. */
function pciPath(topology: Topology, vertex: Vertex): Vertex[] {
  const path: Vertex[] = [];
  let at = vertex.parent;
  while (at !== undefined) {
    const v = topology.vertices[at]!;
    if (v.kind !== 'bridge' && v.kind !== 'host-bridge') break;
    path.push(v);
    at = v.parent;
  }
  return path;
}
