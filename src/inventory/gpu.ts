import type { Fact } from './fact.ts';

/** One GPU as its driver describes it. Units are in the names; ratios are basis points. */
export interface Gpu {
  readonly vendor: 'nvidia' | 'amd' | 'intel';
  /** The driver's own order, which is not always the PCI order. */
  readonly index: Fact<number>;
  readonly model: Fact<string>;
  readonly architecture: Fact<string>;
  readonly uuid: Fact<string>;
  readonly serial: Fact<string>;
  /** `dddd:bb:dd.f`, lower case, as /sys/bus/pci names it. */
  readonly pciAddress: Fact<string>;
  /** `vvvv:dddd`. */
  readonly pciId: Fact<string>;
  readonly numaNode: Fact<number>;
  /** `9.0` of NVIDIA, `gfx942` of AMD. */
  readonly computeCapability: Fact<string>;
  readonly memory: GpuMemory;
  readonly utilization: { readonly computeBp: Fact<number>; readonly memoryBp: Fact<number> };
  readonly temperature: GpuTemperature;
  readonly power: GpuPower;
  readonly clocks: GpuClocks;
  readonly pcie: GpuPcie;
  readonly ecc: GpuEcc;
  /** Why the clocks are held down now, in the driver's words; idle is not a reason. */
  readonly throttledBy: Fact<readonly string[]>;
  readonly mig: GpuMig;
  readonly processes: Fact<readonly GpuProcess[]>;
}

export interface GpuMemory {
  readonly totalBytes: Fact<number>;
  readonly reservedBytes: Fact<number>;
  readonly usedBytes: Fact<number>;
  readonly freeBytes: Fact<number>;
}

export interface GpuTemperature {
  readonly currentMilliCelsius: Fact<number>;
  readonly memoryMilliCelsius: Fact<number>;
  readonly slowdownMilliCelsius: Fact<number>;
  readonly shutdownMilliCelsius: Fact<number>;
  /** How far below the slow-down the hottest point is; newer devices tell only this. */
  readonly marginMilliCelsius: Fact<number>;
}

export interface GpuPower {
  readonly drawMilliwatts: Fact<number>;
  readonly limitMilliwatts: Fact<number>;
  readonly defaultLimitMilliwatts: Fact<number>;
  readonly minLimitMilliwatts: Fact<number>;
  readonly maxLimitMilliwatts: Fact<number>;
}

export interface GpuClocks {
  readonly graphicsMhz: Fact<number>;
  readonly memoryMhz: Fact<number>;
  readonly graphicsMaxMhz: Fact<number>;
  readonly memoryMaxMhz: Fact<number>;
}

export interface GpuPcie {
  readonly generation: Fact<number>;
  readonly generationMax: Fact<number>;
  readonly lanes: Fact<number>;
  readonly lanesMax: Fact<number>;
  readonly replays: Fact<number>;
}

export interface GpuEcc {
  readonly enabled: Fact<boolean>;
  /** Since the driver was loaded. */
  readonly correctedVolatile: Fact<number>;
  readonly uncorrectedVolatile: Fact<number>;
  /** Over the life of the device. */
  readonly uncorrectedAggregate: Fact<number>;
  readonly remappedRows: Fact<number>;
  readonly remapFailed: Fact<boolean>;
  /** A page or row waits for a reset to be taken out of use. */
  readonly repairPending: Fact<boolean>;
}

export interface GpuMig {
  readonly enabled: Fact<boolean>;
  readonly pending: Fact<boolean>;
  readonly devices: readonly MigDevice[];
}

export interface MigDevice {
  readonly index: Fact<number>;
  readonly gpuInstance: Fact<number>;
  readonly computeInstance: Fact<number>;
  readonly uuid: Fact<string>;
  /** `3g.40gb`, or `1c.3g.40gb` for a part of an instance. */
  readonly profile: Fact<string>;
  readonly multiprocessors: Fact<number>;
  readonly memory: GpuMemory;
  /** Where the GPU instance lies on the axis of memory slices. */
  readonly placement: Fact<{ readonly start: number; readonly size: number }>;
}

export interface GpuProcess {
  readonly pid: number;
  /** C compute, G graphics, or both, as the driver says. */
  readonly type: Fact<string>;
  readonly name: Fact<string>;
  readonly usedBytes: Fact<number>;
  readonly gpuInstance: Fact<number>;
}

/** `00000000:3B:00.0` and `0000:3b:00.0` are one address. */
export function pciAddress(text: string): string | undefined {
  const match = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/i.exec(text.trim());
  if (match === null) return undefined;
  const domain = Number.parseInt(match[1] ?? '0', 16)
    .toString(16)
    .padStart(4, '0');
  return `${domain}:${match[2]}:${match[3]}.${match[4]}`.toLowerCase();
}
