import type { BasisPoints, Bytes, MicroDollars, SpanMs } from '../base/units.ts';

/** Hottest first. */
export const tierNames = ['hot', 'warm', 'cold', 'frozen'] as const;
export type TierName = (typeof tierNames)[number];

/** A place for files, by how often they are used. */
export interface Tier {
  readonly name: TierName;
  /** Absolute; absent: files stay where they are, which the hottest tier does. */
  readonly folder?: string;
  /** For files that are used more often than so many times a day; 0 for the last tier. */
  readonly above: number;
  /** For files that were not used for so long, where nobody counted; 0 for the first. */
  readonly idleMs: SpanMs;
  /** Of a GiB for a month; absent: unknown. */
  readonly storage?: MicroDollars;
  /** Of reading a GiB; absent: unknown. */
  readonly access?: MicroDollars;
  /** Kept compressed, under another name: nobody can read such a file in place. */
  readonly compress: boolean;
}

export interface TierConfig {
  /** Two or more, hottest first; of neighbours, the first has the higher `above` and the shorter `idleMs`. */
  readonly tiers: readonly Tier[];
  /** A file changes its tier only once it is beyond a bound by this part of it. */
  readonly hysteresis: BasisPoints;
  /** Smaller files stay where they are. */
  readonly bytesMin: Bytes;
}

/**
 * How it is known when a file was used: `counted` by somebody, by its access time, or, where that is not kept, only
 * when it was written; then nobody knows of reads.
 */
export type UseSource = 'counted' | 'atime' | 'mtime' | 'unknown';

export interface FileUse {
  readonly path: string;
  readonly bytes: Bytes;
  readonly tier: TierName;
  readonly by: UseSource;
  /** Uses a day. */
  readonly perDay?: number;
  /** At least so long nobody used it. */
  readonly idleMs?: number;
}
