import type { TimeMs } from '../base/units.ts';
import type { QueueName, TenantId } from './ids.ts';
import type { Resources } from './resources.ts';

/**
 * The offset of a zone from UTC, as data: it holds from `from` until the next entry. The edge reads it from the
 * host's zone database for the years to come, so that pure code needs none and a replay sees what was seen.
 */
export interface ZoneOffset {
  readonly from: TimeMs;
  readonly offsetMs: number;
}

export interface Zone {
  readonly name: string;
  /** Ascending; the first holds for all time before the second. At least one. */
  readonly offsets: readonly ZoneOffset[];
}

export const UTC: Zone = { name: 'UTC', offsets: [{ from: 0 as TimeMs, offsetMs: 0 }] };

export type Duration =
  | { readonly kind: 'always' }
  /** Every day from `startMs` until `endMs` after midnight, by the clock on the wall; past midnight when `endMs` ≤ `startMs`. */
  | {
      readonly kind: 'daily';
      readonly startMs: number;
      readonly endMs: number;
      readonly zone: Zone;
    };

/** Some hours of every day. */
export type DailyHours = Extract<Duration, { kind: 'daily' }>;

/** Whom capacity is kept for: each that is given must match. `*` in a pattern stands for anything. */
export interface Selector {
  readonly pipelines?: readonly string[];
  readonly queues?: readonly QueueName[];
  readonly tenants?: readonly TenantId[];
  /** Priority classes. */
  readonly classes?: readonly string[];
}

export interface Reservation {
  readonly name: string;
  readonly selector: Selector;
  /** Of one node each. */
  readonly amount: Resources;
  /** So many such parts. */
  readonly parts: number;
  readonly duration: Duration;
  /**
   * Others may use it whose priority is below this and who may be stopped: those that it is for take it back by
   * preemption. Absent: nobody.
   */
  readonly lentBelow?: number;
}
