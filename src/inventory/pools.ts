import { idsOf, intersection, isEmpty, sizeOf } from './cpu-set.ts';
import { knownValue } from './fact.ts';
import { found, type Inventory } from './inventory.ts';
import { usableGpus } from './to-node.ts';

/**
 * Resources of one host that are alike, as data that policies select by. Names stay the same as long as
 * the hardware does.
 */
export type Pool =
  | {
      readonly kind: 'cpu';
      readonly name: string;
      readonly numaNode: number;
      readonly cpus: readonly number[];
      readonly milliCpu: number;
    }
  | {
      readonly kind: 'memory';
      readonly name: string;
      readonly numaNode: number;
      readonly bytes: number;
    }
  | {
      readonly kind: 'gpu';
      readonly name: string;
      readonly tier: GpuTier;
      readonly gpus: readonly string[];
      readonly bytes: number;
      /** Only the smallest tier is shared between tasks unless somebody asks for it. */
      readonly sharing: 'exclusive' | 'shared';
    }
  | {
      readonly kind: 'storage';
      readonly name: string;
      readonly medium: string;
      readonly devices: readonly string[];
      readonly bytes: number;
    }
  | {
      readonly kind: 'network';
      readonly name: string;
      readonly numaNode: number | undefined;
      readonly interfaces: readonly string[];
      /** Of those that tell a speed. */
      readonly bitsPerSecond: number;
    };

export type GpuTier = 'training-high-end' | 'training-mid-range' | 'training-entry' | 'inference';

/** From the largest down; makers' gigabytes, so that a card sold as 32 GB is in the tier of 32. */
const TIERS: readonly (readonly [number, GpuTier])[] = [
  [32e9, 'training-high-end'],
  [16e9, 'training-mid-range'],
  [8e9, 'training-entry'],
  [0, 'inference'],
];

export function gpuTier(memoryBytes: number): GpuTier {
  return TIERS.find(([from]) => memoryBytes >= from)![1];
}

export function poolsOf(inventory: Inventory): readonly Pool[] {
  return [
    ...cpuPools(inventory),
    ...memoryPools(inventory),
    ...gpuPools(inventory),
    ...storagePools(inventory),
    ...networkPools(inventory),
  ];
}

function cpuPools({ topology, limits }: Inventory): Pool[] {
  if (topology === undefined || !limits.cpus.known) return [];
  const usable = limits.cpus.value;
  return topology.vertices.flatMap((v): Pool[] => {
    if (v.memory?.kind !== 'cpu') return [];
    const cpus = intersection(v.cpus, usable);
    if (isEmpty(cpus)) return [];
    const { id } = v.memory;
    const milliCpu = sizeOf(cpus) * 1000;
    return [{ kind: 'cpu', name: `numa-${id}`, numaNode: id, cpus: idsOf(cpus), milliCpu }];
  });
}

function memoryPools({ topology }: Inventory): Pool[] {
  return (topology?.vertices ?? []).flatMap((v): Pool[] => {
    if (v.memory === undefined || !v.memory.totalBytes.known) return [];
    const { id, totalBytes } = v.memory;
    return [{ kind: 'memory', name: `numa-${id}`, numaNode: id, bytes: totalBytes.value }];
  });
}

function gpuPools(inventory: Inventory): Pool[] {
  const gpus = usableGpus(inventory);
  const byTier = Map.groupBy(gpus, (gpu) => gpuTier(gpu.memory));
  return TIERS.flatMap(([, tier]): Pool[] => {
    const members = byTier.get(tier);
    if (members === undefined) return [];
    const bytes = members.reduce((sum, gpu) => sum + gpu.memory, 0);
    const sharing = tier === 'inference' ? 'shared' : 'exclusive';
    return [{ kind: 'gpu', name: tier, tier, gpus: members.map((gpu) => gpu.id), bytes, sharing }];
  });
}

/** Whole disks by what the data lies on; loop devices and what is stacked on disks would count twice. */
function storagePools({ outcomes }: Inventory): Pool[] {
  const disks = (found(outcomes['block-devices']) ?? []).filter((d) => d.kind === 'disk');
  const byMedium = Map.groupBy(disks, (d) => (d.medium.known ? d.medium.value : 'unknown'));
  return [...byMedium]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([medium, members]) => ({
      kind: 'storage',
      name: medium,
      medium,
      devices: members.map((d) => d.name),
      bytes: members.reduce((sum, d) => sum + (d.sizeBytes.known ? d.sizeBytes.value : 0), 0),
    }));
}

/** Interfaces with a device behind them; bonds and bridges are made of those. */
function networkPools({ outcomes }: Inventory): Pool[] {
  const cards = (found(outcomes.network) ?? []).filter((i) => !i.virtual);
  const byNode = Map.groupBy(cards, (i) => knownValue(i.numaNode));
  return [...byNode]
    .sort(([a], [b]) => (a ?? -1) - (b ?? -1))
    .map(([numaNode, members]) => ({
      kind: 'network',
      name: numaNode === undefined ? 'any' : `numa-${numaNode}`,
      numaNode,
      interfaces: members.map((i) => i.name),
      bitsPerSecond: members.reduce((sum, i) => sum + (knownValue(i.speedBitsPerSecond) ?? 0), 0),
    }));
}
