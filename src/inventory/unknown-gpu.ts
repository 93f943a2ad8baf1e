import { unknown } from './fact.ts';
import type { Gpu } from './gpu.ts';

const none = unknown('not-reported');

/** A GPU of which nothing is told yet: sources fill in what they know. */
export function unknownGpu(vendor: Gpu['vendor']): Gpu {
  return {
    vendor,
    index: none,
    model: none,
    architecture: none,
    uuid: none,
    serial: none,
    pciAddress: none,
    pciId: none,
    numaNode: none,
    computeCapability: none,
    memory: { totalBytes: none, reservedBytes: none, usedBytes: none, freeBytes: none },
    utilization: { computeBp: none, memoryBp: none },
    temperature: {
      currentMilliCelsius: none,
      memoryMilliCelsius: none,
      slowdownMilliCelsius: none,
      shutdownMilliCelsius: none,
      marginMilliCelsius: none,
    },
    power: {
      drawMilliwatts: none,
      limitMilliwatts: none,
      defaultLimitMilliwatts: none,
      minLimitMilliwatts: none,
      maxLimitMilliwatts: none,
    },
    clocks: {
      graphicsMhz: none,
      memoryMhz: none,
      graphicsMaxMhz: none,
      memoryMaxMhz: none,
    },
    pcie: { generation: none, generationMax: none, lanes: none, lanesMax: none, replays: none },
    ecc: {
      enabled: none,
      correctedVolatile: none,
      uncorrectedVolatile: none,
      uncorrectedAggregate: none,
      remappedRows: none,
      remapFailed: none,
      repairPending: none,
    },
    throttledBy: none,
    mig: { enabled: none, pending: none, devices: [] },
    processes: none,
  };
}
