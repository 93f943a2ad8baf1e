import type { BasisPoints, SpanMs } from '../base/units.ts';

/** What is counted, and when it counts as good. */
export type Indicator =
  /** Jobs and pipelines that ended: good where they succeeded; cancelled ones do not count. */
  | { readonly kind: 'jobs' }
  /** Tasks that were placed: good where they waited no longer. `handoff`: of steps that need others. */
  | { readonly kind: 'waiting' | 'handoff'; readonly belowMs: SpanMs }
  /** Attempts that ended by themselves: good where they succeeded in no longer. */
  | { readonly kind: 'runs'; readonly belowMs: SpanMs }
  /** Time of services that should be there: good where at least one replica was ready. */
  | { readonly kind: 'availability' };

/** A share that is to be good over a rolling period. */
export interface Objective {
  /** Unique in the site. */
  readonly name: string;
  /** More than 0 and less than 10,000. */
  readonly target: BasisPoints;
  readonly periodMs: SpanMs;
  readonly indicator: Indicator;
  /** Only what has all of these counts. */
  readonly only: {
    readonly queue?: string;
    readonly tenant?: string;
    /** Name of the workload. */
    readonly workload?: string;
    readonly step?: string;
  };
}

export const kpiNames = [
  'cluster_utilization',
  'inference_latency_p99',
  'training_job_success_rate',
  'cost_per_inference',
  'mtbf_hours',
  'mttr_minutes',
] as const;
export type KpiName = (typeof kpiNames)[number];

/** On this side of `target` it is good, beyond `critical` it is critical. In the unit of the name. */
export interface KpiBounds {
  readonly target: number;
  readonly critical: number;
}

export const reportPeriods = ['day', 'week', 'month', 'quarter', 'year'] as const;
export type ReportPeriod = (typeof reportPeriods)[number];

/** When a report of the period before is made, by the clock on the wall. */
export interface ReportSchedule {
  readonly every: ReportPeriod;
  /** Minutes after midnight. */
  readonly atMinutes: number;
  /** Of a week; 1 is Monday. */
  readonly weekday: number;
  /** Beside the state folder, which keeps each: an absolute folder, or a program that gets the paths. */
  readonly to?: { readonly folder: string } | { readonly command: readonly string[] };
}

/** What a site wants to reach, and when it is told. */
export interface Goals {
  readonly objectives: readonly Objective[];
  /** Other bounds than the usual ones. */
  readonly kpis: Partial<Readonly<Record<KpiName, KpiBounds>>>;
  readonly reports: readonly ReportSchedule[];
}
