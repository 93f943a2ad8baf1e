import type { Bytes, SpanMs, TimeMs } from '../base/units.ts';
import type { FlowValue } from './flow.ts';
import type { AttemptId } from './ids.ts';

/** Why an attempt ended. `lost` means that no record of its end could be found, and says so. */
export type EndCause =
  | 'succeeded'
  | 'failed'
  | 'signalled'
  | 'oom-killed'
  | 'timed-out'
  /** Its scratch or a volume outgrew its size. */
  | 'disk-exceeded'
  /** It told of more calls of models, tokens, results or requests than its own limits allow. */
  | ExceededCause
  | 'cancelled'
  | 'preempted'
  | 'unhealthy'
  /** Its workload reached one of its own limits; which one, the message says. */
  | 'over-limit'
  /** What was reserved for it is used up, and there is no money for more. */
  | 'over-budget'
  /** It used more memory of a GPU than its share. */
  | 'overused'
  | 'start-failed'
  /** It stood in line behind an attempt that did not succeed, and was never begun. */
  | 'unstarted'
  | 'lost';

export const exceededCauses = [
  'model-calls-exceeded',
  'tokens-exceeded',
  'results-exceeded',
  'requests-exceeded',
] as const;
export type ExceededCause = (typeof exceededCauses)[number];

/** What an attempt did so far, as it tells itself or as the proxy counted. Absent: none. */
export interface ToldUse {
  readonly modelCalls?: number;
  /** Of those calls, in and out. */
  readonly tokens?: number;
  readonly results?: number;
  /** Through the proxy, with one that was not let through. */
  readonly requests?: number;
}

/** Would another try, unchanged or with more memory, make sense? The retry policy counts them. */
export const mayRetry: Record<EndCause, boolean> = {
  succeeded: false,
  failed: true,
  signalled: true,
  'oom-killed': true,
  'timed-out': true,
  'disk-exceeded': false,
  'model-calls-exceeded': false,
  'tokens-exceeded': false,
  'results-exceeded': false,
  'requests-exceeded': false,
  cancelled: false,
  preempted: true,
  unhealthy: true,
  'over-limit': false,
  'over-budget': false,
  overused: true,
  'start-failed': false,
  unstarted: true,
  lost: true,
};

/**
 * `unhealthy`: a probe of a service says that it no longer works, or never began to. `evicted`: its node ran
 * out; `spot`: its node is taken away; `moved`: it goes to another node; `overused`: more of a GPU than its share;
 * `over-limit`: its workload, or it itself, reached a limit of its own; `over-budget`: see there.
 */
export type StopReason =
  | 'cancelled'
  | 'preempted'
  | 'unhealthy'
  | 'over-budget'
  | 'evicted'
  | 'spot'
  | 'moved'
  | 'overused'
  | 'over-limit';

/** How an attempt ends that was stopped so, as far as a driver knows: of some stops the engine knows more. */
export const causeOfStop = (
  reason: StopReason,
): 'cancelled' | 'preempted' | 'unhealthy' | 'over-budget' | 'overused' => {
  if (reason === 'over-limit') return 'cancelled';
  return reason === 'evicted' || reason === 'spot' || reason === 'moved' ? 'preempted' : reason;
};

/** The true end of an attempt, as the launcher recorded it. Absent fields are unknown, not zero. */
export interface AttemptEnd {
  readonly cause: EndCause;
  readonly exitCode?: number;
  /** `SIGKILL`, `SIGSEGV`… when a signal ended it. */
  readonly signal?: string;
  readonly usage: AttemptUsage;
  /** All that it told of its use; absent where it told nothing. */
  readonly used?: ToldUse;
  /** What the task said of its results; absent when it said nothing, or does not have `StepSpec.flow`. */
  readonly outputs?: Readonly<Record<string, FlowValue>>;
  /** Nothing was run: the result is the one that this attempt made, under the same key. */
  readonly cachedFrom?: CachedFrom;
  readonly enforced: Enforcement;
  /** A sentence for people: why it could not start, what is unknown. */
  readonly message?: string;
}

export interface CachedFrom {
  readonly attempt: AttemptId;
  readonly at: TimeMs;
}

export interface AttemptUsage {
  readonly wallMs?: SpanMs;
  readonly cpuMs?: SpanMs;
  readonly memoryPeak?: Bytes;
  /** Bytes that the task wrote to stdout and stderr, kept or not. */
  readonly logBytes?: Bytes;
}

/** What held the attempt to its limits. `none` is said plainly, with the reason in `notes`. */
export interface Enforcement {
  readonly driver: 'cgroup-v2' | 'cgroup-v1' | 'unprivileged' | 'simulated' | 'unknown';
  readonly cpu: 'quota' | 'weight' | 'none';
  readonly memory: 'kernel' | 'watchdog' | 'none';
  readonly pids: 'kernel' | 'rlimit' | 'none';
  readonly notes: readonly string[];
  /** What became of the execution terms that the task has: of each one that was asked for. */
  readonly terms?: readonly TermEnforcement[];
}

/** `accounting`: it is measured, and acted upon afterwards. */
export interface TermEnforcement {
  /** As `cores`, `io`, `nice`, `network`. */
  readonly term: string;
  readonly by: 'kernel' | 'proxy' | 'accounting' | 'none';
  /** How, or why not. */
  readonly note: string;
}
