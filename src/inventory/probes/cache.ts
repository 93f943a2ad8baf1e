import { firstOf, type IdSet, idsOf, intersection, isEmpty } from '../cpu-set.ts';
import { type Fact, fact, unknown } from '../fact.ts';
import type { HostReader } from '../host-reader.ts';
import { CPU_FOLDER, readCpuFolders } from '../online-cpus.ts';
import { parseKernelSize } from '../parsers/sizes.ts';
import { defineProbe } from '../probe.ts';
import {
  numberedNames,
  parseInteger,
  sysfsFact,
  sysfsInteger,
  sysfsMask,
  sysfsText,
} from '../sysfs.ts';

export type CacheKind = 'data' | 'instruction' | 'unified';

export interface CpuCache {
  readonly level: number;
  readonly kind: CacheKind;
  readonly sizeBytes: Fact<number>;
  readonly lineBytes: Fact<number>;
  /** Unknown where the firmware reports a fully associative cache, or nonsense. */
  readonly ways: Fact<number>;
  readonly number: Fact<number>;
  /** The placed CPUs that share it. */
  readonly cpus: IdSet;
}

const KINDS: Readonly<Record<string, CacheKind>> = {
  Data: 'data',
  Instruction: 'instruction',
  Unified: 'unified',
};

export const cacheProbe = defineProbe<'cache', readonly CpuCache[]>({
  name: 'cache',
  cost: 'slow',
  read(host) {
    const folders = readCpuFolders(host);
    if (folders === undefined) return { kind: 'absent' };
    const caches: CpuCache[] = [];
    for (const cpu of idsOf(folders.placed)) {
      const listing = host.list(`${CPU_FOLDER}/cpu${cpu}/cache`);
      for (const index of numberedNames(listing.ok ? listing.value : [], 'index')) {
        const folder = `${CPU_FOLDER}/cpu${cpu}/cache/index${index}`;
        const cpus = sharing(host, folder, cpu, folders.placed, folders.names === 'old');
        if (cpus === undefined) continue;
        // Each cache is met once by every CPU that shares it, and told by the first.
        if (firstOf(cpus) !== cpu) continue;
        const cache = readCache(host, folder, cpus);
        if (cache !== undefined) caches.push(cache);
      }
    }
    return caches.length === 0
      ? { kind: 'absent' }
      : { kind: 'found', value: caches, problems: [] };
  },
});

function sharing(
  host: HostReader,
  folder: string,
  cpu: number,
  placed: IdSet,
  oldNames: boolean,
): IdSet | undefined {
  const mask = sysfsMask(host, `${folder}/shared_cpu_map`);
  if (mask === undefined) return undefined;
  if (!isEmpty(mask)) return intersection(mask, placed);
  // Itanium kernels leave the map of some caches empty: they are those of the core.
  const core = oldNames ? 'thread_siblings' : 'core_cpus';
  const siblings = sysfsMask(host, `${CPU_FOLDER}/cpu${cpu}/topology/${core}`);
  return intersection(siblings ?? mask, placed);
}

function readCache(host: HostReader, folder: string, cpus: IdSet): CpuCache | undefined {
  const level = sysfsInteger(host, `${folder}/level`);
  if (level === undefined || level < 1 || level > 5) return undefined;
  const kind = KINDS[sysfsText(host, `${folder}/type`) ?? ''] ?? 'unified';
  const positive = (text: string) => {
    const n = parseInteger(text);
    return n === undefined || n <= 0 ? undefined : n;
  };
  const sizeBytes = sysfsFact(host, `${folder}/size`, parseCacheSize);
  const lineBytes = sysfsFact(host, `${folder}/coherency_line_size`, positive);
  const sets = sysfsFact(host, `${folder}/number_of_sets`, positive);
  const partition = sysfsFact(host, `${folder}/physical_line_partition`, positive);
  return {
    level,
    kind,
    sizeBytes,
    lineBytes,
    ways: associativity(sizeBytes, lineBytes, sets, partition),
    number: sysfsFact(host, `${folder}/id`, parseInteger),
    cpus,
  };
}

/** Always with its unit, so that a cut figure (`204` of `2048K`) is not taken for another. */
const parseCacheSize = (text: string): number | undefined =>
  /[KMG]$/.test(text) ? parseKernelSize(text) || undefined : undefined;

/** `ways_of_associativity` is 0 on some machines and −1 on others, so it is worked out from the rest. */
function associativity(
  size: Fact<number>,
  line: Fact<number>,
  sets: Fact<number>,
  partition: Fact<number>,
): Fact<number> {
  if (!size.known || !line.known || !sets.known || sets.value === 1) return unknown('not-reported');
  const linesPerTag = partition.known ? partition.value : 1;
  const ways = size.value / line.value / linesPerTag / sets.value;
  return ways >= 1 ? fact(Math.floor(ways), 'kernel') : unknown('garbled');
}
