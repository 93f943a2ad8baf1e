import type { MilliCpu, SpanMs, TimeMs } from '../base/units.ts';
import type {
  AttemptEnd,
  Enforcement,
  StopReason,
  TermEnforcement,
  ToldUse,
} from '../model/attempt.ts';
import type { CheckpointTerms, ExecutionTerms } from '../model/execution-terms.ts';
import type { CacheTerms } from '../model/flow.ts';
import type { AttemptId, TenantId } from '../model/ids.ts';
import type { AdjustedLimits } from '../model/live-change.ts';
import type { Event, Placement } from '../model/messages.ts';
import type { Limits, Program } from '../model/workload.ts';

/** Wall-clock time that never runs backwards within one process, and one alarm. */
export interface Clock {
  now(): TimeMs;
  /** Calls `ring` once, at `at` or soon after; a later call replaces the earlier one. */
  alarm(at: TimeMs | undefined, ring: () => void): void;
}

/** The journal of events. Sequence numbers start at 1 and have no gaps. */
export interface Journal {
  /**
   * Makes the batch durable, all of it or nothing, before it resolves.
   * Rejects with an OperationError (`STATE_FULL`, `STATE_UNWRITABLE`); the caller may try the same batch again.
   */
  append(events: readonly Event[]): Promise<void>;
}

/** Executes placements. Every call is idempotent by attempt id: it may be repeated after a crash. */
export interface Driver {
  /** What this driver can hold tasks to, found once at start. */
  readonly enforcement: Enforcement;
  /**
   * Starts the attempt, or does nothing if it was started before (running or ended).
   * Never rejects for the task's own sake: a command that cannot be executed is reported as `start-failed`.
   */
  start(attempt: AttemptStart): void;
  /**
   * SIGTERM, after the grace time SIGKILL to the whole tree; with `saving`, it may save its work before. A
   * paused one goes on for that. Nothing to do is fine.
   */
  stop(attempt: AttemptId, reason: StopReason, graceMs: SpanMs, saving?: Saving): void;
  /** Holds what runs to other limits. What held comes back as a report `adjusted`. Nothing to do is fine. */
  adjust(attempt: AttemptId, to: LiveLimits): void;
  /** Moves what runs to these CPUs. Whether it held comes back as a report `adjusted`. Nothing to do is fine. */
  pin(attempt: AttemptId, cores: readonly number[]): void;
  /** It gets no CPU any more, and keeps all else; `adjusted` tells whether that holds. Nothing to do is fine. */
  pause(attempt: AttemptId): void;
  resume(attempt: AttemptId): void;
  /** It was found running at start: what is done beside it from time to time goes on. */
  adopt(start: AttemptStart): void;
  /** Everything this driver knows of, from disk and from what runs, for reconciliation at start. */
  known(): Promise<readonly KnownAttempt[]>;
  /** The end is in the journal: the driver's own record and cgroup may go. The logs stay. */
  settle(attempt: AttemptId): void;
  /** Gives up the connection; what runs goes on running. */
  close(): Promise<void>;
}

/** `weight` is what it holds of the CPU. */
export interface LiveLimits extends AdjustedLimits {
  readonly weight: MilliCpu;
}

/** How a task saves its work before it is stopped. */
export interface Saving {
  readonly terms: CheckpointTerms;
  /** At most so long, then it is stopped as it is; less than the terms say where its node is going. */
  readonly withinMs: SpanMs;
  readonly start: AttemptStart;
}

export interface AttemptStart {
  readonly attempt: AttemptId;
  /**
   * Not before this one has succeeded, and then at once: it takes over its place. When that ends otherwise, or
   * is not known, this one is reported as `unstarted`. Starts in line are given in order.
   */
  readonly after?: AttemptId;
  readonly run: Program;
  /** Complete: the daemon's own environment is not inherited. Includes BERTH_* and CUDA_VISIBLE_DEVICES. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Shared by the steps of one workload; the driver makes it when it is missing. */
  readonly workdir: string;
  readonly placement: Placement;
  readonly limits: Limits;
  readonly execution?: ExecutionTerms;
  /** What was made of its network terms; absent where it has none. */
  readonly network?: NetworkPlace;
  /** Somebody is interested in what comes out of it: the driver tells it where to write that. */
  readonly outputs?: true;
  /** What it tells of its use is held to limits: the driver tells it where to write that. */
  readonly meters?: true;
  /** Its result may be taken from where an earlier one is kept, and is kept itself. */
  readonly cache?: CacheAsk;
}

/** `CacheTerms` of one task, with holes filled in, and what tells it from others beside its program. */
export interface CacheAsk extends CacheTerms {
  readonly tenant: TenantId;
  /** The variables that its document gives it. */
  readonly env: Readonly<Record<string, string>>;
  /** The item that it is made for, or else its place in its step; both as JSON. */
  readonly part: string;
}

export interface NetworkPlace {
  readonly terms: readonly TermEnforcement[];
  /** The file of the namespace that it is to enter. */
  readonly namespace?: string;
}

export type KnownAttempt =
  | { readonly attempt: AttemptId; readonly state: 'running'; readonly pid: number }
  /** Its end is on disk. */
  | { readonly attempt: AttemptId; readonly state: 'ended'; readonly end: AttemptEnd }
  /** It was begun, and neither a process nor a record of an end is left: `end.cause` is `lost`. */
  | { readonly attempt: AttemptId; readonly state: 'lost'; readonly end: AttemptEnd };

/** What a driver tells the loop. May come twice, late, or for an attempt that is long over. */
export type Report =
  | {
      readonly kind: 'started';
      readonly attempt: AttemptId;
      readonly pid: number;
      /** What became of its execution terms; absent where it has none. */
      readonly terms?: readonly TermEnforcement[];
    }
  | { readonly kind: 'ended'; readonly attempt: AttemptId; readonly end: AttemptEnd }
  /** What it told of its use so far, while it runs. */
  | { readonly kind: 'used'; readonly attempt: AttemptId; readonly used: ToldUse }
  /** What became of an adjustment or a pause, read back. */
  | {
      readonly kind: 'adjusted';
      readonly attempt: AttemptId;
      readonly terms: readonly TermEnforcement[];
    };
