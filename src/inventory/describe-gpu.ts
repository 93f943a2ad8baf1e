import { type DatasheetFacts, datasheetFacts } from './datasheets.ts';
import { fact } from './fact.ts';
import type { Gpu, MigDevice } from './gpu.ts';
import { migGeometryOf, migProfileOf } from './mig-profiles.ts';
import type { NvidiaListing } from './parsers/nvidia-listing.ts';
import type { MigInstance } from './parsers/nvidia-mig.ts';

/** A GPU with what its maker's datasheet adds. */
export interface DescribedGpu extends Gpu {
  readonly specs: DatasheetFacts;
}

export function describeGpu(gpu: Gpu): DescribedGpu {
  const specs = datasheetFacts(gpu.model.known ? gpu.model.value : undefined);
  return {
    ...gpu,
    computeCapability: gpu.computeCapability.known
      ? gpu.computeCapability
      : specs.computeCapability,
    specs,
  };
}

/**
 * Names MIG devices: from `nvidia-smi -L` and `mig -lgi` where they answered, else the profile by the
 * size of the instance (`estimated`). Placements come from the driver only.
 */
export function nameMigDevices(
  gpu: Gpu,
  listings: readonly NvidiaListing[],
  instances: readonly MigInstance[],
): Gpu {
  if (gpu.mig.devices.length === 0 || !gpu.index.known) return gpu;
  const index = gpu.index.value;
  const listing = listings.find((l) => l.gpu === index);
  const own = instances.filter((instance) => instance.gpu === index);
  return {
    ...gpu,
    mig: { ...gpu.mig, devices: gpu.mig.devices.map((d) => named(gpu, d, listing, own)) },
  };
}

function named(
  gpu: Gpu,
  device: MigDevice,
  listing: NvidiaListing | undefined,
  instances: readonly MigInstance[],
): MigDevice {
  const listed = device.index.known
    ? listing?.mig.find((m) => device.index.known && m.index === device.index.value)
    : undefined;
  const instance = device.gpuInstance.known
    ? instances.find((i) => device.gpuInstance.known && i.instance === device.gpuInstance.value)
    : undefined;
  const profile = listed?.profile ?? instance?.profile;
  const guess = profile === undefined ? profileBySize(gpu, device) : undefined;
  return {
    ...device,
    uuid: listed === undefined ? device.uuid : fact(listed.uuid, 'driver'),
    profile:
      profile !== undefined
        ? fact(profile, 'driver')
        : guess !== undefined
          ? fact(guess, 'estimated')
          : device.profile,
    placement:
      instance === undefined
        ? device.placement
        : fact({ start: instance.start, size: instance.size }, 'driver'),
  };
}

function profileBySize(gpu: Gpu, device: MigDevice): string | undefined {
  const { model, memory } = gpu;
  if (!model.known || !memory.totalBytes.known) return undefined;
  if (!device.multiprocessors.known || !device.memory.totalBytes.known) return undefined;
  const geometry = migGeometryOf(model.value, memory.totalBytes.value);
  return geometry === undefined
    ? undefined
    : migProfileOf(geometry, device.multiprocessors.value, device.memory.totalBytes.value)?.name;
}
