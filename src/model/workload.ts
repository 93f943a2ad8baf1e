import type { BasisPoints, Bytes, MicroDollars, MilliCpu, SpanMs, TimeMs } from '../base/units.ts';
import type { Constraints } from './constraints.ts';
import type { ExecutionTerms } from './execution-terms.ts';
import type { FlowValue, StepFlow, WorkloadLimits } from './flow.ts';
import type { QueueName, StepId, TaskId } from './ids.ts';
import type { ClassUse } from './priority-class.ts';
import type { QosClass } from './qos.ts';
import type { DailyHours } from './reservation.ts';
import type { Resources } from './resources.ts';
import type { ServiceTerms } from './service.ts';

/** What a person submitted, parsed and with every default filled in. No ids and no times yet. */
export interface WorkloadSpec {
  /** A lease has one step of one task, which is `held`; a service has one step, whose `count` is its replicas. */
  readonly kind: 'job' | 'pipeline' | 'service' | 'lease';
  readonly name: string;
  readonly queue: QueueName;
  /** −1,000 … 1,000; higher goes first. */
  readonly priority: number;
  /** Its priority class, which the site knows. Its priority, and what its tasks have of it, are filled in when it is submitted. */
  readonly class?: ClassUse;
  readonly labels: Readonly<Record<string, string>>;
  /** When it is to be done: orders by it, and admission tests whether it can be. */
  readonly deadlineAt?: TimeMs;
  /** At least one; `needs` name other steps of this list and form no cycle. */
  readonly steps: readonly StepSpec[];
  /** Whether its tasks may run on nodes that are taken away; absent: as the site says of such tasks. */
  readonly spot?: boolean;
  /** Outside of them its tasks wait; absent: they start whenever they can. */
  readonly preferred?: PreferredHours;
  /** What it is held to as a whole; absent: nothing. */
  readonly limits?: WorkloadLimits;
  /** Values by name that expressions of its steps see as `vars`. */
  readonly vars?: Readonly<Record<string, FlowValue>>;
  /** The task that submitted it by a token of its own; absent when a person did. */
  readonly submittedBy?: TaskId;
  /** What the document says that nothing acts on: a sentence each, with its place. Absent: all of it acts. */
  readonly warnings?: readonly string[];
  /** Its queue said so when it was accepted: Berth itself never gives it up. A lost attempt uses up no retry. */
  readonly guaranteed?: true;
  /** The document as it was written, shown back on the workload's page. At most 1 MiB. */
  readonly source: string;
}

/** Hours of the day in which a workload would rather start. A task that tries again starts whenever it can. */
export interface PreferredHours {
  /** `off-peak`: as the site has them. */
  readonly hours: 'off-peak' | DailyHours;
  /** Since its step opened, a task waits for them no longer than this. */
  readonly maxWaitMs: SpanMs;
}

/** How long tasks wait for others like them, and for how many. */
export interface Batching {
  /** After the first of them was ready. */
  readonly waitMs: SpanMs;
  /** With so many they wait no longer. */
  readonly max: number;
}

/** Tasks of alike steps wait for each other, and start together. */
export interface GatherTerms extends Batching {
  /** Steps of one tenant and queue with the same text here are alike. */
  readonly alike: string;
}

/** One step: `count` tasks of the same shape that start once every step in `needs` has succeeded. */
export interface StepSpec {
  readonly id: StepId;
  readonly needs: readonly StepId[];
  readonly run: Run;
  readonly count: number;
  /** How many of its tasks may run at once; UNLIMITED when not said. */
  readonly maxParallel: number;
  readonly request: Resources;
  /** Of GPUs, what it asked for where it runs on CPU because no node had any; its request has none then. */
  readonly inPlaceOf?: Pick<Resources, 'gpu' | 'gpuMemory' | 'mig'>;
  /** Where its tasks may run; absent where they may run anywhere. */
  readonly constraints?: Constraints;
  readonly limits: Limits;
  readonly execution?: ExecutionTerms;
  /** What depends on other steps, or on which of its tasks it is; absent where nothing does. */
  readonly flow?: StepFlow;
  /** Its tasks are replicas that are kept alive; present in the one step of a service. */
  readonly service?: ServiceTerms;
  /** How long one attempt is expected to run, for planning ahead; the limit that kills is `limits.wallMs`. */
  readonly estimateMs?: SpanMs;
  /** Its tasks start together: at least so many, all or none. Absent when each starts by itself. */
  readonly gangMin?: number;
  /** Where the tasks of a gang should be near each other. */
  readonly topology?: Topology;
  readonly stops?: StopTerms;
  /** The class of service that the document names; absent: as its requests and limits are. */
  readonly qos?: QosClass;
  /** Absent: its tasks wait for no others. */
  readonly gather?: GatherTerms;
  readonly retry: RetryPolicy;
  readonly env: Readonly<Record<string, string>>;
  /** Absolute; an empty string means the folder that the workload was submitted from. */
  readonly cwd: string;
}

/** Tasks that should share a value of a node label: a rack, a zone; `node` means the very node. */
export interface Topology {
  readonly label: string;
  readonly required: boolean;
}

/** What stopping a task early costs, and whether it may be. */
export interface StopTerms {
  readonly preemptible: boolean;
  /** It saves its work at least this often; absent when it never does. */
  readonly checkpointMs?: SpanMs;
  /** From its start until it works on where it was. */
  readonly restartMs: SpanMs;
  /** It is left alone for so long after each start. */
  readonly minRunMs: SpanMs;
  /** Of its class of service: lower is stopped first. Absent where the site gives none. */
  readonly preemptionPriority?: number;
}

export type Run =
  | { readonly kind: 'argv'; readonly argv: readonly string[] }
  | { readonly kind: 'shell'; readonly script: string }
  /** Nothing is started: whoever asked has what was given, until he gives it back or is not heard of for `ttlMs`. */
  | { readonly kind: 'held'; readonly ttlMs: SpanMs };

/** What a driver starts. */
export type Program = Exclude<Run, { kind: 'held' }>;

/** What is enforced. UNLIMITED where nothing is. */
export interface Limits {
  readonly cpu: MilliCpu;
  readonly memory: Bytes;
  readonly pids: number;
  /** Wall-clock time of one attempt. */
  readonly wallMs: SpanMs;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: SpanMs;
  /** Kept of each of stdout and stderr, the newest last. */
  readonly logBytes: Bytes;
  /** What one attempt may cost; absent: anything. */
  readonly cost?: MicroDollars;
  /** What one attempt may tell of its use; absent: anything. */
  readonly modelCalls?: number;
  readonly tokens?: number;
  readonly results?: number;
}

export interface RetryPolicy {
  /** Attempts after the first. */
  readonly maxRetries: number;
  readonly backoffMs: SpanMs;
  /** Each wait is the last one times this. */
  readonly backoffFactor: BasisPoints;
  readonly backoffMaxMs: SpanMs;
  /** An attempt after an out-of-memory kill gets the last memory times this; 10,000 keeps it. */
  readonly memoryGrowth: BasisPoints;
}
