import type { Bytes, MilliCpu } from '../base/units.ts';
import type { AttemptId, NodeId } from './ids.ts';
import type { QosClass } from './qos.ts';

/** Limits of a running attempt after an adjustment, all of them: a driver sets them whatever was before. */
export interface AdjustedLimits {
  readonly cpu: MilliCpu;
  readonly memory: Bytes;
  readonly pids: number;
  /** −20 … 19; absent where nobody adjusted it. */
  readonly nice?: number;
}

/** What a node was measured to be short of. Basis points; absent means that nobody knows. */
export interface NodePressure {
  readonly memoryUsed?: number;
  /** Part of the last seconds in which some, or all, tasks waited for memory (PSI). */
  readonly memorySome?: number;
  readonly memoryFull?: number;
}

/** What was measured of one running attempt. */
export interface AttemptUse {
  readonly attempt: AttemptId;
  readonly memory: Bytes;
}

/** Who was stopped because a node ran out, and the numbers that decided. */
export interface Eviction {
  readonly node: NodeId;
  readonly attempt: AttemptId;
  readonly qos: QosClass;
  readonly pressure: NodePressure;
  /** In words, as the site has it: `memory > 90%`. */
  readonly threshold: string;
  /** Unknown where nobody measured it. */
  readonly used?: Bytes;
  readonly requested: Bytes;
}

/** One task that goes to another node, or, with `cores`, to other CPUs of its own, and is not stopped for that. */
export interface PlannedMove {
  readonly attempt: AttemptId;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly cores?: readonly number[];
}

/**
 * Moves that are made one after another, and what they gain and cost: milli-GPU, and milli-GPU seconds; of moves
 * to other CPUs how many NUMA nodes are crossed no more, and how many tasks move.
 */
export interface RebalancePlan {
  readonly node: NodeId;
  readonly moves: readonly PlannedMove[];
  readonly gained: number;
  readonly moved: number;
  readonly cost: number;
}

export type MoveOutcome =
  /** It runs on the new node, and nothing else failed within the time of observation. */
  | 'stable'
  /** It did not, and went back or waits like any other. */
  | 'rolled-back'
  /** There was no room any more when it was to start there. */
  | 'no-room'
  /** It ended by itself before it was stopped. */
  | 'ended';
