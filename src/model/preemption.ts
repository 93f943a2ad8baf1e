import type { TimeMs } from '../base/units.ts';
import type { AttemptId, NodeId, QueueName, TaskId } from './ids.ts';
import type { Resources } from './resources.ts';

/** What may be done for a task that finds no place. */
export const preemptionStrategies = [
  'least-cost',
  'preempt_oldest',
  'preempt_least_progress',
  'wait_for_completion',
] as const;
export type PreemptionStrategy = (typeof preemptionStrategies)[number];

/** Who was stopped for whom, and the numbers that decided: enough to explain it years later. */
export interface Preemption {
  /** The first of its gang, or the task itself. */
  readonly preemptor: TaskId;
  /** What is kept for each member: what it asks for, and all of a device that it would be alone on. */
  readonly ask: Resources;
  readonly victims: readonly Victim[];
  /** Where the preemptor will start; nobody else may take it. */
  readonly claims: readonly Claim[];
  readonly rule: EvictionRule;
  readonly chosen: PreemptionStrategy;
  readonly options: readonly OptionScore[];
}

export interface Victim {
  readonly attempt: AttemptId;
  readonly queue: QueueName;
  readonly priority: number;
  readonly cost: number;
}

export interface Claim {
  readonly node: NodeId;
  readonly members: number;
}

/** What is kept for one that waited too long, as it becomes free: nobody else's until it starts. */
export interface Keep {
  /** The first of its gang, or the task itself. */
  readonly task: TaskId;
  /** What each member asks for, the largest of them. */
  readonly ask: Resources;
  /** None: what was kept is given up. */
  readonly claims: readonly Claim[];
  /** When they are expected to be free: until then whoever ends in time may use them. */
  readonly from?: TimeMs;
}

/** The inequality that allowed it: strict, and true after the move as well as before. */
export type EvictionRule =
  /** `preemptor` > `victim`, the highest priority among the victims; or the priorities of two queues. */
  | { readonly kind: 'priority'; readonly preemptor: number; readonly victim: number }
  /**
   * What two queues hold above their guarantees: the largest part of any resource, in billionths of the site,
   * ÷ weight. `takerAfter` < `giverBefore`, and `takerAfter` ≤ `giverAfter`.
   */
  | {
      readonly kind: 'share';
      readonly taker: QueueName;
      readonly giver: QueueName;
      readonly takerBefore: number;
      readonly takerAfter: number;
      readonly giverBefore: number;
      readonly giverAfter: number;
    };

/** One option with its price. Prices are milli-GPU seconds: what is lost, and what waits meanwhile. */
export interface OptionScore {
  readonly strategy: PreemptionStrategy;
  readonly victims: number;
  /** Of the victims; 0 without any. */
  readonly highestPriority: number;
  /** Of the victims, the highest that their classes of service give; absent where the site gives none. */
  readonly highestClass?: number;
  /** Work since the last checkpoint, restarts, and repeated evictions. */
  readonly lost: number;
  /** For the time that the preemptor waits. */
  readonly waiting: number;
  readonly total: number;
}
