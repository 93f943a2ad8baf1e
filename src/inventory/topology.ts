import type { IdSet } from './cpu-set.ts';
import type { CpuCache } from './probes/cache.ts';
import type { NumaNode } from './probes/numa.ts';
import type { OsDevice } from './probes/os-devices.ts';
import type { PciDevice } from './probes/pci.ts';

/**
 * How the machine hangs together: one tree from the machine down to threads, with memory and I/O hung
 * where they are nearest. Only what this process may use is in it: CPUs that are online and in our
 * cpuset, NUMA nodes of our cpuset.
 */
export interface Topology {
  /** The machine is first; every other vertex comes after its parent. */
  readonly vertices: readonly Vertex[];
  /** Relative latencies between `memory` vertices in their order; 10 is local. Unknown: undefined. */
  readonly distances: readonly (readonly number[])[] | undefined;
  /** Between GPUs, by PCI address, as a driver told them; the PCI tree answers for pairs that are not here. */
  readonly links: readonly GpuLink[];
  /** What was contradictory and therefore left out. */
  readonly problems: readonly string[];
}

export type VertexKind =
  | 'machine'
  | 'drawer'
  | 'book'
  | 'package'
  | 'die'
  | 'group'
  | 'cluster'
  | 'cache'
  | 'core'
  | 'thread'
  | 'memory'
  | 'host-bridge'
  | 'bridge'
  | 'pci'
  | 'os-device';

export interface Vertex {
  readonly kind: VertexKind;
  /** Unique in the topology and the same after every start: `package:0`, `core:0/3`, `pci:0000:3b:00.0`. */
  readonly id: string;
  /** The kernel's number or name of it; undefined where it has none. */
  readonly number: number | undefined;
  /** Place in `vertices`; undefined for the machine. */
  readonly parent: number | undefined;
  readonly children: readonly number[];
  /** Of a memory or I/O vertex: the CPUs nearest to it. */
  readonly cpus: IdSet;
  readonly cache?: CpuCache;
  readonly memory?: NumaNode;
  readonly pci?: PciDevice;
  readonly device?: OsDevice;
}

/**
 * As `nvidia-smi topo -m` names them, nearest first: NVLink; one PCIe switch (PIX), several (PXB), the
 * host bridge (PHB), two host bridges of one NUMA node (NODE), between NUMA nodes (SYS).
 */
export type LinkKind = 'NV' | 'PIX' | 'PXB' | 'PHB' | 'NODE' | 'SYS';

export interface GpuLink {
  readonly between: readonly [string, string];
  readonly kind: LinkKind;
  /** How many NVLinks are bonded; 1 for the others. */
  readonly lanes: number;
}

export interface CacheCount {
  readonly level: number;
  readonly kind: CpuCache['kind'];
  readonly sizeBytes: number | undefined;
  /** Threads that share one of them. */
  readonly sharedBy: number;
  readonly count: number;
}

export interface TopologyCounts {
  readonly packages: number;
  readonly numaNodes: number;
  readonly cores: number;
  readonly threads: number;
  readonly caches: readonly CacheCount[];
}
