import type { BasisPoints, BitsPerSecond, Bytes, MicroDollars, SpanMs } from '../base/units.ts';

/** What happens to a modelled site beside its work, as a document says it. A part that is absent does not happen. */
export interface WorldTerms {
  readonly failures?: FailureTerms;
  readonly spot?: readonly SpotPoolTerms[];
  readonly network?: NetworkTerms;
  readonly checkpoints?: CheckpointTerms;
  readonly gpuSharing?: GpuContentionTerms;
  readonly slowdowns?: readonly SlowdownTerms[];
  readonly requests?: RequestTerms;
}

/**
 * A random span. `fixed`: always its mean. `weibull`: below a shape of 1 the young fail more, above it the old.
 * `lognormal`: `shape` is the standard deviation of the logarithm.
 */
export interface SpanTerms {
  readonly kind: 'fixed' | 'exponential' | 'weibull' | 'lognormal';
  readonly meanMs: SpanMs;
  /** Of `weibull` and `lognormal`. */
  readonly shape: number;
}

/** How often something fails once it works, and how long it is away then. */
export interface OutageTerms {
  readonly between: SpanTerms;
  readonly repair: SpanTerms;
}

export interface FailureTerms {
  /** Of each node by itself. */
  readonly nodes?: OutageTerms;
  /** Of all nodes with the same value of a label at once. */
  readonly groups: readonly (OutageTerms & { readonly label: string })[];
  /** What happens whatever chance says. */
  readonly planned: readonly PlannedOutage[];
}

export interface PlannedOutage {
  /** After the beginning. */
  readonly afterMs: SpanMs;
  /** UNLIMITED: it never comes back. */
  readonly forMs: SpanMs;
  /** The id of a node, or the value of a label that all of its nodes have. */
  readonly who: { readonly node: string } | { readonly label: string; readonly value: string };
}

/** Spot nodes of one type, and their market. */
export interface SpotPoolTerms {
  /** Value of the label `instance-type`; absent: all other spot nodes. */
  readonly type?: string;
  readonly base: MicroDollars;
  readonly onDemand: MicroDollars;
  /** Nodes are given back while the price is above it. */
  readonly bid: MicroDollars;
  readonly noticeMs: SpanMs;
  readonly awayMs: SpanMs;
  /** The market is looked at so often. */
  readonly stepMs: SpanMs;
  /** Mean time until one node is taken for its capacity, whatever is paid; UNLIMITED: never. */
  readonly betweenMs: SpanMs;
  /** Standard deviation of a step of the price, as a part of the base. */
  readonly tremble: BasisPoints;
  readonly reversion: BasisPoints;
  readonly jumpsPerMillion: number;
  readonly jumpMax: BasisPoints;
  /** Name of a file of recorded prices; absent: they are drawn. */
  readonly prices?: string;
}

export interface NetworkTerms {
  readonly fabric?: FabricTerms;
  readonly links: readonly LinkTerms[];
  /** Of each link by itself. */
  readonly failures?: OutageTerms;
  /** What every attempt fetches before it works, and from which vertex. */
  readonly fetch?: { readonly size: Bytes; readonly from: string };
  /** What tasks name in `affinity.data`, by name. */
  readonly datasets: Readonly<Record<string, DatasetTerms>>;
  /** A node keeps what it fetched, and gives it to others. */
  readonly keeps: boolean;
  /** Parts of a link by class of service: a flow of weight 4 gets four times as much as one of weight 1. */
  readonly weights: Readonly<Record<'guaranteed' | 'burstable' | 'best-effort', number>>;
}

/** Nodes hang on the leaf of their rack (the label `rack`), each leaf on every spine, and the storage on every spine. */
export interface FabricTerms {
  readonly spines: number;
  readonly nodeLink: BitsPerSecond;
  readonly uplink: BitsPerSecond;
  /** Of the vertex `storage` to each spine; absent: there is none. */
  readonly storageLink?: BitsPerSecond;
}

/** A cable with so much in each direction. */
export interface LinkTerms {
  readonly a: string;
  readonly b: string;
  readonly capacity: BitsPerSecond;
}

export interface DatasetTerms {
  readonly size: Bytes;
  /** Vertices that have it from the beginning, beside nodes with the label `data/NAME`. */
  readonly at: readonly string[];
}

export interface CheckpointTerms {
  /** Work between two of them, for tasks that do not say; absent: those have none. */
  readonly everyMs?: SpanMs;
  /** A task does not work while it saves. */
  readonly saveMs: SpanMs;
  /** Until an attempt works on from what was saved, for tasks that do not say. */
  readonly restartMs: SpanMs;
  /** Whether a task that is asked to stop saves first, where its time to stop suffices. */
  readonly onStop: boolean;
}

/** Assumptions about tasks that share a GPU; they are measured nowhere. */
export interface GpuContentionTerms {
  /** A slice of time of one task, and what changing to the next costs. */
  readonly sliceMs: number;
  readonly switchMs: number;
  /** Part of the device that a task keeps busy when it is alone: its request, or all of it. */
  readonly demand: 'request' | 'whole';
  /** Side by side (MPS), each neighbour costs so much of the pace: for caches and memory bandwidth. */
  readonly contention: number;
}

/** From `afterMs` on, over `overMs`, what runs on some nodes gets slower in a straight line. */
export interface SlowdownTerms {
  readonly afterMs: SpanMs;
  readonly overMs: SpanMs;
  /** At the end, as a part of the pace before. */
  readonly pace: number;
  /** Of nodes with this label and value; absent: of all. */
  readonly label?: string;
  readonly value?: string;
}

/** Requests that come to workers, and what becomes of both under too much load. */
export interface RequestTerms {
  /** The name of the job whose running tasks are the workers. */
  readonly workload: string;
  /** In a second, of all clients together. */
  readonly rate: number;
  /** Of one worker, in a second. */
  readonly serves: number;
  /** A client waits so long for an answer. */
  readonly timeoutMs: SpanMs;
  /** Tries after the first one. */
  readonly retries: number;
  readonly backoffMs: SpanMs;
  /** Waiting requests that fit into a worker's memory: with more it is killed. */
  readonly queueMax: number;
  /** What a worker takes down with it when it is killed. */
  readonly onKill: 'worker' | 'node';
  /** A node that went down comes back so much later. */
  readonly rebootMs: SpanMs;
  /** Until a fresh worker answers. */
  readonly warmupMs: SpanMs;
  readonly breaker?: BreakerTerms;
  readonly backpressure?: BackpressureTerms;
  readonly bulkhead?: BulkheadTerms;
}

/** A client asks a worker nothing more for a while after so much of what it asked failed. */
export interface BreakerTerms {
  /** Part of the requests to a worker within a window that fail. */
  readonly failures: BasisPoints;
  readonly windowMs: SpanMs;
  readonly openMs: SpanMs;
}

/** A worker refuses what it could not answer in time; whoever is refused tries no more at once. */
export interface BackpressureTerms {
  readonly queueMax: number;
}

/** Clients and workers are cut into so many compartments; nothing crosses their walls. */
export interface BulkheadTerms {
  readonly compartments: number;
}
