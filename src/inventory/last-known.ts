import type { InventoryDocument } from './inventory-schema.ts';

/**
 * `after`, with what only failed probes could have told taken from `before`: a driver that did not answer
 * says nothing about its devices. The outcomes of the probes stay those of `after`.
 */
export function withLastKnown(
  before: InventoryDocument,
  after: InventoryDocument,
): InventoryDocument {
  const failed = new Set(
    after.probes.filter((probe) => probe.outcome === 'failed').map((probe) => probe.name),
  );
  if (failed.size === 0) return after;
  const section = (name: 'storage' | 'network' | 'devices') => {
    const old = Object.entries(before[name]).filter(([key]) => failed.has(probeOf(key)));
    return { ...after[name], ...Object.fromEntries(old) };
  };
  const gpus = before.gpus.filter(
    (old) =>
      failed.has(driverOf[old.vendor]) && !after.gpus.some((gpu) => gpu.vendor === old.vendor),
  );
  return {
    ...after,
    cpu: failed.has('cpu') ? before.cpu : withNodes(before.cpu, after.cpu, failed),
    memory: failed.has('memory') ? before.memory : withModules(before.memory, after.memory, failed),
    storage: section('storage'),
    network: section('network'),
    devices: section('devices'),
    gpus: [...after.gpus, ...gpus],
  };
}

const driverOf = { nvidia: 'nvidia', amd: 'amd', intel: 'intel-gpu' } as const;

/** The sections have their parts under the names of the probes, with underscores. */
const probeOf = (key: string): string => key.replaceAll('_', '-');

type Part<K extends 'cpu' | 'memory'> = InventoryDocument[K];

function withNodes(old: Part<'cpu'>, now: Part<'cpu'>, failed: ReadonlySet<string>): Part<'cpu'> {
  if (old === null || now === null || !failed.has('numa')) return now;
  return { ...now, numa_nodes: old.numa_nodes };
}

function withModules(
  old: Part<'memory'>,
  now: Part<'memory'>,
  failed: ReadonlySet<string>,
): Part<'memory'> {
  if (old === null || now === null || !failed.has('dimm')) return now;
  return { ...now, modules: old.modules };
}
