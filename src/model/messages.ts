import type { Bytes, TimeMs } from '../base/units.ts';
import type { AttemptEnd, StopReason, TermEnforcement } from './attempt.ts';
import type { AttemptId, NodeId, StepId, TaskId, TenantId, WorkloadId } from './ids.ts';
import type { Node } from './node.ts';
import type { Keep, Preemption } from './preemption.ts';
import type { Resources } from './resources.ts';
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
    }
  | {
      readonly kind: 'task-placed';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly placement: Placement;
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
    }
  | {
      readonly kind: 'cancel-requested';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly by: TenantId;
    }
  | { readonly kind: 'lease-renewed'; readonly at: TimeMs; readonly workload: WorkloadId }
  | {
      readonly kind: 'workload-ended';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly state: EndState;
    }
  /** Leaves the state for the history; its id is never used again. */
  | { readonly kind: 'workload-retired'; readonly at: TimeMs; readonly workload: WorkloadId };

/** The task rests until `dueAt`, then waits for a place again. */
export interface ScheduledRetry {
  readonly dueAt: TimeMs;
  /** The next attempt's memory limit, and at least its request, when it grows. */
  readonly memory?: Bytes;
}

/** task → node, with what it holds there until it ends. */
export interface Placement {
  readonly node: NodeId;
  readonly held: Resources;
  /** Ids of the GPUs it may see; one id, shared, when `held.gpu` is below 1,000. */
  readonly gpus: readonly string[];
  /** The memory limit of this attempt: grows after an out-of-memory kill. */
  readonly memoryLimit: Bytes;
  /**
   * The logical CPUs that it runs on. Of a task with exclusive cores they are its own; of another one they are
   * what was not pinned when it was placed. Absent: any.
   */
  readonly cores?: readonly number[];
}
