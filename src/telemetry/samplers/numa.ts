import { type FileSampler, partsOf, reading, stateless, type Texts } from '../sampler.ts';

const NODES = '/sys/devices/system/node';

export const numaSampler: FileSampler = {
  name: 'numa',
  kind: 'aside',
  everyMs: 10_000,
  files: [`${NODES}/node*/meminfo`, `${NODES}/node*/numastat`],
  families: [
    'berth_node_numa_memory_total_bytes',
    'berth_node_numa_memory_free_bytes',
    'berth_node_numa_misses_total',
  ],
  open: stateless((texts: Texts) => [
    ...partsOf(texts, /\/node(\d+)\/meminfo$/).flatMap(([match, text]) => {
      const numa = match[1]!;
      const amount = (name: string): number | undefined => {
        const kib = new RegExp(`^Node \\d+ ${name}: *(\\d{1,12}) kB$`, 'm').exec(text)?.[1];
        return kib === undefined ? undefined : Number(kib) * 1024;
      };
      return [
        ...reading('berth_node_numa_memory_total_bytes', amount('MemTotal'), { numa }),
        ...reading('berth_node_numa_memory_free_bytes', amount('MemFree'), { numa }),
      ];
    }),
    ...partsOf(texts, /\/node(\d+)\/numastat$/).flatMap(([match, text]) => {
      const misses = /^numa_miss (\d{1,15})$/m.exec(text)?.[1];
      const value = misses === undefined ? undefined : Number(misses);
      return reading('berth_node_numa_misses_total', value, { numa: match[1]! });
    }),
  ]),
};
