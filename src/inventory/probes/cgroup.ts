import { type CgroupLayout, type CgroupPlace, readCgroupLayout } from '../cgroup-files.ts';
import type { IdSet } from '../cpu-set.ts';
import { parseIdList } from '../cpu-set.ts';
import { type Fact, fact, unknown } from '../fact.ts';
import type { HostReader } from '../host-reader.ts';
import { parseColonLines } from '../parsers/key-value.ts';
import { defineProbe } from '../probe.ts';
import { parseInteger, sysfsList, sysfsText } from '../sysfs.ts';

/** A limit that is not set is `unlimited`, which is known; one that cannot be read is unknown. */
export type Limit = number | 'unlimited';

export interface CgroupFacts {
  readonly version: Fact<'v1' | 'v2' | 'hybrid' | 'none'>;
  readonly unifiedMount: Fact<string>;
  /** Where the memory controller has us. */
  readonly path: Fact<string>;
  /** Thousandths of a CPU per period: the least quota from our cgroup up to the root. */
  readonly cpuMilli: Fact<Limit>;
  /** CPUs and NUMA nodes that our cpuset lets us use. */
  readonly cpus: Fact<IdSet>;
  readonly memoryNodes: Fact<IdSet>;
  readonly memoryBytes: Fact<Limit>;
  readonly memoryHighBytes: Fact<Limit>;
  readonly swapBytes: Fact<Limit>;
  readonly processes: Fact<Limit>;
  /** CPUs that this process may run on (sched_setaffinity, which a cpuset also narrows). */
  readonly affinity: Fact<IdSet>;
}

export const cgroupProbe = defineProbe<'cgroup', CgroupFacts>({
  name: 'cgroup',
  cost: 'slow',
  read(host) {
    const layout = readCgroupLayout(host);
    const memory = layout.place('memory');
    const value: CgroupFacts = {
      version: fact(layout.version, 'kernel'),
      unifiedMount:
        layout.unified === undefined ? unknown('absent') : fact(layout.unified, 'kernel'),
      path: memory === undefined ? unknown('absent') : fact(memory.folder, 'kernel'),
      cpuMilli: cpuQuota(host, layout.place('cpu')),
      ...cpusets(host, layout),
      memoryBytes: leastLimit(host, memory, 'memory.max', 'memory.limit_in_bytes'),
      memoryHighBytes: leastLimit(host, memory, 'memory.high', undefined),
      swapBytes: leastLimit(host, memory, 'memory.swap.max', undefined),
      processes: leastLimit(host, layout.place('pids'), 'pids.max', 'pids.max'),
      affinity: affinity(host),
    };
    return { kind: 'found', value, problems: [] };
  },
});

/** Version 1 writes "none" as the largest multiple of a page in 63 bits; no machine has an exbibyte. */
const V1_UNLIMITED = 2 ** 60;

function leastLimit(
  host: HostReader,
  place: CgroupPlace | undefined,
  v2File: string,
  v1File: string | undefined,
): Fact<Limit> {
  const file = place?.version === 'v2' ? v2File : v1File;
  if (place === undefined || file === undefined) return unknown('absent');
  return leastOf(place.chain.map((folder) => parseLimit(sysfsText(host, `${folder}/${file}`))));
}

function parseLimit(text: string | undefined): Limit | undefined {
  if (text === 'max') return 'unlimited';
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  const n = Number(text);
  return n >= V1_UNLIMITED ? 'unlimited' : Number.isSafeInteger(n) ? n : undefined;
}

/** The root has no limit files, so a level without one counts as no limit there. */
function leastOf(limits: readonly (Limit | undefined)[]): Fact<Limit> {
  const known = limits.filter((l) => l !== undefined);
  if (known.length === 0) return unknown('absent');
  const numbers = known.filter((l) => typeof l === 'number');
  return fact(numbers.length === 0 ? 'unlimited' : Math.min(...numbers), 'kernel');
}

function cpuQuota(host: HostReader, place: CgroupPlace | undefined): Fact<Limit> {
  if (place === undefined) return unknown('absent');
  const quotas = place.chain.map((folder): Limit | undefined => {
    const [quota, period] =
      place.version === 'v2'
        ? (sysfsText(host, `${folder}/cpu.max`) ?? '').split(' ')
        : [
            sysfsText(host, `${folder}/cpu.cfs_quota_us`),
            sysfsText(host, `${folder}/cpu.cfs_period_us`),
          ];
    if (quota === 'max' || quota === '-1') return 'unlimited';
    const [used, every] = [parseInteger(quota), parseInteger(period)];
    if (used === undefined || every === undefined || used <= 0 || every <= 0) return undefined;
    return Math.floor((used * 1000) / every);
  });
  return leastOf(quotas);
}

function cpusets(host: HostReader, layout: CgroupLayout) {
  const place = layout.place('cpuset');
  const read = (name: 'cpus' | 'mems'): Fact<IdSet> => {
    if (place === undefined) return unknown('absent');
    const files =
      place.version === 'v2'
        ? [`cpuset.${name}.effective`]
        : place.hasPrefix
          ? [`cpuset.${name}`]
          : [name];
    for (const file of files) {
      const set = sysfsList(host, `${place.folder}/${file}`);
      // A version 1 cpuset that was never filled in is empty and can hold no process: not ours.
      if (set !== undefined && set !== 0n) return fact(set, 'kernel');
    }
    return unknown('not-reported');
  };
  return { cpus: read('cpus'), memoryNodes: read('mems') };
}

function affinity(host: HostReader): Fact<IdSet> {
  const status = sysfsText(host, '/proc/self/status');
  if (status === undefined) return unknown('absent');
  const list = parseColonLines(status).get('Cpus_allowed_list');
  const set = list === undefined ? undefined : parseIdList(list);
  return set === undefined || set === 0n ? unknown('not-reported') : fact(set, 'kernel');
}
