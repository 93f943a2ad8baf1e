import { assert } from '../base/assert.ts';

/** One resolution at which history is kept: points of a step, so many of them in one block, kept so long. */
export interface HistoryTier {
  readonly table: 'second' | 'minute' | 'hour';
  readonly stepMs: number;
  readonly slots: number;
  /** Where nobody says otherwise. */
  readonly keepMs: number;
  /** What is younger goes last when the file is too large. */
  readonly sparedMs: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The finest first. A block of one tier is a point of the next. */
export const tiers: readonly HistoryTier[] = [
  { table: 'second', stepMs: SECOND_MS, slots: 60, keepMs: DAY_MS, sparedMs: 6 * HOUR_MS },
  { table: 'minute', stepMs: MINUTE_MS, slots: 60, keepMs: 90 * DAY_MS, sparedMs: 7 * DAY_MS },
  { table: 'hour', stepMs: HOUR_MS, slots: 24, keepMs: 730 * DAY_MS, sparedMs: 0 },
];
export const COARSEST = tiers.length - 1;

export const blockMs = (tier: number): number => tiers[tier]!.stepMs * tiers[tier]!.slots;

/** Where the block begins in which a moment lies. */
export const blockAt = (tier: number, at: number): number => at - (at % blockMs(tier));

/** The place of a moment in its block. */
export const slotOf = (tier: number, at: number): number =>
  Math.floor((at % blockMs(tier)) / tiers[tier]!.stepMs);

/** The number of the tier of so long steps. */
export function tierOf(stepMs: number): number {
  const tier = tiers.findIndex((one) => one.stepMs === stepMs);
  assert(tier !== -1, `no tier of ${stepMs} ms`);
  return tier;
}
