import { bytes, milliCpu } from '../base/units.ts';
import type { NodeId } from '../model/ids.ts';
import type { Node, Gpu as NodeGpu } from '../model/node.ts';
import { EMPTY_SET, firstOf, has } from './cpu-set.ts';
import { knownValue } from './fact.ts';
import type { Gpu } from './gpu.ts';
import { linkWorth } from './gpu-sets.ts';
import { found, type Inventory } from './inventory.ts';

/**
 * Memory kept for the system and for Berth itself: a twentieth of what we may use, at most 1 GiB. An
 * idle server needs some hundred MB; kubelet keeps more because it also starts containers.
 */
export function memoryReserve(usableBytes: number): number {
  return Math.min(Math.ceil(usableBytes / 20), 2 ** 30);
}

/** What the scheduler may give out of this host. A figure that is unknown is nothing to give out. */
export function toNode(inventory: Inventory, id: NodeId): Node {
  const { cpuMilli, memoryBytes } = inventory.limits;
  const usable = memoryBytes.known ? memoryBytes.value : 0;
  const links = linksOf(inventory);
  const cpus = cpusOf(inventory);
  return {
    id,
    cpu: milliCpu(cpuMilli.known ? cpuMilli.value : 0),
    memory: bytes(usable - memoryReserve(usable)),
    gpus: usableGpus(inventory),
    custom: [],
    labels: labelsOf(inventory),
    ...(links && { links }),
    ...(cpus.length > 0 && { cpus }),
  };
}

/** Those that this process may use. A thread of which nobody tells the core is one by itself. */
function cpusOf({ limits, outcomes }: Inventory): NonNullable<Node['cpus']> {
  const threads = found(outcomes.cpu)?.threads ?? [];
  const memory = found(outcomes.numa) ?? [];
  const usable = limits.cpus.known ? limits.cpus.value : EMPTY_SET;
  return threads
    .filter(({ id }) => has(usable, id))
    .map(({ id, core }) => ({
      id,
      core: core === undefined ? id : (firstOf(core) ?? id),
      numa: memory.find(({ nearestCpus }) => has(nearestCpus, id))?.id ?? 0,
    }));
}

/** Between whole GPUs that were all told with an address; where some are cut, nobody gets several as a set. */
function linksOf({ gpus, topology }: Inventory): Node['links'] {
  if (topology === undefined || gpus.length < 3) return undefined;
  const addresses: string[] = [];
  for (const gpu of gpus) {
    const [device, ...more] = nodeGpus(gpu);
    const address = knownValue(gpu.pciAddress);
    if (device === undefined && more.length === 0) continue;
    if (device?.mig !== undefined || address === undefined) return undefined;
    addresses.push(address);
  }
  return linkWorth(topology, addresses);
}

/** What may be given out: whole GPUs, and the instances of those that are cut. */
export function usableGpus(inventory: Inventory): readonly NodeGpu[] {
  return inventory.gpus.flatMap(nodeGpus);
}

/** A GPU that is cut into MIG instances takes no work itself; its instances do. */
function nodeGpus(gpu: Gpu): NodeGpu[] {
  const model = gpu.model.known ? gpu.model.value : undefined;
  if (model === undefined) return [];
  if (!(gpu.mig.enabled.known && gpu.mig.enabled.value)) {
    const id = knownValue(gpu.uuid) ?? knownValue(gpu.index)?.toString();
    const total = knownValue(gpu.memory.totalBytes);
    if (id === undefined || total === undefined) return [];
    return [{ id, model, memory: bytes(total), ...numaOf(gpu), ...vendorOf(gpu) }];
  }
  return gpu.mig.devices.flatMap((device) => {
    const id = knownValue(device.uuid);
    const total = knownValue(device.memory.totalBytes);
    const profile = knownValue(device.profile) ?? 'instance';
    if (id === undefined || total === undefined) return [];
    const mig = { kind: 'instance', profile } as const;
    return [{ id, model: `${model} MIG ${profile}`, memory: bytes(total), ...numaOf(gpu), mig }];
  });
}

function numaOf({ numaNode }: Gpu): Pick<NodeGpu, 'numa'> {
  const numa = knownValue(numaNode);
  return numa === undefined || numa < 0 ? {} : { numa };
}

const vendorOf = ({ vendor }: Gpu): Pick<NodeGpu, 'vendor'> =>
  vendor === 'nvidia' ? {} : { vendor };

/** What jobs may ask for by name. Values that are not known have no label. */
function labelsOf(inventory: Inventory): Record<string, string> {
  const cpu = found(inventory.outcomes.cpu);
  const kernel = found(inventory.outcomes.kernel);
  const labels: [string, string | undefined][] = [
    ['hostname', kernel && knownValue(kernel.hostName)],
    ['arch', cpu && knownValue(cpu.architecture)],
    ['isa-level', cpu && knownValue(cpu.isaLevel)],
    ['cpu-vendor', cpu && knownValue(cpu.vendor)],
    ['cpu-model', cpu && knownValue(cpu.model)],
    ['os', kernel && knownValue(kernel.osId)],
    ['virtualization', kernel && knownValue(kernel.hypervisor)],
    ['gpu-model', inventory.gpus[0] && knownValue(inventory.gpus[0].model)],
  ];
  return Object.fromEntries(labels.filter((l): l is [string, string] => l[1] !== undefined));
}
