import type { AttemptId, NodeId, StepId, WorkloadId } from './ids.ts';
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
  | { readonly code: 'no-nodes' }
  /** Not even on empty nodes, where its topology lets them, would all that a gang needs find a place. */
  | {
      readonly code: 'gang-never-fits';
      readonly step: StepId;
      readonly needed: number;
      readonly room: number;
      readonly topology: string | undefined;
    }
  /** A gang: so many of its tasks fit at once where its topology lets them, of those it needs. */
  | {
      readonly code: 'gang-no-room';
      readonly needed: number;
      readonly room: number;
      readonly topology: string | undefined;
    }
  /** A gang starts again once all of it has stopped and waits. */
  | { readonly code: 'gang-incomplete'; readonly ready: number; readonly needed: number }
  /** Others were told to stop for it. */
  | { readonly code: 'waits-for-victims'; readonly victims: readonly AttemptId[] }
  /** Waiting is cheaper than stopping anybody, or those who stop anyway leave enough; `until` when known. */
  | { readonly code: 'waits-for-completion'; readonly until: number | undefined }
  /** It would fit, but what is free is kept for others. */
  | { readonly code: 'reserved'; readonly by: string; readonly node: NodeId }
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
  'gang-never-fits': { evictionHelps: false, wokenBy: ['node-joined'] },
  'gang-no-room': { evictionHelps: true, wokenBy: ['task-ended', 'node-joined'] },
  'gang-incomplete': { evictionHelps: false, wokenBy: ['task-ended', 'retry-due'] },
  'waits-for-victims': { evictionHelps: false, wokenBy: ['task-ended'] },
  'waits-for-completion': { evictionHelps: false, wokenBy: ['task-ended', 'node-joined'] },
  reserved: { evictionHelps: false, wokenBy: ['task-ended', 'node-joined'] },
  'no-nodes': { evictionHelps: false, wokenBy: ['node-joined'] },
  'waits-for-steps': { evictionHelps: false, wokenBy: ['step-ended'] },
  'waits-to-retry': { evictionHelps: false, wokenBy: ['retry-due'] },
  'step-parallelism': { evictionHelps: false, wokenBy: ['task-ended'] },
  'queue-full': { evictionHelps: false, wokenBy: ['task-placed', 'workload-ended'] },
  'already-ended': { evictionHelps: false, wokenBy: [] },
  'no-such-workload': { evictionHelps: false, wokenBy: [] },
};
