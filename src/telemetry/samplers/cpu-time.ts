import type { Reading } from '../metric.ts';
import { type FileSampler, stateless } from '../sampler.ts';

const STAT = '/proc/stat';
/** Columns of a line of /proc/stat (proc(5)); guests are in `user` and `nice`, too, and so left out. */
const MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'];
/** Linux tells user space of 100 ticks in a second, whatever its own clock is (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** CPU time by mode. Many series on a large host, and counters: nothing is lost by reading them seldom. */
export const cpuTimeSampler: FileSampler = {
  name: 'cpu-time',
  kind: 'kept',
  everyMs: 5_000,
  files: [STAT],
  families: ['berth_node_cpu_seconds_total'],
  open: stateless((texts) => {
    const readings: Reading[] = [];
    for (const [, cpu, columns] of (texts.get(STAT) ?? '').matchAll(/^cpu(\d{1,5}) ([\d ]+)$/gm)) {
      const ticks = columns!.split(' ').map(Number);
      for (const [i, mode] of MODES.entries()) {
        const value = ticks[i];
        if (value === undefined || !Number.isSafeInteger(value)) continue;
        const labels = { cpu: cpu!, mode };
        readings.push({
          name: 'berth_node_cpu_seconds_total',
          labels,
          value: value / TICKS_PER_SECOND,
        });
      }
    }
    return readings;
  }),
};
