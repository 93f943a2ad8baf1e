import {
  type BasisPoints,
  type Bytes,
  type MilliCpu,
  type MilliGpu,
  type SpanMs,
  type TimeMs,
  UNLIMITED,
} from '../base/units.ts';
import type { QueueName, TenantId } from './ids.ts';
import type { GpuSharing } from './node.ts';
import type { PriorityClass } from './priority-class.ts';
import type { QosClass, QosConfig } from './qos.ts';
import { type DailyHours, type Reservation, UTC } from './reservation.ts';
import type { SpotPolicy } from './spot.ts';

/** Amounts of the resources that queues share out. Custom resources are shared out by nodes alone. */
export interface Amounts {
  readonly cpu: MilliCpu;
  readonly memory: Bytes;
  readonly gpu: MilliGpu;
}

export const NO_AMOUNTS: Amounts = {
  cpu: 0 as MilliCpu,
  memory: 0 as Bytes,
  gpu: 0 as MilliGpu,
};
export const UNLIMITED_AMOUNTS: Amounts = {
  cpu: UNLIMITED as MilliCpu,
  memory: UNLIMITED as Bytes,
  gpu: UNLIMITED as MilliGpu,
};

/** How a site decides who goes next. Data: parsed elsewhere, with every default filled in. */
export interface SchedulingConfig {
  /** Its children are the queues that people name; a root without children takes everything itself. */
  readonly root: QueueConfig;
  /** At least one; where there are several, the node with the highest weighted sum is taken. */
  readonly scorers: readonly WeightedScorer[];
  /** For the scorer `co-location`; pairs that are not listed do not mind each other. */
  readonly interference?: readonly Interference[];
  /** Names of the site's own filters, which every task has to pass. */
  readonly filters?: readonly string[];
  /** Only for a site of one queue. */
  readonly backfill: BackfillConfig;
  /**
   * `optimal`: waiting tasks of a priority are placed as one plan of most worth, instead of one by one; what
   * cannot be planned, by the scorers. Only for a site of one queue, and in place of backfill.
   */
  readonly plan?: 'optimal';
  readonly quotas: readonly QuotaConfig[];
  /** Absent: anybody submits as much as he likes. */
  readonly submissions?: readonly SubmissionLimit[];
  /** Absent: anybody keeps as much on disks as he likes. */
  readonly storageQuotas?: readonly StorageQuota[];
  /** Nobody is stopped for others, when not given. */
  readonly preemption?: PreemptionConfig;
  readonly reservations: readonly Reservation[];
  /** What `off-peak` means; 22:00 to 06:00 in UTC, when not given. */
  readonly offPeak?: DailyHours;
  /** Whoever waits so long for room is kept what frees next, one at a time; nobody ever is, when not given. */
  readonly keepAfterMs?: SpanMs;
  /** The first rule that names a device's model is its; a device that none names is shared by promise alone. */
  readonly gpuSharing?: readonly GpuSharingRule[];
  /** Priority classes that documents may name; absent: none. */
  readonly classes?: readonly PriorityClass[];
  /** Absent: classes of service differ in their thresholds at most. */
  readonly qos?: QosConfig;
  /** `cpu`: while no node has a GPU, what asks for some runs without. It is refused, when not given. */
  readonly gpuAbsent?: 'cpu';
  /** Nobody is evicted when a node runs out, when not given: the kernel decides. */
  readonly eviction?: EvictionConfig;
  /** Absent: spot nodes are as all others, but that those who ask for them go there first. */
  readonly spot?: SpotPolicy;
  /** Of the lottery: the same seed draws the same winners. */
  readonly seed: number;
}

export interface EvictionConfig {
  /** By class of service, as `memory > 90%`; a class without one is never evicted. */
  readonly thresholds: Readonly<Partial<Record<QosClass, string>>>;
  /** After one has gone, before the next is looked for. */
  readonly settleMs: SpanMs;
}

/** What was measured of two workloads, by name, on one node: how much slower both run, in basis points. */
export interface Interference {
  readonly a: string;
  readonly b: string;
  readonly slowdown: BasisPoints;
}

export interface GpuSharingRule {
  /** Models as the inventory names them; empty: all. */
  readonly models: readonly string[];
  readonly sharing: GpuSharing;
}

export interface WeightedScorer {
  /** A name of `scheduling/scorers/registry.ts`, or of a plug-in. */
  readonly name: string;
  /** A positive integer. */
  readonly weight: number;
}

export interface BackfillConfig {
  readonly kind: 'none' | 'easy' | 'easy-shortest-first' | 'conservative';
  /** Waiting tasks that are planned ahead, or looked at behind the head, in one pass. */
  readonly depth: number;
}

