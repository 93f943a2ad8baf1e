import { type FileSampler, partsOf, reading, stateless, wholeNumberIn } from '../sampler.ts';

/** The kernel may ask each CPU in turn: slow on large hosts. */
export const cpuFrequencySampler: FileSampler = {
  name: 'cpu-frequency',
  kind: 'aside',
  everyMs: 15_000,
  files: ['/sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq'],
  families: ['berth_node_cpu_frequency_hertz'],
  open: stateless((texts) =>
    partsOf(texts, /\/cpu(\d+)\/cpufreq\//).flatMap(([match, text]) => {
      const kilohertz = wholeNumberIn(text);
      const hertz = kilohertz === undefined ? undefined : kilohertz * 1_000;
      return reading('berth_node_cpu_frequency_hertz', hertz, { cpu: match[1]! });
    }),
  ),
};
