import type { Reading } from '../metric.ts';
import { type FileSampler, stateless } from '../sampler.ts';

const BUDDYINFO = '/proc/buddyinfo';
/** 2 MiB of pages of 4 KiB; where pages are larger, blocks of this order are so, too. */
const HUGE_ORDER = 9;

/** The kernel takes a lock of each zone to count: not each second. */
export const fragmentationSampler: FileSampler = {
  name: 'fragmentation',
  kind: 'aside',
  everyMs: 30_000,
  files: [BUDDYINFO],
  families: ['berth_node_memory_unusable_free_ratio'],
  open: stateless((texts) => {
    const readings: Reading[] = [];
    const lines = (texts.get(BUDDYINFO) ?? '').matchAll(/^Node (\d+), zone +(\w+) +([\d ]+)$/gm);
    for (const [, numa, zone, blocks] of lines) {
      let free = 0;
      let small = 0;
      for (const [order, count] of blocks!.trim().split(/ +/).map(Number).entries()) {
        const pages = count * 2 ** order;
        free += pages;
        if (order < HUGE_ORDER) small += pages;
      }
      if (!(free > 0) || !Number.isSafeInteger(free)) continue;
      const labels = { numa: numa!, zone: zone! };
      readings.push({
        name: 'berth_node_memory_unusable_free_ratio',
        labels,
        value: small / free,
      });
    }
    return readings;
  }),
};
