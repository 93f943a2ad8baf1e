import type { Bytes, MicroDollars, MilliCpu, SpanMs, TimeMs } from '../base/units.ts';
import type { AttemptEnd, StopReason, TermEnforcement, ToldUse } from './attempt.ts';
import type { FlowValue, LimitReached, Resumption, StepEndReason } from './flow.ts';
import type { AttemptId, NodeId, QueueName, StepId, TaskId, TenantId, WorkloadId } from './ids.ts';
import type {
  AdjustedLimits,
  AttemptUse,
  Eviction,
  MoveOutcome,
  NodePressure,
  PlannedMove,
  RebalancePlan,
} from './live-change.ts';
import type { BudgetFacts, Reserve, Spending } from './money.ts';
import type { Node } from './node.ts';
import type { Keep, Preemption } from './preemption.ts';
import type { Resources } from './resources.ts';
import type { StorageUse } from './scheduling-config.ts';
import type { ProbeKind } from './service.ts';
import type { Autoscaled, ServiceEvent } from './service-event.ts';
import type { SpotObstacle, SpotQuote } from './spot.ts';
import type { WorkloadSpec } from './workload.ts';

export type EndState = 'succeeded' | 'failed' | 'cancelled';

/** What the world asks of the engine, or tells it. `at` is the only clock that the engine sees. */
export type Command =
  | { readonly kind: 'join-node'; readonly at: TimeMs; readonly node: Node }
  | { readonly kind: 'leave-node'; readonly at: TimeMs; readonly node: NodeId }
  | {
      readonly kind: 'submit';
      readonly at: TimeMs;
      readonly tenant: TenantId;
      readonly spec: WorkloadSpec;
      /** There is room for it outside of the engine, where its queue is full and says that it may wait there. */
      readonly maySpill?: true;
    }
  /** What was spilled asks to be let in; `cancelledBy`: whether there is room or not, to be cancelled at once. */
  | {
      readonly kind: 'enter-spilled';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly spec: WorkloadSpec;
      readonly cancelledBy?: TenantId;
    }
  /** What was to be spilled could not be kept, and nobody was told that it was. */
  | { readonly kind: 'drop-spilled'; readonly at: TimeMs; readonly workload: WorkloadId }
  /** The same document once more; what succeeded in that run is taken over, unless it is to start afresh. */
  | {
      readonly kind: 'retry';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly afresh: boolean;
    }
  | {
      readonly kind: 'cancel';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly by: TenantId;
    }
  /** Its holder is still there. */
  | { readonly kind: 'renew-lease'; readonly at: TimeMs; readonly workload: WorkloadId }
  /** Its holder gives it back, or no longer waits for it. */
  | {
      readonly kind: 'release-lease';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly by: TenantId;
    }
  | {
      readonly kind: 'report-started';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly pid: number;
      readonly terms?: readonly TermEnforcement[];
    }
  | {
      readonly kind: 'report-ended';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly end: AttemptEnd;
    }
  /** What every tenant who keeps anything keeps on disks now. */
  | {
      readonly kind: 'report-storage';
      readonly at: TimeMs;
      readonly used: readonly StorageUse[];
    }
  /** What it told of its use while it runs: all of it so far. What is absent is as it was. */
  | {
      readonly kind: 'report-use';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly used: ToldUse;
    }
  /** What runs of it gets so much from now on; `priority` is of what waits, too. Absent: as it is. */
  | {
      readonly kind: 'adjust';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly step?: StepId;
      readonly task?: number;
      readonly cpu?: MilliCpu;
      readonly memory?: Bytes;
      readonly pids?: number;
      readonly priority?: number;
      readonly nice?: number;
      readonly by: TenantId;
    }
  | {
      readonly kind: 'pause' | 'unpause';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly by: TenantId;
    }
  /** What came of an adjustment or a pause, as it was read back. */
  | {
      readonly kind: 'report-adjusted';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly terms: readonly TermEnforcement[];
    }
  /** A node was measured; whoever is over its threshold may have to go. */
  | {
      readonly kind: 'report-pressure';
      readonly at: TimeMs;
      readonly node: NodeId;
      readonly pressure: NodePressure;
      readonly use: readonly AttemptUse[];
      /** Why somebody has to go whatever the thresholds say, but who is guaranteed: `alert NAME: condition`. */
      readonly relief?: string;
    }
  /** The node is taken away at `deadline`: its tasks save their work and start elsewhere. */
  | {
      readonly kind: 'spot-notice';
      readonly at: TimeMs;
      readonly node: NodeId;
      readonly deadline: TimeMs;
    }
  /** What spot nodes cost from now on: all quotes that there are. */
  | { readonly kind: 'spot-price'; readonly at: TimeMs; readonly quotes: readonly SpotQuote[] }
  /** Empty the node that costs least to empty, one task after another; each is watched for `settleMs`. */
  | {
      readonly kind: 'rebalance';
      readonly at: TimeMs;
      readonly movesMax: number;
      readonly settleMs: SpanMs;
    }
  /** A probe has succeeded or failed as often in a row as it takes. */
  | {
      readonly kind: 'report-probe';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly probe: ProbeKind;
      readonly ok: boolean;
      readonly detail: string;
    }
  | {
      readonly kind: 'scale';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly replicas: number;
      /** By the autoscaler, when `from` were wanted; absent when somebody asks for it. */
      readonly auto?: Autoscaled;
    }
  | {
      readonly kind: 'update';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly spec: WorkloadSpec;
    }
  /** Something was spent otherwise than by holding resources. */
  | {
      readonly kind: 'report-spend';
      readonly at: TimeMs;
      readonly workload?: WorkloadId;
      readonly spending: Spending;
    }
  /** First of all after a start: in the time before it nobody could be heard. */
  | { readonly kind: 'resume'; readonly at: TimeMs }
  /** The first timer is due, or somebody wants time to pass. */
  | { readonly kind: 'tick'; readonly at: TimeMs };

