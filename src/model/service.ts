import type { BasisPoints, SpanMs } from '../base/units.ts';
import type { AutoscalingTerms } from './autoscaling.ts';

/** How a step is kept alive: its tasks are replicas, started again whenever they end. */
export interface ServiceTerms {
  /** Of each replica; every attempt gets a free port of its node for each. At most PORTS_MAX. */
  readonly ports: readonly string[];
  /** Until it succeeds once, the other two do not run. */
  readonly startup?: ProbeSpec;
  /** Without one, a replica is ready as soon as it runs (and its startup probe has succeeded). */
  readonly readiness?: ProbeSpec;
  /** When it fails, the replica is stopped and started again. */
  readonly liveness?: ProbeSpec;
  readonly restart: RestartTerms;
  readonly update: UpdateTerms;
  /** From the moment a replica leaves the service until it gets SIGTERM. */
  readonly drainMs: SpanMs;
  /** Absent: as many replicas as somebody asks for. */
  readonly autoscaling?: AutoscalingTerms;
}

export const probeKinds = ['startup', 'readiness', 'liveness'] as const;
export type ProbeKind = (typeof probeKinds)[number];

export interface ProbeSpec {
  readonly check: ProbeCheck;
  readonly everyMs: SpanMs;
  readonly timeoutMs: SpanMs;
  /** In a row, until it counts as failing. */
  readonly failures: number;
  /** In a row, until it counts as succeeding. */
  readonly successes: number;
  /** From the start of the attempt to the first try. */
  readonly initialDelayMs: SpanMs;
}

/** A port is a number, or the name of one of the service's ports. */
export type ProbeCheck =
  | { readonly kind: 'http'; readonly path: string; readonly port: number | string }
  | { readonly kind: 'tcp'; readonly port: number | string }
  | { readonly kind: 'exec'; readonly argv: readonly string[] };

export interface RestartTerms {
  /** Before the first restart in a row; each one after it waits twice as long. */
  readonly backoffMs: SpanMs;
  readonly backoffMaxMs: SpanMs;
  /** A replica that ran for so long begins with the first wait again. */
  readonly resetAfterMs: SpanMs;
}

export interface UpdateTerms {
  readonly strategy: 'rolling' | 'blue-green' | 'canary';
  /** Replicas above what is wanted, those that leave included. */
  readonly maxSurge: ReplicaShare;
  /** Of what is wanted, so many may be not ready. */
  readonly maxUnavailable: ReplicaShare;
  readonly canary: { readonly replicas: ReplicaShare; readonly holdMs: SpanMs };
  /** Whether a new revision that fails gives way to the one before. */
  readonly rollback: boolean;
  /** The longest that an update goes on without one more new replica being ready. */
  readonly deadlineMs: SpanMs;
}

/** A number of replicas, or a part of those wanted. */
export type ReplicaShare =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'part'; readonly part: BasisPoints };

export const REPLICAS_MAX = 1_000;
export const PORTS_MAX = 16;
/** Ports of a node that are handed out, both included: below what the kernel takes for outgoing connections. */
export const PORT_RANGE = { first: 20_000, last: 29_999 } as const;

export const replicasOf = (
  share: ReplicaShare,
  wanted: number,
  round: (n: number) => number,
): number => (share.kind === 'count' ? share.count : round((wanted * share.part) / 10_000));