/** When tasks may be stopped for others. */
export interface PreemptionConfig {
  /** Nobody is stopped sooner after a start, whatever the task itself says. */
  readonly minRunMs: SpanMs;
  /** Tasks of one queue that may be stopped within an hour. */
  readonly perQueueHour: number;
  /** What waiting costs beyond the preemptor's idle weight; nothing, when not given. */
  readonly promise?: StartPromise;
}

/** A promise to start within `withinMs`, and what each second beyond costs; the price stops rising at `maxMs`. */
export interface StartPromise {
  readonly withinMs: SpanMs;
  readonly perSecond: number;
  readonly maxMs: SpanMs;
}

/** A node of the tree. Leaves hold waiting tasks; what is said of an inner queue holds for all below it. */
export interface QueueConfig {
  /** Unique in the tree. */
  readonly name: QueueName;
  /** A positive integer: its part beside its siblings that want something, too. */
  readonly weight: number;
  /** Higher first, where the parent's `childOrder` is `priority`. */
  readonly priority: number;
  readonly children: readonly QueueConfig[];
  /** `weighted`: hierarchical DRF over what is held. `usage`: over what was used, decayed. */
  readonly childOrder: 'weighted' | 'priority' | 'usage';
  /** Goes before siblings until it holds this; what it does not use it lends. */
  readonly guaranteed: Amounts;
  /** Never holds more. */
  readonly limit: Amounts;
  /** Never holds more than its guarantee and this. */
  readonly borrowingLimit: Amounts;
  /** Of its unused guarantee, siblings may use this; the rest is kept for it, idle if need be. */
  readonly lendingLimit: Amounts;
  /**
   * `enabled`: takes back what it lent, and gives back what it borrowed. `disabled`: neither.
   * `always`: all that it holds may be taken for those that are entitled to it.
   */
  readonly reclaim: 'enabled' | 'disabled' | 'always';
  readonly order: OrderConfig;
  /** `strict`: while its first task cannot start, none of this queue does. */
  readonly fifo: 'strict' | 'best-effort';
  readonly runningMax: number;
  /** Tasks of workloads that have not ended: waiting, running or held back. */
  readonly activeMax: number;
  /** What becomes of a submission while `activeMax` is reached. */
  readonly overflow: OverflowPolicy;
  /** What it has accepted is run until it ends by itself or is cancelled, whatever happens to nodes. */
  readonly guaranteedProcessing: boolean;
  /** Tasks start from it and below in batches; absent: whenever they can. */
  readonly batch?: QueueBatch;
  /** Multiplies guarantee and limits: 15,000 lets requests of 12 CPU share a limit of 8. */
  readonly oversubscription: BasisPoints;
  readonly tenants: TenantsConfig;
  /** Teams share the queue by weight; each shares its part among its members as the queue would. */
  readonly teams: readonly TeamConfig[];
}

/** It is refused; or it waits on disk until there is room, its document as it is or compressed. */
export type OverflowPolicy = 'reject' | 'spill-to-disk' | 'compress';

export interface QueueBatch {
  /** Tasks that start in one batch at most; UNLIMITED: all that are ready when it begins. */
  readonly size: number;
  /** From the begin of one batch to that of the next, at least. */
  readonly intervalMs: SpanMs;
}

export interface TenantsConfig {
  readonly byDefault: TenantConfig;
  readonly byName: Readonly<Record<string, TenantConfig>>;
}

export interface TenantConfig {
  /** Shares, or lottery tickets. A positive integer. */
  readonly weight: number;
  readonly limit: Amounts;
  readonly runningMax: number;
  readonly activeMax: number;
}

export interface TeamConfig {
  readonly name: string;
  readonly weight: number;
  /** A tenant is in one team at most; whoever is in none is in the team `others` of weight 1. */
  readonly members: readonly TenantId[];
  /** Kept for it, idle if need be. */
  readonly dedicated?: Amounts;
  /** Never holds more. */
  readonly limit?: Amounts;
  readonly runningMax?: number;
}

export interface OrderConfig {
  /** A name of `scheduling/orders/registry.ts`, or of a plug-in. */
  readonly name: string;
  /** Priority points gained per hour of waiting. */
  readonly ageingPerHour: number;
  /** After this, usage counts half. UNLIMITED: it never fades. */
  readonly halfLifeMs: SpanMs;
  readonly factors: MultifactorConfig;
  /** Attained service (GPU-seconds, CPU-seconds of what asks for no GPU) at which a workload sinks a level. */
  readonly levelsAtSeconds: readonly number[];
  /** A sunken workload that waited this many times its service rises to the top. 0: never. */
  readonly starvationFactor: number;
}

/** Points that each factor of 0 … 1 is worth. */
export interface MultifactorConfig {
  readonly age: number;
  readonly ageMaxMs: SpanMs;
  readonly fairShare: number;
  readonly size: number;
  readonly priority: number;
}

