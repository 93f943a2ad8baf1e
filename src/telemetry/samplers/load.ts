import { parseLoad1 } from '../proc-counters.ts';
import { type FileSampler, reading, stateless } from '../sampler.ts';

export const loadSampler: FileSampler = {
  name: 'load',
  kind: 'kept',
  everyMs: 5_000,
  files: ['/proc/loadavg'],
  families: ['berth_node_load1'],
  open: stateless((texts) =>
    reading('berth_node_load1', parseLoad1(texts.get('/proc/loadavg') ?? '')),
  ),
};
