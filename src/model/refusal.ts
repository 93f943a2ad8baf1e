import type { NodeId, StepId, WorkloadId } from './ids.ts';
import type { Event } from './messages.ts';

/** "Not now" or "never", as data: stored, counted, and turned into sentences only at the edge. */
export type Refusal =
  /** Not even an empty node could hold it; `largest` is what the node that comes nearest has. */
  | {
      readonly code: 'never-fits';
      readonly step: StepId;
      readonly resource: string;
      readonly asked: number;
      readonly largest: number;
      readonly node: NodeId | undefined;
    }
  /** No node has it free now; `free` is the most that one node has free of the binding resource. */
  | {
      readonly code: 'insufficient';
      readonly resource: string;
      readonly asked: number;
      readonly free: number;
      /** The node that lacks least, and so would be first to fit. */
      readonly node: NodeId | undefined;
    }
  /** There is room on a node where the task's constraints do not allow it; `filters` say which ones. */
  | { readonly code: 'constraints'; readonly filters: readonly string[] }
  | { readonly code: 'no-nodes' }
  | { readonly code: 'waits-for-steps'; readonly steps: readonly StepId[] }
  | { readonly code: 'waits-to-retry'; readonly dueAt: number }
  | { readonly code: 'step-parallelism'; readonly max: number }
  | {
      readonly code: 'queue-full';
      readonly active: number;
      readonly asked: number;
      readonly max: number;
    }
  | { readonly code: 'already-ended'; readonly workload: WorkloadId }
  | { readonly code: 'no-such-workload'; readonly workload: WorkloadId };

/** May evicting help, and which events are worth another look? Anything else sleeps. */
export const refusalTraits: Record<
  Refusal['code'],
  { readonly evictionHelps: boolean; readonly wokenBy: readonly Event['kind'][] }
> = {
  'never-fits': { evictionHelps: false, wokenBy: ['node-joined'] },
  insufficient: { evictionHelps: true, wokenBy: ['task-ended', 'node-joined'] },
  constraints: { evictionHelps: true, wokenBy: ['task-ended', 'node-joined'] },
  'no-nodes': { evictionHelps: false, wokenBy: ['node-joined'] },
  'waits-for-steps': { evictionHelps: false, wokenBy: ['step-ended'] },
  'waits-to-retry': { evictionHelps: false, wokenBy: ['retry-due'] },
  'step-parallelism': { evictionHelps: false, wokenBy: ['task-ended'] },
  'queue-full': { evictionHelps: false, wokenBy: ['task-placed', 'workload-ended'] },
  'already-ended': { evictionHelps: false, wokenBy: [] },
  'no-such-workload': { evictionHelps: false, wokenBy: [] },
};
