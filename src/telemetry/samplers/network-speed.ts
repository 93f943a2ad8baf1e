import { type FileSampler, partsOf, reading, stateless, wholeNumberIn } from '../sampler.ts';

const BYTES_PER_MEGABIT = 125_000;

/** Of links that say so: a virtual one says -1, and the kernel asks the driver, under a lock, for the others. */
export const networkSpeedSampler: FileSampler = {
  name: 'network-speed',
  kind: 'aside',
  everyMs: 60_000,
  files: ['/sys/class/net/*/speed'],
  families: ['berth_node_network_speed_bytes'],
  open: stateless((texts) =>
    partsOf(texts, /\/net\/([^/]+)\/speed$/).flatMap(([match, text]) => {
      const megabits = wholeNumberIn(text);
      const known = megabits !== undefined && megabits > 0;
      const bytes = known ? megabits * BYTES_PER_MEGABIT : undefined;
      return reading('berth_node_network_speed_bytes', bytes, { device: match[1]! });
    }),
  ),
};
