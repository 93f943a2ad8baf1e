import type { SavedBudget } from '../admission/budget-book.ts';
import type { SavedQueueBatch } from '../admission/queue-batches.ts';
import type { SavedQuota } from '../admission/quota.ts';
import type { SavedSubmissions } from '../admission/submission-book.ts';
import type { MoneyConfig } from '../model/money.ts';
import type { SchedulingConfig, StorageUse } from '../model/scheduling-config.ts';
import type { SpotQuote } from '../model/spot.ts';
import type { Scheduler, SchedulerDeps } from '../scheduling/scheduler.ts';
import type { SavedGathering } from './deferrals.ts';
import type { SavedOrder, TaskRecord } from './records.ts';
import type { SpilledSubmission } from './spilled.ts';
import type { VolumeSpace } from './volume-space.ts';

export interface EngineOptions {
  /** Tasks that may wait or run at once; a submission beyond that is refused. */
  readonly tasksMax: number;
  /** Ended workloads kept in the state; older ones are in the journal's history only. */
  readonly endedMax: number;
  /** Quotas, and the queues that they count by; classes. */
  readonly scheduling?: Pick<
    SchedulingConfig,
    | 'root'
    | 'quotas'
    | 'reservations'
    | 'submissions'
    | 'storageQuotas'
    | 'eviction'
    | 'classes'
    | 'qos'
    | 'gpuAbsent'
    | 'spot'
    | 'offPeak'
  >;
  /** Absent: volumes of any size are taken. */
  readonly volumes?: VolumeSpace;
  /** Prices and budgets. Absent: nothing has a price. */
  readonly money?: MoneyConfig;
  /** Of work, given in advance to whoever runs short tasks of the same step. Absent: none. */
  readonly lineMs?: number;
}

/** The policy of a site, built around the tables of one state. */
export type MakeScheduler = (deps: SchedulerDeps<TaskRecord>) => Scheduler<TaskRecord>;

/** What the scheduler, the quotas and the limits remember of workloads that are gone. */
export interface SavedMemory {
  readonly scheduler?: unknown;
  readonly quotas?: readonly SavedQuota[];
  readonly budgets?: readonly SavedBudget[];
  readonly submissions?: readonly SavedSubmissions[];
  readonly storage?: readonly StorageUse[];
  readonly spot?: readonly SpotQuote[];
  readonly batches?: readonly SavedQueueBatch[];
  readonly gatherings?: readonly SavedGathering[];
}

/** What a snapshot has beside the workloads and the nodes. */
export interface SavedState {
  readonly order: SavedOrder;
  /** Workloads that were ever submitted. */
  readonly ever: number;
  readonly memory: SavedMemory;
  /** Submissions that wait outside; absent where none does. */
  readonly spilled?: readonly SpilledSubmission[];
}
