import type { Finding } from '../finding.ts';
import type { StrategyName } from './ladder.ts';

/** A finding of the doctor. */
export interface DoctorFinding extends Finding {
  readonly kind: FindingKind;
  /** The step of the ladder that its remedies are ordered by. */
  readonly strategy: StrategyName;
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
  | 'thermal-throttling'
  | 'lock-contention';

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
  readonly findings: readonly DoctorFinding[];
  readonly looked: readonly Looked[];
}

/** What one rule says of its resource. */
export interface Verdict {
  readonly findings: readonly DoctorFinding[];
  readonly looked: readonly Looked[];
}

/** `87 %`; below ten, with one digit more. */
export function percent(ratio: number): string {
  const value = ratio * 100;
  return `${Math.abs(value) < 9.95 ? Number(value.toFixed(1)) : Math.round(value)} %`;
}

/** `0.31ms`, `12ms`: of what may be far below one. */
export const milliseconds = (ms: number): string => `${Number(ms.toPrecision(2))}ms`;

export const ratioOf = (value: number): number => Math.min(1, Math.max(0, value));
