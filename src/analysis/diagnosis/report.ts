import type { Labels, MetricUnit } from '../../telemetry/metric.ts';
import type { StrategyName } from './ladder.ts';

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

/** A number that a finding rests on, by the name that history has for it. */
export interface Evidence {
  readonly name: string;
  readonly labels: Labels;
  readonly unit: MetricUnit;
  readonly value: number | undefined;
  readonly threshold: number | undefined;
  readonly sentence: string;
}

/** Who causes it, or who suffers from it. */
export interface Party {
  readonly kind: 'attempt' | 'process' | 'cgroup';
  readonly id: string;
  readonly workload: string | undefined;
  readonly tenant: string | undefined;
  /** Of all use of the resource (culprit), or of its own time that it waited (sufferer), 0 … 1. */
  readonly share: number | undefined;
  readonly sentence: string;
}

export interface Remedy {
  readonly title: string;
  readonly why: string;
  readonly risk: 'none' | 'low' | 'medium' | 'high';
  readonly effect: string;
  /** To be typed; undefined where no one command does it. */
  readonly command: string | undefined;
}

export interface Finding {
  /** The same as long as it is the same trouble of the same thing. */
  readonly id: string;
  readonly kind: FindingKind;
  readonly resource: ResourceName;
  readonly severity: Severity;
  readonly score: number;
  readonly sentence: string;
  readonly since: number | undefined;
  readonly strategy: StrategyName;
  readonly evidence: readonly Evidence[];
  readonly culprits: readonly Party[];
  readonly sufferers: readonly Party[];
  readonly remedies: readonly Remedy[];
}

export type FindingKind =
  | 'cpu-contention'
  | 'cpu-stolen'
  | 'cpu-limit'
  | 'memory-contention'
  | 'memory-thrash'
  | 'memory-near-oom'
  | 'memory-limit'
  | 'memory-fragmentation'
  | 'memory-held-unused'
  | 'oom-kills'
  | 'io-contention'
  | 'disk-full'
  | 'network-congestion'
  | 'network-errors'
  | 'gpu-errors'
  | 'gpu-memory-full'
  | 'gpu-hot'
  | 'thermal-throttling';

/** Utilisation, saturation and errors of one resource (Gregg's USE method), also where all is well. */
export interface Looked {
  readonly resource: string;
  readonly utilisation: number | undefined;
  readonly saturation: number | undefined;
  readonly errors: number | undefined;
  readonly sentence: string;
}

export interface Diagnosis {
  readonly from: number;
  readonly to: number;
  readonly sentence: string;
  readonly quality: number | undefined;
  /** Worst first. */
  readonly findings: readonly Finding[];
  readonly looked: readonly Looked[];
}

/** What one rule says of its resource. */
export interface Verdict {
  readonly findings: readonly Finding[];
  readonly looked: readonly Looked[];
}

/** The ladder of the contract. */
export function severityOf(score: number): Severity {
  if (score >= 0.8) return 'critical';
  if (score >= 0.6) return 'high';
  return score >= 0.4 ? 'moderate' : 'low';
}

/** `87 %`; below ten, with one digit more. */
export function percent(ratio: number): string {
  const value = ratio * 100;
  return `${Math.abs(value) < 9.95 ? Number(value.toFixed(1)) : Math.round(value)} %`;
}

/** `0.31ms`, `12ms`: of what may be far below one. */
export const milliseconds = (ms: number): string => `${Number(ms.toPrecision(2))}ms`;

export const ratioOf = (value: number): number => Math.min(1, Math.max(0, value));