/** What was decided or learnt: facts, journalled before anything acts on them. Written by `decide`, read by `apply`. */
export type Event =
  | { readonly kind: 'node-joined'; readonly at: TimeMs; readonly node: Node }
  | { readonly kind: 'node-left'; readonly at: TimeMs; readonly node: NodeId }
  | {
      readonly kind: 'workload-submitted';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly tenant: TenantId;
      readonly spec: WorkloadSpec;
      readonly resumes?: Resumption;
    }
  | SpillEvent
  | {
      readonly kind: 'task-placed';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly placement: Placement;
      /** Absent where nothing of it has a price. */
      readonly reserved?: Reserve;
    }
  /**
   * Each takes over the place of the one before it when that has succeeded, and holds nothing until then.
   * The first stands behind `behind`. When that ends otherwise, they are `unstarted`, one after the other.
   */
  | {
      readonly kind: 'attempts-lined-up';
      readonly at: TimeMs;
      readonly behind: AttemptId;
      readonly attempts: readonly AttemptId[];
    }
  | {
      readonly kind: 'task-started';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly pid: number;
      /** What became of its execution terms; absent where it has none, or nobody saw it start. */
      readonly terms?: readonly TermEnforcement[];
    }
  | {
      readonly kind: 'stop-ordered';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly reason: StopReason;
    }
  /** The victims are stopped next; what they leave is the preemptor's. */
  | { readonly kind: 'preemption-ordered'; readonly at: TimeMs; readonly preemption: Preemption }
  /** Replaces what was kept before: there is one at most. */
  | { readonly kind: 'seats-kept'; readonly at: TimeMs; readonly keep: Keep }
  | {
      readonly kind: 'task-ended';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly end: AttemptEnd;
      /** For its time since it was placed or last paid; absent where nothing of it has a price. */
      readonly charged?: MicroDollars;
      /** Absent when this was the task's last attempt. */
      readonly retry?: ScheduledRetry;
    }
  | { readonly kind: 'retry-due'; readonly at: TimeMs; readonly task: TaskId }
  | {
      readonly kind: 'step-ended';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly step: StepId;
      readonly state: EndState | 'skipped';
      /** Absent where the tasks of the step, or of those that it needs, say why. */
      readonly reason?: StepEndReason;
    }
  | FlowEvent
  | {
      readonly kind: 'cancel-requested';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly by: TenantId;
    }
  | MeasuredEvent
  | LiveEvent
  | ServiceEvent
  | MoneyEvent
  /** Its time to live is counted from `at`: its holder was heard of, or could not be heard before. */
  | { readonly kind: 'lease-renewed'; readonly at: TimeMs; readonly workload: WorkloadId }
  | {
      readonly kind: 'workload-ended';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly state: EndState;
    }
  /** Leaves the state for the history; its id is never used again. */
  | { readonly kind: 'workload-retired'; readonly at: TimeMs; readonly workload: WorkloadId };

/** Of submissions that wait outside of the engine. One ends by `workload-submitted`, or is dropped. */
export type SpillEvent =
  /** Accepted under this id, and counted as submitted; its document is kept elsewhere until its queue has room. */
  | {
      readonly kind: 'workload-spilled';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly tenant: TenantId;
      readonly queue: QueueName;
    }
  /** Its document is not kept after all: as if it had not been submitted, but for its id. */
  | { readonly kind: 'spill-dropped'; readonly at: TimeMs; readonly workload: WorkloadId };

