import type { MicroDollars, SpanMs } from '../base/units.ts';
import type { StepId, WorkloadId } from './ids.ts';

/** What expressions work with: an output, an item, a variable. JSON of at most 64 KiB and 16 levels. */
export type FlowValue =
  | null
  | boolean
  | number
  | string
  | readonly FlowValue[]
  | { readonly [key: string]: FlowValue };

/**
 * What of a step is known only while the workload runs. Conditions and lists are expressions in CEL; texts have
 * holes `${{ CEL }}`. They see `steps.ID.{state, outputs, tasks}` of steps that this one needs, `item` and
 * `index` of the task, and `matrix`, `vars`. What is known from the document alone was filled in when it was read.
 */
export interface StepFlow {
  /**
   * Whether the step runs, decided once all that it needs has ended. Absent: when all of it has succeeded
   * (a step that was skipped by its own condition counts as succeeded).
   */
  readonly condition?: string;
  /** One task for each; `StepSpec.count` is then the number known so far: of written items, or 0. */
  readonly each?: Each;
  /** The items of `run` (argv) and the values of `env` have holes. */
  readonly holes?: true;
  /** `continue`: what needs it goes on, and the workload may succeed, although this step failed. */
  readonly onFailure: 'fail' | 'continue';
  /** Steps made of one: they share how many of their tasks may run at once. */
  readonly group?: StepGroup;
  readonly cache?: CacheTerms;
}

export type Each =
  | { readonly kind: 'items'; readonly items: readonly FlowValue[] }
  /** An expression that gives a list, of at most `max` items; the step fails where it gives more, or none of a list. */
  | { readonly kind: 'expression'; readonly expression: string; readonly max: number };

export interface StepGroup {
  readonly id: StepId;
  readonly maxParallel: number;
}

/** The result of a task is kept under a key made of all that it depends on, and taken from there the next time. */
export interface CacheTerms {
  readonly ttlMs: SpanMs;
  /** `everybody`: whoever asks for the same gets it; `tenant`: only who made it. */
  readonly sharedBy: 'tenant' | 'everybody';
  /** Files and folders whose content is part of the key; relative ones lie in the working folder. Have holes. */
  readonly inputs: readonly string[];
  /** Files and folders that are kept and put back; relative ones lie in the working folder. Have holes. */
  readonly artefacts: readonly string[];
  /** Anything else that tells one result from another. Has holes. */
  readonly salt: string;
}

/** What a workload as a whole is held to. UNLIMITED where nothing is. */
export interface WorkloadLimits {
  /** Wall-clock time from its first start. */
  readonly executionMs: SpanMs;
  /** Requests of the tasks that run at once. */
  readonly cpu: number;
  readonly memory: number;
  /** Milli-GPU. Absent: nothing is said of it. */
  readonly gpu?: number;
  readonly concurrentTasks: number;
  /** Retries of all its tasks together. */
  readonly retries: number;
  readonly cost: MicroDollars;
  /** What all of its tasks that run at once cost in an hour. Absent: nothing is said of it. */
  readonly hourlyCost?: MicroDollars;
  readonly modelCalls: number;
  readonly tokens: number;
}

/** Limits of a workload that end it, or keep it from going on. */
export const limitNames = ['execution-time', 'retries', 'cost', 'model-calls', 'tokens'] as const;
export type LimitName = (typeof limitNames)[number];

/** What a workload came to when it reached a limit of its own. */
export interface LimitReached {
  readonly limit: LimitName;
  /** What runs is stopped and nothing starts any more: it ends `failed`. Else it goes on without what it has used up. */
  readonly stops: boolean;
  /** A sentence for people. */
  readonly message: string;
}

/** Why a step ended otherwise than its tasks did. */
export type StepEndReason =
  /** Its condition says that it does not run: it counts as succeeded. */
  | { readonly kind: 'condition' }
  /** Its condition or its list could not be evaluated; a sentence for people. */
  | { readonly kind: 'expression'; readonly message: string };

/** A step that succeeded in an earlier run of the same document, and is not run again. */
export interface TakenOver {
  readonly step: StepId;
  /** What each of its tasks said of its results, in order. */
  readonly outputs: readonly Readonly<Record<string, FlowValue>>[];
}

/** An earlier run that failed, or was cancelled, is gone on with. */
export interface Resumption {
  readonly from: WorkloadId;
  /** Whose working folder it goes on with: of the first run of all. */
  readonly folder: WorkloadId;
  readonly done: readonly TakenOver[];
}
