import type { SavedBudget } from '../admission/budget-book.ts';
import type { SavedQueueBatch } from '../admission/queue-batches.ts';
import type { SavedQuota } from '../admission/quota.ts';
import type { SavedSubmissions } from '../admission/submission-book.ts';
import type { MoneyConfig } from '../model/money.ts';
import type { SchedulingConfig } from '../model/scheduling-config.ts';
import type { Scheduler, SchedulerDeps } from '../scheduling/scheduler.ts';
import type { SavedGathering } from './deferrals.ts';
import type { TaskRecord } from './records.ts';

export interface EngineOptions {
  /** Tasks that may wait or run at once; a submission beyond that is refused. */
  readonly tasksMax: number;
  /** Ended workloads kept in the state; older ones are in the journal's history only. */
  readonly endedMax: number;
  /** Quotas, and the queues that they count by. */
  readonly scheduling?: Pick<
    SchedulingConfig,
    'root' | 'quotas' | 'reservations' | 'submissions' | 'eviction' | 'offPeak'
  >;
  /** Prices and budgets. Absent: nothing has a price. */
  readonly money?: MoneyConfig;
  /** Of work, given in advance to whoever runs short tasks of the same step. Absent: none. */
  readonly lineMs?: number;
}

/** The policy of a site, built around the tables of one state. */
export type MakeScheduler = (deps: SchedulerDeps<TaskRecord>) => Scheduler<TaskRecord>;

/** What is remembered of workloads that are gone. */
export interface SavedMemory {
  readonly scheduler?: unknown;
  readonly quotas?: readonly SavedQuota[];
  readonly budgets?: readonly SavedBudget[];
  readonly submissions?: readonly SavedSubmissions[];
  readonly batches?: readonly SavedQueueBatch[];
  readonly gatherings?: readonly SavedGathering[];
}
