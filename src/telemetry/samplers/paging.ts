import { type FileSampler, reading, stateless } from '../sampler.ts';

const VMSTAT = '/proc/vmstat';
const MEMINFO = '/proc/meminfo';
const PAGE_SIZES = [4_096, 16_384, 65_536];

/** What memory costs when there is too little of it. */
export const pagingSampler: FileSampler = {
  name: 'paging',
  kind: 'kept',
  everyMs: 1_000,
  files: [VMSTAT, MEMINFO],
  families: [
    'berth_node_swapped_bytes_total',
    'berth_node_major_faults_total',
    'berth_node_oom_kills_total',
    'berth_node_compact_stalls_total',
  ],
  open: stateless((texts) => {
    const vmstat = texts.get(VMSTAT) ?? '';
    const count = (name: string): number | undefined => countIn(vmstat, `${name} `, '');
    const page = pageBytes(count('nr_free_pages'), texts.get(MEMINFO) ?? '');
    const swapped = (name: string, direction: string) => {
      const pages = count(name);
      const bytes = pages === undefined ? undefined : pages * page;
      return reading('berth_node_swapped_bytes_total', bytes, { direction });
    };
    return [
      ...swapped('pswpin', 'in'),
      ...swapped('pswpout', 'out'),
      ...reading('berth_node_major_faults_total', count('pgmajfault')),
      ...reading('berth_node_oom_kills_total', count('oom_kill')),
      ...reading('berth_node_compact_stalls_total', count('compact_stall')),
    ];
  }),
};

/** The kernel counts pages and does not say here how large they are: what is free stands in both files. */
function pageBytes(freePages: number | undefined, meminfo: string): number {
  const free = countIn(meminfo, 'MemFree: *', ' kB');
  if (!freePages || !free) return PAGE_SIZES[0]!;
  const ratio = (free * 1024) / freePages;
  return PAGE_SIZES.find((size) => ratio > size * 0.7 && ratio < size * 1.4) ?? PAGE_SIZES[0]!;
}

function countIn(text: string, before: string, after: string): number | undefined {
  const digits = new RegExp(`^${before}(\\d{1,15})${after}$`, 'm').exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
