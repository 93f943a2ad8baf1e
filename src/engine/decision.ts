import type { TenantId, WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { Refusal } from '../model/refusal.ts';
import type { OverflowPolicy } from '../model/scheduling-config.ts';
import type { WorkloadSpec } from '../model/workload.ts';

/** What the engine says to the one who sent the command. Never journalled. */
export type Answer =
  | { readonly kind: 'done' }
  | { readonly kind: 'accepted'; readonly workload: WorkloadId }
  /** Accepted under this id; whoever asked keeps `spec`, and lets it in when there is room. */
  | {
      readonly kind: 'spilled';
      readonly workload: WorkloadId;
      readonly tenant: TenantId;
      readonly spec: WorkloadSpec;
      readonly policy: OverflowPolicy;
      /** So many wait for the same queue. */
      readonly ahead: number;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Decision {
  readonly events: readonly Event[];
  readonly answer: Answer;
}

const DONE: Answer = { kind: 'done' };

export const nothing: Decision = { events: [], answer: DONE };
export const facts = (...events: Event[]): Decision => ({ events, answer: DONE });
export const refuse = (refusal: Refusal): Decision => ({
  events: [],
  answer: { kind: 'refused', refusal },
});
