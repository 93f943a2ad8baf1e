import type { TimeMs } from '../base/units.ts';
import type { AttemptId, TaskId, WorkloadId } from './ids.ts';
import type { ProbeKind } from './service.ts';
import type { WorkloadSpec } from './workload.ts';

/** What becomes of services, beside what becomes of their tasks. */
export type ServiceEvent =
  /** What a probe found; only when it changes something. */
  | {
      readonly kind: 'task-probed';
      readonly at: TimeMs;
      readonly attempt: AttemptId;
      readonly probe: ProbeKind;
      readonly ok: boolean;
      readonly detail: string;
    }
  | {
      readonly kind: 'service-scaled';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly replicas: number;
      /** Absent when somebody asked for it. */
      readonly auto?: Autoscaled;
    }
  /** The revision becomes a step of the workload, to which replicas move from now on. */
  | {
      readonly kind: 'service-updated';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly revision: number;
      readonly spec: WorkloadSpec;
    }
  /** Its canaries were ready for as long as they had to be. */
  | {
      readonly kind: 'canary-passed';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly revision: number;
    }
  /** `from` failed: replicas move back to `to`. */
  | {
      readonly kind: 'service-rolled-back';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly from: number;
      readonly to: number;
      readonly reason: string;
    }
  /** All replicas are of the revision, and ready; an update goes back to it from now on. */
  | {
      readonly kind: 'rollout-finished';
      readonly at: TimeMs;
      readonly workload: WorkloadId;
      readonly revision: number;
    }
  /** A replica is wanted: its task waits for a place. */
  | { readonly kind: 'replica-opened'; readonly at: TimeMs; readonly task: TaskId }
  /** A replica is not wanted any more: it is stopped once it is drained. */
  | { readonly kind: 'replica-retired'; readonly at: TimeMs; readonly task: TaskId };

/** What the autoscaler goes by. */
export interface Autoscaled {
  /** So many replicas were wanted before. */
  readonly from: number;
  readonly reason: string;
}
