import { type Fact, fact, unknown } from '../fact.ts';
import { parseMeminfo } from '../parsers/key-value.ts';
import { defineProbe } from '../probe.ts';

export interface MemoryFacts {
  /** What the kernel manages: less than installed by what firmware and the kernel image keep. */
  readonly totalBytes: Fact<number>;
  /** What a new program could get without swapping; the kernel's own estimate since Linux 3.14. */
  readonly availableBytes: Fact<number>;
  readonly freeBytes: Fact<number>;
  readonly swapTotalBytes: Fact<number>;
  readonly swapFreeBytes: Fact<number>;
  readonly hugeTotalBytes: Fact<number>;
}

export const memoryProbe = defineProbe<'memory', MemoryFacts>({
  name: 'memory',
  cost: 'fast',
  read(host) {
    const read = host.text('/proc/meminfo');
    if (!read.ok) return { kind: 'failed', problem: read.problem };
    const found = parseMeminfo(read.value);
    const field = (name: string): Fact<number> => {
      const value = found.get(name);
      return value === undefined ? unknown('not-reported') : fact(value, 'kernel');
    };
    const value: MemoryFacts = {
      totalBytes: field('MemTotal'),
      availableBytes: field('MemAvailable'),
      freeBytes: field('MemFree'),
      swapTotalBytes: field('SwapTotal'),
      swapFreeBytes: field('SwapFree'),
      hugeTotalBytes: field('Hugetlb'),
    };
    return { kind: 'found', value, problems: [] };
  },
});
