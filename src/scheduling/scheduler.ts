import type { SpanMs, TimeMs } from '../base/units.ts';
import type { AttemptId, QueueName, TaskId, TenantId } from '../model/ids.ts';
import type { Preemption } from '../model/preemption.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { StopTerms, Topology } from '../model/workload.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { ShapeIndex, Shapes } from './shape.ts';

/** A task as the scheduler sees it, while it waits and while it runs. The engine's own record has more. */
export interface Candidate {
  readonly id: TaskId;
  readonly tenant: TenantId;
  /** Name of its workload, which a reservation may ask for. */
  readonly workloadName?: string;
  readonly queue: QueueName;
  readonly priority: number;
  /** Counter of its workload: the order of submission. */
  readonly age: number;
  readonly submittedAt: TimeMs;
  /** Place of its step in the workload, and of the task in its step. */
  readonly stepIndex: number;
  readonly index: number;
  /** Changes when a retry asks for more. */
  readonly shape: ShapeIndex;
  /** How long it is expected to run; apart from the limit at which it is killed. */
  readonly estimateMs: SpanMs | undefined;
  /** The tasks that it starts with, all or none. */
  readonly gang?: Gang | undefined;
  readonly stops?: StopTerms | undefined;
  /** How often it was stopped for others. */
  readonly preempted?: number;
}

/** Tasks of one step that start together. One object for all of them. */
export interface Gang {
  readonly key: string;
  /** With fewer than this it is of no use. */
  readonly min: number;
  readonly size: number;
  /** Its tasks that run or have succeeded, now. */
  readonly alive: number;
  readonly running: number;
  readonly topology?: Topology | undefined;
}

/** Order of tasks that no policy tells apart: of one workload's submission, then its place in it. */
export function byAge(a: Candidate, b: Candidate): number {
  return a.age - b.age || a.stepIndex - b.stepIndex || a.index - b.index;
}

export interface Choice<T extends Candidate> {
  readonly task: T;
  readonly row: NodeIndex;
  /** Devices of that node, as `NodeTable.chooseGpus` or a policy of its own chose them. */
  readonly gpus: readonly string[];
}

/** What a running task holds, for policies that look ahead. */
export interface Running<T extends Candidate> {
  readonly attempt: AttemptId;
  readonly task: T;
  readonly row: NodeIndex;
  readonly held: Resources;
  readonly gpus: readonly string[];
  readonly placedAt: TimeMs;
}

/**
 * Decides who goes where next. All that it keeps is derived: it is told of every task that waits, starts
 * and ends, in the same order live, in replay and in simulation, and is built afresh on recovery.
 * `next` may note what it found out; it changes no table of the engine.
 */
export interface Scheduler<T extends Candidate = Candidate> {
  /** The task waits for a place from now on. */
  enqueue(task: T): void;
  /** The task left the queue without a place: cancelled, or its step failed. */
  withdraw(task: T): void;
  placed(running: Running<T>): void;
  /** The table has its resources back already. */
  ended(running: Running<T>): void;
  /** Nodes joined, left or changed. */
  nodesChanged(): void;
  /** The next placement to make at `at`, or nothing until something changes. */
  next(at: TimeMs): Choice<T> | undefined;
  /** Who is to stop for whom at `at`, asked once there is nothing left to place; or nothing. */
  preempt?(at: TimeMs): Preemption | undefined;
  /**
   * The victims are told to stop, and what they leave belongs to the preemptor. Without a `preemptor` it is
   * over, and counts for the budgets only.
   */
  preempting?(preemption: Preemption, at: TimeMs, preemptor: T | undefined): void;
  /** The attempt was told to stop. */
  stopping?(attempt: AttemptId): void;
  /** When `next` or `preempt` may have something to say though nothing happened. */
  wakeAt?(): TimeMs | undefined;
  /** Why a waiting task was passed over in the last pass; undefined when it was not looked at yet. */
  refusal(task: T): Refusal | undefined;
}

/** A scheduler that can say who found no place, so that others may be stopped for them. */
export interface OrderedScheduler<T extends Candidate = Candidate> extends Scheduler<T> {
  /** The first waiting task of each kind that found no place in the last pass, the most deserving first. */
  passedOver(): readonly T[];
}

/** What every scheduler is built from. */
export interface SchedulerDeps {
  readonly table: NodeTable;
  readonly shapes: Shapes;
}
