import { type Fact, fact, unknown } from '../fact.ts';
import { defineProbe } from '../probe.ts';
import type { Limit } from './cgroup.ts';

/** What one process of ours may use; soft limits, of /proc/self/limits. */
export interface ProcessLimits {
  readonly openFiles: Fact<Limit>;
  readonly processes: Fact<Limit>;
  readonly lockedMemoryBytes: Fact<Limit>;
  readonly addressSpaceBytes: Fact<Limit>;
  readonly fileSizeBytes: Fact<Limit>;
  readonly stackBytes: Fact<Limit>;
  readonly coreFileBytes: Fact<Limit>;
  readonly cpuSeconds: Fact<Limit>;
}

export const rlimitsProbe = defineProbe<'rlimits', ProcessLimits>({
  name: 'rlimits',
  cost: 'fast',
  read(host) {
    const read = host.text('/proc/self/limits');
    if (!read.ok) {
      return read.problem.kind === 'absent'
        ? { kind: 'absent' }
        : { kind: 'failed', problem: read.problem };
    }
    const soft = parseLimits(read.value);
    const field = (name: string): Fact<Limit> => {
      const value = soft.get(name);
      return value === undefined ? unknown('not-reported') : fact(value, 'kernel');
    };
    const value: ProcessLimits = {
      openFiles: field('Max open files'),
      processes: field('Max processes'),
      lockedMemoryBytes: field('Max locked memory'),
      addressSpaceBytes: field('Max address space'),
      fileSizeBytes: field('Max file size'),
      stackBytes: field('Max stack size'),
      coreFileBytes: field('Max core file size'),
      cpuSeconds: field('Max cpu time'),
    };
    return { kind: 'found', value, problems: [] };
  },
});

function parseLimits(text: string): ReadonlyMap<string, Limit> {
  const found = new Map<string, Limit>();
  for (const line of text.split('\n')) {
    const match = /^(Max [a-z ]+?) {2,}(unlimited|\d{1,20})\s/.exec(line);
    if (match === null) continue;
    const limit = match[2] === 'unlimited' ? 'unlimited' : Number(match[2]);
    if (limit === 'unlimited' || Number.isSafeInteger(limit)) found.set(match[1]!, limit);
  }
  return found;
}