/** What turns out while a workload runs. */
export type FlowEvent =
  /** Its condition says that it runs. */
  | {
      readonly kind: 'step-opened';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly step: StepId;
    }
  /** The same, with one task for each item from now on. At most 10,000 items, together at most 1 MiB of JSON. */
  | {
      readonly kind: 'step-expanded';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly step: StepId;
      readonly items: readonly FlowValue[];
    }
  /** Once for a workload, and once more for a limit that stops it after one that does not. */
  | {
      readonly kind: 'limit-reached';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly reached: LimitReached;
    };

/** What was counted, and what is held to limits. */
export type MeasuredEvent =
  /** All that an attempt told of its use so far. */
  | {
      readonly kind: 'attempt-used';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly used: ToldUse;
    }
  /** All that tenants keep on disks; who is not named keeps nothing. */
  | {
      readonly kind: 'storage-measured';
      readonly at: TimeMs;
      readonly used: readonly StorageUse[];
    };

/** What is held back, settled and spent. */
export type MoneyEvent =
  /** What the attempt has cost since it was placed or last paid, and what is held back for it from now on. */
  | {
      readonly kind: 'reserve-renewed';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly charged: MicroDollars;
      readonly reserved: Reserve;
    }
  | {
      readonly kind: 'spend-settled';
      readonly at: TimeMs;
      readonly workload?: WorkloadId;
      readonly spending: Spending;
    }
  /** The soft limit of a budget was passed; told once in a period. */
  | { readonly kind: 'budget-warned'; readonly at: TimeMs; readonly facts: BudgetFacts }
  /** There is no money for what is left of it: what runs of it is stopped, and it fails. */
  | {
      readonly kind: 'budget-exceeded';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly facts: BudgetFacts;
    };

/** Of what changes while it runs. */
export type LiveEvent =
  | {
      readonly kind: 'attempt-adjusted';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly held: Resources;
      readonly limits: AdjustedLimits;
      /** Its own from now on, where it has such. */
      readonly cores?: readonly number[];
      readonly by: TenantId;
    }
  | {
      readonly kind: 'attempt-paused';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly by: TenantId;
    }
  | {
      readonly kind: 'attempt-resumed';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly by: TenantId;
    }
  | {
      readonly kind: 'adjustment-reported';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly terms: readonly TermEnforcement[];
    }
  | {
      readonly kind: 'priority-changed';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly priority: number;
      readonly by: TenantId;
    }
  /** It is stopped next. */
  | { readonly kind: 'eviction-ordered'; readonly at: TimeMs; readonly eviction: Eviction }
  /** The node takes nothing more, and what runs on it stops in time to be saved. */
  | {
      readonly kind: 'spot-noticed';
      readonly at: TimeMs;
      readonly node: NodeId;
      readonly deadline: TimeMs;
    }
  /** What runs on spot nodes costs something else from now on. */
  | { readonly kind: 'spot-priced'; readonly at: TimeMs; readonly quotes: readonly SpotQuote[] }
  | {
      readonly kind: 'rebalance-started';
      readonly at: TimeMs;
      readonly plan: RebalancePlan;
      readonly settleMs: SpanMs;
    }
  | { readonly kind: 'move-ordered'; readonly at: TimeMs; readonly move: PlannedMove }
  | {
      readonly kind: 'move-ended';
      readonly at: TimeMs;
      readonly move: PlannedMove;
      readonly outcome: MoveOutcome;
    };

/** The task rests until `dueAt`, then waits for a place again. */
export interface ScheduledRetry {
  readonly dueAt: TimeMs;
  /** The next attempt's memory limit, and at least its request, when it grows. */
  readonly memory?: Bytes;
  /** Of a replica: how often in a row it has ended early. */
  readonly inRow?: number;
}

/** task → node, with what it holds there until it ends. */
export interface Placement {
  readonly node: NodeId;
  readonly held: Resources;
  /** Ids of the GPUs it may see; one id, shared, when `held.gpu` is below 1,000. */
  readonly gpus: readonly string[];
  /** The memory limit of this attempt: grows after an out-of-memory kill. */
  readonly memoryLimit: Bytes;
  /** By name; absent where none was asked for, or none was free. */
  readonly ports?: Readonly<Record<string, number>>;
  /**
   * The logical CPUs that it runs on. Of a task with exclusive cores they are its own; of another one they are
   * what was not pinned when it was placed. Absent: any.
   */
  readonly cores?: readonly number[];
  /** Of one that may be on spot nodes and is not: what may have kept it from them. */
  readonly notSpot?: SpotObstacle;
}