/** How many workloads some tenants may have at once, and submit in a period. */
export interface SubmissionLimit {
  readonly name: string;
  /** Whom it counts; absent: everybody. */
  readonly tenants?: readonly TenantId[];
  /** Whom it does not count: they have limits of their own. */
  readonly except?: readonly TenantId[];
  /** Counts what is submitted to these queues, which have none below; absent: to any. */
  readonly queues?: readonly QueueName[];
  /** One count for each of them, or one for all together. */
  readonly each: boolean;
  /** Workloads that have not ended; UNLIMITED where that does not matter. */
  readonly active: number;
  readonly submitted?: { readonly max: number; readonly window: QuotaWindow };
}

/** How much some tenants may keep on disks: in scratch, working folders, volumes, kept results and logs. */
export interface StorageQuota {
  readonly name: string;
  /** Whom it counts; absent: everybody. */
  readonly tenants?: readonly TenantId[];
  /** Whom it does not count: they have quotas of their own. */
  readonly except?: readonly TenantId[];
  /** One account for each of them, or one for all together. */
  readonly each: boolean;
  readonly limit: Bytes;
}

/** What a tenant keeps on disks, measured. */
export interface StorageUse {
  readonly tenant: TenantId;
  readonly bytes: Bytes;
}

/** An amount over a period, charged by what was held × time. */
export interface QuotaConfig {
  readonly name: string;
  /** Counts what is held in this queue and below; absent: everywhere. */
  readonly queue?: QueueName;
  /** Counts what this tenant holds; absent: see `each`. */
  readonly tenant?: TenantId;
  /** Without a tenant: one account for each tenant, or one for all together. */
  readonly each: boolean;
  /** Does not count what these hold: they have quotas of their own. */
  readonly except?: readonly TenantId[];
  /** In milli-CPU-seconds, MiB-seconds and milli-GPU-seconds. */
  readonly limit: Usage;
  readonly window: QuotaWindow;
  /** `refuse`: also at submission, when what is left is less than what it is known to need. */
  readonly whenExhausted: 'wait' | 'refuse';
}

export interface Usage {
  readonly cpu: number;
  readonly memory: number;
  readonly gpu: number;
}

/**
 * Starts of periods are data, computed at the edge from a calendar and a time zone: rules of time zones
 * change with the machine, and what the engine decides must not.
 */
export type QuotaWindow =
  | { readonly kind: 'periods'; readonly starts: readonly TimeMs[] }
  /** Moves on in steps of a 24th of its length. */
  | { readonly kind: 'rolling'; readonly lengthMs: SpanMs };

const WEEK_MS = 7 * 86_400_000;

export const defaultTenant: TenantConfig = {
  weight: 1,
  limit: UNLIMITED_AMOUNTS,
  runningMax: UNLIMITED,
  activeMax: UNLIMITED,
};

export const defaultOrder: OrderConfig = {
  name: 'priority',
  ageingPerHour: 0,
  // Slurm's PriorityDecayHalfLife.
  halfLifeMs: WEEK_MS as SpanMs,
  factors: { age: 1000, ageMaxMs: WEEK_MS as SpanMs, fairShare: 10_000, size: 0, priority: 1000 },
  // Tiresias' two thresholds, of its testbed, rounded to an hour and ten of GPU time.
  levelsAtSeconds: [3_600, 36_000],
  starvationFactor: 0,
};

/** A queue with the defaults, but for what is said. */
export function queueConfig(name: string, changes: Partial<QueueConfig> = {}): QueueConfig {
  return {
    name: name as QueueName,
    weight: 1,
    priority: 0,
    children: [],
    childOrder: 'weighted',
    guaranteed: NO_AMOUNTS,
    limit: UNLIMITED_AMOUNTS,
    borrowingLimit: UNLIMITED_AMOUNTS,
    lendingLimit: UNLIMITED_AMOUNTS,
    reclaim: 'enabled',
    order: defaultOrder,
    fifo: 'best-effort',
    runningMax: UNLIMITED,
    activeMax: UNLIMITED,
    overflow: 'reject',
    guaranteedProcessing: false,
    oversubscription: 10_000 as BasisPoints,
    tenants: { byDefault: defaultTenant, byName: {} },
    teams: [],
    ...changes,
  };
}

export const OFF_PEAK: DailyHours = {
  kind: 'daily',
  startMs: 22 * 3_600_000,
  endMs: 6 * 3_600_000,
  zone: UTC,
};

/** What a site that says nothing of it gets. */
export const KEEP_AFTER_MS = 3_600_000 as SpanMs;

/** One queue, by priority and age. */
export const defaultScheduling: SchedulingConfig = {
  root: queueConfig('root', { children: [queueConfig('default')] }),
  scorers: [{ name: 'best-fit', weight: 1 }],
  backfill: { kind: 'none', depth: 1_000 },
  quotas: [],
  reservations: [],
  keepAfterMs: KEEP_AFTER_MS,
  seed: 1,
};
