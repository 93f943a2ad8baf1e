import type { Sampler } from '../sampler.ts';
import { amdSampler } from './amd.ts';
import { cpuSampler } from './cpu.ts';
import { cpuFrequencySampler } from './cpu-frequency.ts';
import { cpuTimeSampler } from './cpu-time.ts';
import { disksSampler } from './disks.ts';
import { fileSystemsSampler } from './file-systems.ts';
import { fragmentationSampler } from './fragmentation.ts';
import { loadSampler } from './load.ts';
import { memorySampler } from './memory.ts';
import { networkSampler } from './network.ts';
import { networkSpeedSampler } from './network-speed.ts';
import { numaSampler } from './numa.ts';
import { nvidiaSampler } from './nvidia.ts';
import { pagingSampler } from './paging.ts';
import { powerSampler } from './power.ts';
import { pressureSampler } from './pressure.ts';
import { resctrlSampler } from './resctrl.ts';
import { tcpSampler } from './tcp.ts';
import { temperatureSampler } from './temperature.ts';
import { throttlesSampler } from './throttles.ts';

export const samplers: readonly Sampler[] = [
  cpuSampler,
  cpuTimeSampler,
  loadSampler,
  memorySampler,
  pagingSampler,
  pressureSampler,
  disksSampler,
  networkSampler,
  tcpSampler,
  numaSampler,
  fragmentationSampler,
  fileSystemsSampler,
  networkSpeedSampler,
  temperatureSampler,
  powerSampler,
  cpuFrequencySampler,
  throttlesSampler,
  resctrlSampler,
  nvidiaSampler,
  amdSampler,
];
