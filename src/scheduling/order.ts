import type { TimeMs } from '../base/units.ts';
import type { TenantId } from '../model/ids.ts';
import type { OrderConfig } from '../model/scheduling-config.ts';
import type { Candidate } from './scheduler.ts';

/** A tenant of one queue, as orders see it. */
export interface TenantFacts {
  readonly tenant: TenantId;
  /** Shares or tickets, at least 1. */
  readonly weight: number;
  /** The largest share of the site that it holds of one resource, in billionths. */
  dominantShare(): number;
  /** The same of what it used, decayed: billionths of the site × seconds. */
  usage(at: TimeMs): number;
  /** Of stride: what it was given so far, in strides. */
  readonly pass: number;
}

/** The queue in which an order decides. */
export interface QueueFacts {
  /** Seed of the site and of this queue. */
  readonly seed: number;
  /** Placements ever made from this queue. */
  readonly placements: number;
  /** Of stride: how far the queue is. */
  readonly virtualTime: number;
  /** Of all tenants that the queue knows. */
  readonly weightSum: number;
  usageSum(at: TimeMs): number;
  /** Share of the site that one such request would be, in billionths. */
  sizeOf(task: Candidate): number;
}

/**
 * An order as one queue uses it. Whatever it compares are integers; ties end in the age of the task.
 * Tasks of one tenant, shape and class keep their order for good and lie in one heap, so that only its
 * head is ever compared.
 */
export interface OrderRule {
  /** Where given, tenants are compared first, least first, and then the tasks of that tenant. */
  readonly tenantRank?: (tenant: TenantFacts, at: TimeMs, queue: QueueFacts) => number;
  /** Instead of comparing: one of these, which are sorted by id and can all start something. */
  readonly draw?: (tenants: readonly TenantFacts[], queue: QueueFacts) => TenantFacts;
  /** Tasks of different classes may change places while they wait. */
  readonly taskClass: (task: Candidate, at: TimeMs) => number;
  /** Classes change with time while tasks wait, and only to one that goes later. */
  readonly classShifts?: boolean;
  /** Least first within a class. Never changes while a task waits. */
  readonly heapRank: (task: Candidate) => number;
  /** The rule to go on with, once this one has failed: see `guardOrder`. */
  readonly instead?: () => OrderRule | undefined;
  /** Least first among heads; absent: as `heapRank`. */
  readonly headRank?: (
    task: Candidate,
    at: TimeMs,
    tenant: TenantFacts,
    queue: QueueFacts,
  ) => number;
}

/** Who goes first within a queue. */
export interface Order<Name extends string = string> {
  readonly name: Name;
  /** One sentence for `docs/policies/orders.md` and `config explain`. */
  readonly what: string;
  rule(config: OrderConfig): OrderRule;
}

export function defineOrder<const Name extends string>(order: Order<Name>): Order<Name> {
  return Object.freeze(order);
}

/** Priority first, then age: what orders of tenants do with the tasks of one tenant. */
export const byPriorityThenAge = {
  taskClass: () => 0,
  heapRank: (task: Candidate) => -task.priority,
} satisfies OrderRule;

/** Orders in which a smaller request may go later. */
export const BY_SIZE: ReadonlySet<string> = new Set(['multifactor', 'largest-first']);
