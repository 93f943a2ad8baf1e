import { assertNever } from '../base/assert.ts';
import type { Prng } from '../base/prng.ts';
import { bytes, milliCpu } from '../base/units.ts';
import type { NodeId } from '../model/ids.ts';
import type { Cpu, Gpu, GpuSharing, Node } from '../model/node.ts';

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
  readonly devices: Devices;
  readonly custom: Node['custom'];
}

/** How the devices of a kind are given out: as most are, cut by MIG, or in some mode of sharing. */
type Devices =
  | { readonly kind: 'plain' | 'linked' | 'cut' | 'instances' }
  | { readonly kind: 'sharing'; readonly sharing: GpuSharing };

function drawDevices(prng: Prng): Devices {
  if (prng.chance(40)) return { kind: 'plain' };
  const kind = prng.pick(['linked', 'cut', 'instances', 'sharing', 'sharing'] as const);
  if (kind !== 'sharing') return { kind };
  const mode = prng.pick(['exclusive', 'mps', 'time-slice'] as const);
  const sharing =
    mode === 'time-slice' ? { kind: mode, replicas: prng.between(2, 8) } : { kind: mode };
  return { kind, sharing };
}

function drawKind(prng: Prng): NodeKind {
  const custom: [string, number][] = [];
  if (prng.chance(30)) custom.push(['licence', prng.between(1, 4)]);
  if (prng.chance(20)) custom.push(['port', prng.between(1, 8)]);
  return {
    cpu: prng.pick([1_000, 2_000, 4_000, 8_000, 32_000]),
    gib: prng.pick([2, 4, 16, 64]),
    gpus: prng.chance(60) ? 0 : prng.pick([1, 2, 4, 8]),
    devices: drawDevices(prng),
    custom,
  };
}

function nodeOfKind(id: string, kind: NodeKind): Node {
  const gpus = Array.from({ length: kind.gpus }, (_, i) =>
    device(`${id}-gpu${i}`, i, kind.devices),
  );
  return {
    id: id as NodeId,
    cpu: milliCpu(kind.cpu),
    memory: bytes(kind.gib * GIB),
    gpus,
    custom: kind.custom,
    labels: {},
    ...(kind.devices.kind === 'linked' && { links: pairs(kind.gpus) }),
    // Of the large ones nobody told.
    ...(kind.cpu <= 8_000 && { cpus: hyperThreads(kind.cpu / 1_000) }),
  };
}

/** Two NUMA nodes; the threads of a core are numbered far apart, as Linux does. */
const hyperThreads = (count: number): Cpu[] =>
  Array.from({ length: count }, (_, id) => {
    const cores = Math.max(1, count / 2);
    const core = id % cores;
    return { id, core, numa: core < cores / 2 ? 0 : 1 };
  });

function device(id: string, i: number, devices: Devices): Gpu {
  const plain = { id, model: 'modelled', memory: bytes(16 * GIB) };
  switch (devices.kind) {
    case 'plain':
    case 'linked':
      return plain;
    case 'sharing':
      return { ...plain, sharing: devices.sharing };
    case 'cut':
      return { id, model: 'A100-SXM4-40GB', memory: bytes(40 * GIB), mig: { kind: 'cut' } };
    case 'instances': {
      const profile = i % 2 === 0 ? '1g.5gb' : '3g.20gb';
      return { ...plain, mig: { kind: 'instance', profile } };
    }
    default:
      return assertNever(devices);
  }
}

/** Two and two are bridged, the rest go over one bus. */
const pairs = (count: number): number[][] =>
  Array.from({ length: count }, (_, a) =>
    Array.from({ length: count }, (_, b) => (a === b ? 0 : a >> 1 === b >> 1 ? 100 : 14)),
  );

/** The same node with less to give: half the CPU or memory, fewer GPUs, or none of the custom amounts. */
export function shrunk(node: Node, prng: Prng): Node {
  switch (prng.below(4)) {
    case 0:
      return { ...node, cpu: milliCpu(Math.floor(node.cpu / 2)) };
    case 1:
      return { ...node, memory: bytes(Math.floor(node.memory / 2)) };
    case 2:
      return withFewerGpus(node, prng);
    default:
      return { ...node, custom: [] };
  }
}

function withFewerGpus({ links: _, ...node }: Node, prng: Prng): Node {
  return { ...node, gpus: node.gpus.filter(() => prng.chance(50)) };
}
