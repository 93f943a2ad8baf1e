import { knownValue } from '../inventory/fact.ts';
import type { Gpu as FoundGpu } from '../inventory/gpu.ts';
import { migGeometryOf } from '../inventory/mig-profiles.ts';
import type { Node } from '../model/node.ts';
import { cutFrom } from './mig-instances.ts';
import {
  type MigGpu,
  type MigInstance,
  planRepartition,
  type Repartition,
} from './mig-repartition.ts';

/** What it costs to end what runs on the instance of this id; 0 when nothing does. */
export type InstanceCost = (id: string) => number;

/**
 * The cheapest way to have these instances on a modelled node, whose GPUs are cut as tasks are placed:
 * `held` are the ids of all instances that are held. Undefined when no way ends in all of them.
 */
export function planCuts(
  node: Node,
  held: Iterable<string>,
  wanted: readonly string[],
  costOf: InstanceCost,
): Repartition | undefined {
  const ids = new Map([...held].map((id) => [id, 1]));
  const gpus = node.gpus.flatMap((gpu): MigGpu[] => {
    const geometry = gpu.mig?.kind === 'cut' ? migGeometryOf(gpu.model, gpu.memory) : undefined;
    if (geometry === undefined) return [];
    const instances = cutFrom(gpu, geometry, ids).map(({ id, ...placement }, gi) => {
      return { ...placement, gi, cost: costOf(id) };
    });
    return [{ id: gpu.id, geometry, instances }];
  });
  return planRepartition(gpus, wanted);
}

/**
 * The same for the GPUs of a real machine, whose instances have ids of the driver. A GPU whose layout is not
 * known to the last instance is left as it is.
 */
export function planInventory(
  gpus: readonly FoundGpu[],
  wanted: readonly string[],
  costOf: InstanceCost,
): Repartition | undefined {
  return planRepartition(
    gpus.flatMap((gpu) => layoutOf(gpu, costOf) ?? []),
    wanted,
  );
}

function layoutOf(gpu: FoundGpu, costOf: InstanceCost): MigGpu | undefined {
  const id = knownValue(gpu.uuid);
  const model = knownValue(gpu.model);
  const memory = knownValue(gpu.memory.totalBytes);
  if (knownValue(gpu.mig.enabled) !== true) return undefined;
  if (id === undefined || model === undefined || memory === undefined) return undefined;
  const geometry = migGeometryOf(model, memory);
  if (geometry === undefined) return undefined;
  const instances = new Map<number, MigInstance>();
  for (const device of gpu.mig.devices) {
    const name = knownValue(device.profile)?.replace(/^\dc\./, '');
    const profile = geometry.profiles.find((other) => other.name === name);
    const start = knownValue(device.placement)?.start;
    const gi = knownValue(device.gpuInstance);
    const uuid = knownValue(device.uuid);
    if (profile === undefined || start === undefined || gi === undefined || uuid === undefined) {
      return undefined;
    }
    // Compute instances of one GPU instance end together.
    const cost = (instances.get(gi)?.cost ?? 0) + costOf(uuid);
    instances.set(gi, { profile, start, gi, cost });
  }
  return { id, geometry, instances: [...instances.values()] };
}
