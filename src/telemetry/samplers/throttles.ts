import { type FileSampler, partsOf, reading, stateless, wholeNumberIn } from '../sampler.ts';

/** How often a core was slowed for its own heat (kernel: drivers of Intel thermal monitoring). */
export const throttlesSampler: FileSampler = {
  name: 'throttles',
  kind: 'aside',
  everyMs: 15_000,
  files: ['/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count'],
  families: ['berth_node_thermal_throttles_total'],
  open: stateless((texts) =>
    partsOf(texts, /\/cpu(\d+)\/thermal_throttle\//).flatMap(([match, text]) =>
      reading('berth_node_thermal_throttles_total', wholeNumberIn(text), { cpu: match[1]! }),
    ),
  ),
};
