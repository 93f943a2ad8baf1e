import type { Labels, MetricUnit } from '../telemetry/metric.ts';

export type ResourceName =
  | 'cpu'
  | 'memory'
  | 'io'
  | 'network'
  | 'gpu'
  | 'cache'
  | 'locks'
  | 'power'
  | 'queue'
  | 'software';

export type Severity = 'low' | 'moderate' | 'high' | 'critical';

/** A number that a finding is told from. */
export interface Evidence {
  /** As history has it, so that it can be plotted. */
  readonly name: string;
  readonly labels: Labels;
  readonly unit: MetricUnit;
  readonly value: number | undefined;
  readonly threshold: number | undefined;
  readonly sentence: string;
}

/** Who causes it, or suffers from it. */
export interface Party {
  readonly kind: 'attempt' | 'process' | 'cgroup';
  readonly id: string;
  readonly workload: string | undefined;
  readonly tenant: string | undefined;
  /** Of the use of the resource (culprit), or of its own time that it waited (sufferer), 0 … 1. */
  readonly share: number | undefined;
  readonly sentence: string;
}

export interface Remedy {
  readonly title: string;
  readonly why: string;
  readonly risk: 'none' | 'low' | 'medium' | 'high';
  /** What is expected of it, in words. */
  readonly effect: string;
  /** To be typed or run; undefined where there is no one command. */
  readonly command: string | undefined;
}

/** What is wrong, how one can see it, and what to do. */
export interface Finding {
  /** The same as long as it is the same trouble of the same thing. */
  readonly id: string;
  /** Such as `cpu-contention`, `slow-drift`. */
  readonly kind: string;
  readonly resource: ResourceName;
  readonly severity: Severity;
  /** 0 … 1. */
  readonly score: number;
  readonly sentence: string;
  /** Milliseconds since 1970; undefined where the beginning is not known. */
  readonly since: number | undefined;
  readonly evidence: readonly Evidence[];
  readonly culprits: readonly Party[];
  readonly sufferers: readonly Party[];
  /** The one to be tried first comes first. */
  readonly remedies: readonly Remedy[];
}

/** The ladder of seed 001. */
export function severityOf(score: number): Severity {
  if (score >= 0.8) return 'critical';
  if (score >= 0.6) return 'high';
  return score >= 0.4 ? 'moderate' : 'low';
}
