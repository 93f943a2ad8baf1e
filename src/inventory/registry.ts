import type { Probe, ProbeOutcome } from './probe.ts';
import { acceleratorsProbe } from './probes/accelerators.ts';
import { amdProbe } from './probes/amd.ts';
import { blockDevicesProbe } from './probes/block-devices.ts';
import { cacheProbe } from './probes/cache.ts';
import { cgroupProbe } from './probes/cgroup.ts';
import { cpuProbe } from './probes/cpu.ts';
import { cpufreqProbe } from './probes/cpufreq.ts';
import { cpuidleProbe } from './probes/cpuidle.ts';
import { dimmProbe } from './probes/dimm.ts';
import { fileSystemsProbe } from './probes/file-systems.ts';
import { hugepagesProbe } from './probes/hugepages.ts';
import { infinibandProbe } from './probes/infiniband.ts';
import { intelGpuProbe } from './probes/intel-gpu.ts';
import { kernelProbe } from './probes/kernel.ts';
import { memoryProbe } from './probes/memory.ts';
import { networkProbe } from './probes/network.ts';
import { numaProbe } from './probes/numa.ts';
import { nvidiaProbe } from './probes/nvidia.ts';
import { nvmeProbe } from './probes/nvme.ts';
import { osDevicesProbe } from './probes/os-devices.ts';
import { pciProbe } from './probes/pci.ts';
import { powerProbe } from './probes/power.ts';
import { raidProbe } from './probes/raid.ts';
import { resctrlProbe } from './probes/resctrl.ts';
import { rlimitsProbe } from './probes/rlimits.ts';
import { smartProbe } from './probes/smart.ts';
import { thermalProbe } from './probes/thermal.ts';

/** Every probe, in the order in which people read the inventory. */
export const registry = [
  kernelProbe,
  cgroupProbe,
  rlimitsProbe,
  cpuProbe,
  cacheProbe,
  cpufreqProbe,
  cpuidleProbe,
  numaProbe,
  memoryProbe,
  dimmProbe,
  hugepagesProbe,
  resctrlProbe,
  pciProbe,
  osDevicesProbe,
  blockDevicesProbe,
  fileSystemsProbe,
  nvmeProbe,
  raidProbe,
  smartProbe,
  networkProbe,
  infinibandProbe,
  nvidiaProbe,
  amdProbe,
  intelGpuProbe,
  acceleratorsProbe,
  powerProbe,
  thermalProbe,
] as const;

type Registered = (typeof registry)[number];

/** What each probe answered, by its name; one that was not run is not there. */
export type Outcomes = {
  readonly [P in Registered as P['name']]?: P extends Probe<string, infer T>
    ? ProbeOutcome<T>
    : never;
};
