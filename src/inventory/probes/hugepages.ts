import type { Fact } from '../fact.ts';
import type { HostReader } from '../host-reader.ts';
import { defineProbe } from '../probe.ts';
import { numberedNames, parseInteger, sysfsFact } from '../sysfs.ts';

/** Pages of one size, on one node or on the whole machine. */
export interface HugePagePool {
  readonly pageBytes: number;
  readonly total: Fact<number>;
  readonly free: Fact<number>;
  readonly surplus: Fact<number>;
}

export interface HugePageFacts {
  readonly pools: readonly HugePagePool[];
  readonly byNode: readonly { readonly node: number; readonly pools: readonly HugePagePool[] }[];
  /** Transparent huge pages: `always`, `madvise` or `never`. */
  readonly transparent: Fact<string>;
  readonly transparentDefrag: Fact<string>;
}

export const hugepagesProbe = defineProbe<'hugepages', HugePageFacts>({
  name: 'hugepages',
  cost: 'slow',
  read(host) {
    const nodes = host.list('/sys/devices/system/node');
    const thp = '/sys/kernel/mm/transparent_hugepage';
    const value: HugePageFacts = {
      pools: readPools(host, '/sys/kernel/mm/hugepages'),
      byNode: numberedNames(nodes.ok ? nodes.value : [], 'node').map((node) => ({
        node,
        pools: readPools(host, `/sys/devices/system/node/node${node}/hugepages`),
      })),
      transparent: sysfsFact(host, `${thp}/enabled`, chosen),
      transparentDefrag: sysfsFact(host, `${thp}/defrag`, chosen),
    };
    const nothing =
      value.pools.length === 0 &&
      value.byNode.every((n) => n.pools.length === 0) &&
      !value.transparent.known;
    return nothing ? { kind: 'absent' } : { kind: 'found', value, problems: [] };
  },
});

function readPools(host: HostReader, folder: string): HugePagePool[] {
  const listing = host.list(folder);
  if (!listing.ok) return [];
  const pools: HugePagePool[] = [];
  for (const name of listing.value) {
    const kibibytes = /^hugepages-(\d{1,12})kB$/.exec(name)?.[1];
    if (kibibytes === undefined) continue;
    const count = (file: string) =>
      sysfsFact(host, `${folder}/${name}/${file}`, (text) => {
        const n = parseInteger(text);
        return n === undefined || n < 0 ? undefined : n;
      });
    pools.push({
      pageBytes: Number(kibibytes) * 1024,
      total: count('nr_hugepages'),
      free: count('free_hugepages'),
      surplus: count('surplus_hugepages'),
    });
  }
  return pools.sort((a, b) => a.pageBytes - b.pageBytes);
}

/** The word in brackets: `always [madvise] never`. */
const chosen = (text: string): string | undefined => /\[([\w+-]+)\]/.exec(text)?.[1];
