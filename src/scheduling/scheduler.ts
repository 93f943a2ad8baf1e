import type { SpanMs, TimeMs } from '../base/units.ts';
import type { AttemptId, QueueName, TaskId, TenantId } from '../model/ids.ts';
import type { Keep, Preemption } from '../model/preemption.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { OverflowPolicy } from '../model/scheduling-config.ts';
import type { StopTerms, Topology } from '../model/workload.ts';
import type { GangAsk, Seats } from './gang.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { SchedulerDescription } from './queue-description.ts';
import type { Reclaim } from './reclaim.ts';
import type { Who } from './residents.ts';
import type { ShapeIndex, Shapes } from './shape.ts';

/** A task as the scheduler sees it, while it waits and while it runs. The engine's own record has more. */
export interface Candidate {
  readonly id: TaskId;
  readonly tenant: TenantId;
  /** Name of its workload, which a reservation may ask for. */
  readonly workloadName?: string;
  /** Its priority class, for which something may be kept. */
  readonly className?: string | undefined;
  /** For those that are to be near it or apart from it; absent where nobody may ask. */
  readonly who?: Who;
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
  readonly deadlineAt: TimeMs | undefined;
  /** Since its last attempt ended, or since it was submitted. */
  readonly waitingSince: TimeMs;
  /** The account of its workload's service, which `attainedAt` reads. */
  readonly attained: Served;
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

/** In milli-CPU-seconds and milli-GPU-seconds, and what is held now in milli-CPU and milli-GPU. */
export interface Served {
  readonly cpu: number;
  readonly gpu: number;
  readonly heldCpu?: number;
  readonly heldGpu?: number;
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
  /** For all that the task stands for, where the policy planned for all of them. */
  readonly seats?: readonly Seats[] | undefined;
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
 * How a task leaves the queue. `deferred`: it comes again some day; `again`: at once, and what others were stopped
 * for is its own still.
 */
export type Leaving = 'for-good' | 'deferred' | 'again';

/**
 * Decides who goes where next. All that it keeps is derived: it is told of every task that waits, starts
 * and ends, in the same order live, in replay and in simulation, and is built afresh on recovery.
 * `next` may note what it found out; it changes no table of the engine.
 */
export interface Scheduler<T extends Candidate = Candidate> {
  /** The task waits for a place from now on. */
  enqueue(task: T): void;
  /** The task left the queue without a place: cancelled, or its step failed. */
  withdraw(task: T, leaves?: Leaving): void;
  placed(running: Running<T>): void;
  /** The table has its resources back already. */
  ended(running: Running<T>, at: TimeMs): void;
  /** The same attempt holds something else from now on; the table knows already. */
  resized(before: Running<T>, after: Running<T>, at: TimeMs): void;
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
  /** Why a task of this queue and tenant may not hold so much more, were there room: a limit or a quota. */
  mayGrow?(task: T, more: Resources, at: TimeMs): Refusal | undefined;
  /** For whom what frees is to be kept from `at` on, asked once nobody is to be stopped; or nothing. */
  keep?(at: TimeMs): Keep | undefined;
  /** It is kept, or given up. `task` is undefined when its workload is gone. */
  keeping?(keep: Keep, task: T | undefined): void;
  /** The attempt was told to stop. */
  stopping?(attempt: AttemptId): void;
  /** Tasks that run have another priority now: others may be stopped for whom none could be. */
  reprioritised?(): void;
  /** Why a waiting task was passed over in the last pass; undefined when it was not looked at yet. */
  refusal(task: T): Refusal | undefined;
  /** What it does otherwise than it was configured to, and why: sentences. */
  notes?(): readonly string[];
  /** How many of those that wait do so on purpose, as of the last pass; absent: none ever does. */
  readonly deferred?: number;
  /** Its queues, when it tells queues apart. */
  readonly queues?: QueueRules;
  /** For people, when it tells queues apart; changes nothing. */
  describe?(at: TimeMs): SchedulerDescription;
  /**
   * Whether a waiting task would start at `at` if it asked for so much less that it found room now, and
   * nothing else could start. False where that is not sure.
   */
  startsWith?(task: T, request: Resources, at: TimeMs): boolean;
  /**
   * When `next` may have something to say without anything having happened: a quota starts afresh,
   * or somebody has had its minimum run time.
   */
  nextTimer?(): TimeMs | undefined;
  /** What it remembers beyond what waits and runs, as JSON: for the snapshot, the same for the same events. */
  save?(): unknown;
  /** After it was told of all that waits and runs. Forgets what no longer fits its configuration. */
  restore?(saved: unknown): void;
}

/** What queues say before anything waits in them. */
export interface QueueRules {
  /** Why so many more tasks may not be submitted there. */
  entry(asked: Entry, active: ActiveTasks): Refusal | undefined;
  /** What becomes of what `entry` refuses because there is no room now; `reject` where there never is. */
  overflow(queue: QueueName, tenant: TenantId, tasks: number): OverflowPolicy;
  /** What is accepted there is never given up. */
  isGuaranteed(queue: QueueName, tenant: TenantId): boolean;
  /** The most memory that one task may hold there, whatever else runs. */
  memoryMax(queue: QueueName, tenant: TenantId): number;
}

export interface Entry {
  readonly queue: QueueName;
  readonly tenant: TenantId;
  readonly tasks: number;
  /** The most of them that start at once. */
  readonly together: number;
  /** Of what starts at once: one task, or a gang. */
  readonly requests: readonly Resources[];
}

/** Tasks of workloads that have not ended, submitted to one queue; of one tenant, when given. */
export type ActiveTasks = (queue: QueueName, tenant?: TenantId) => number;

export type GateKind = number | string;

/** Says what may not start although there is room: a quota over time. */
export interface StartGate<T extends Candidate> {
  /** Whether it may ever refuse tasks of this tenant in this queue. */
  governs(queue: QueueName, tenant: TenantId): boolean;
  /** Of tasks of one tenant and shape, those with the same number get the same answer. */
  kindOf(task: T): GateKind;
  refusal(task: T, request: Resources, at: TimeMs): Refusal | undefined;
  /** When what it says may change although nothing ends. */
  nextChange(at: TimeMs): TimeMs | undefined;
}

/** Tasks that are deferred, and let go, at the same moments. */
export interface DeferredGroup {
  /** Why none of it is looked at; undefined where they queue like everybody else. */
  refusal(at: TimeMs): Refusal | undefined;
  /** When time alone changes that next; undefined: never. */
  nextChange(at: TimeMs): TimeMs | undefined;
}

/** Says which tasks wait on purpose, before they queue for room. */
export interface Deferral<T extends Candidate> {
  /** Undefined: nothing defers it, now or later. */
  groupOf(task: T): DeferredGroup | undefined;
  /** Groups of which the answer has changed otherwise than by time since this was last asked. */
  takeChanged(): readonly DeferredGroup[];
}

/** Tasks of a gang that start at once or not at all. */
export interface Together extends GangAsk {
  readonly count: number;
  /** Of all of them. */
  readonly request: Resources;
}

/** A scheduler that can say who found no place, so that others may be stopped for them. */
export interface OrderedScheduler<T extends Candidate = Candidate> extends Scheduler<T> {
  /** The first waiting task of each kind that found no place in the last pass, the most deserving first. */
  passedOver(): readonly T[];
  /** Which of these is due first; absent: the first of them. */
  foremost?(tasks: ReadonlySet<T>, at: TimeMs): T | undefined;
  /**
   * `learnt`: it was told of the task before, and only its turn comes now. `together`: the task stands for
   * these, and counts as all of them.
   */
  enqueue(task: T, learnt?: boolean, together?: Together): void;
  /** One that stands for others keeps its place in the queue, but is not offered while it rests. */
  rest?(task: T, rests: boolean): void;
  /** Learns what is asked for, of a task whose turn comes later. */
  expect?(task: T): void;
  /** Why so many tasks like this one may not start at once, were there room: a limit or a quota. */
  admits?(
    task: T,
    together: { count: number; request: Resources },
    at: TimeMs,
  ): Refusal | undefined;
  /** What a task that asks for so much may take from other queues; absent: there is one queue. */
  reclaim?(task: T, asked: Resources): Reclaim<T>;
  /** It plans for gangs itself: what `next` offers of them comes with seats. */
  readonly plansGangs?: boolean;
  /** Whether it may start there now without delaying whom a start was promised; absent: nobody. */
  mayTake?(task: T, seats: readonly Seats[], at: TimeMs): boolean;
  /** The devices that its policy chooses for the task on a node where it fits. */
  devices(task: T, row: NodeIndex): readonly string[];
}

/** What every scheduler is built from. */
export interface SchedulerDeps<T extends Candidate = never> {
  readonly table: NodeTable;
  readonly shapes: Shapes;
  readonly gate?: StartGate<T>;
  readonly deferral?: Deferral<T>;
}
