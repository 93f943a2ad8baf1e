/** Free blocks of one zone of one NUMA node, by order: of order n there are 2ⁿ pages in a block. */
export interface BuddyZone {
  readonly numa: number;
  readonly zone: string;
  readonly blocks: readonly number[];
}

/** A huge page of 2 MiB has 2⁹ pages of 4 KiB. */
export const HUGE_PAGE_ORDER = 9;
const PAGE_BYTES = 4_096;

/** /proc/buddyinfo (proc(5)); a line that is none is left out. */
export function parseBuddyinfo(text: string): readonly BuddyZone[] {
  return text.split('\n').flatMap((line) => {
    const found = /^Node +(\d+), +zone +(\S+) +([\d ]+)$/.exec(line.trim());
    if (found === null) return [];
    const blocks = found[3]!.trim().split(/ +/).map(Number);
    if (!blocks.every(Number.isSafeInteger)) return [];
    return [{ numa: Number(found[1]), zone: found[2]!, blocks }];
  });
}

/**
 * The unusable-free index of Mel Gorman, "Measuring the impact of memory fragmentation" (2005), as the kernel's
 * `unusable_index`: the share of free memory that lies in blocks too small for one of this order. Undefined where
 * nothing is free.
 */
export function unusableFree({ blocks }: Pick<BuddyZone, 'blocks'>, order: number) {
  const pages = blocks.map((count, n) => count * 2 ** n);
  const free = pages.reduce((sum, one) => sum + one, 0);
  if (free === 0) return undefined;
  const usable = pages.slice(order).reduce((sum, one) => sum + one, 0);
  return (free - usable) / free;
}

export const freeBytes = ({ blocks }: Pick<BuddyZone, 'blocks'>): number =>
  blocks.reduce((sum, count, n) => sum + count * 2 ** n, 0) * PAGE_BYTES;
