import { parseMemory } from '../proc-counters.ts';
import { type FileSampler, reading, stateless } from '../sampler.ts';

const MEMINFO = '/proc/meminfo';

export const memorySampler: FileSampler = {
  name: 'memory',
  kind: 'kept',
  everyMs: 1_000,
  files: [MEMINFO],
  families: [
    'berth_node_memory_total_bytes',
    'berth_node_memory_available_bytes',
    'berth_node_memory_used_bytes',
    'berth_node_memory_cached_bytes',
    'berth_node_memory_dirty_bytes',
    'berth_node_swap_total_bytes',
    'berth_node_swap_used_bytes',
  ],
  open: stateless((texts) => {
    const text = texts.get(MEMINFO) ?? '';
    const memory = parseMemory(text);
    const { totalBytes, availableBytes, swapTotalBytes, swapFreeBytes } = memory;
    return [
      ...reading('berth_node_memory_total_bytes', totalBytes),
      ...reading('berth_node_memory_available_bytes', availableBytes),
      ...reading('berth_node_memory_used_bytes', rest(totalBytes, availableBytes)),
      ...reading('berth_node_memory_cached_bytes', memory.cachedBytes),
      ...reading('berth_node_memory_dirty_bytes', memory.dirtyBytes),
      ...reading('berth_node_swap_total_bytes', swapTotalBytes),
      ...reading('berth_node_swap_used_bytes', rest(swapTotalBytes, swapFreeBytes)),
    ];
  }),
};

function rest(total: number | undefined, free: number | undefined): number | undefined {
  if (total === undefined || free === undefined || free > total) return undefined;
  return total - free;
}
