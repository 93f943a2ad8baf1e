import type { BasisPoints, Bytes, SpanMs } from '../base/units.ts';
import type { AlertConfig } from './alert-rule.ts';
import type { AutoscalingDefaults } from './autoscaling.ts';
import type { ScratchTerms, VolumeUse } from './execution-terms.ts';
import type { HistoryConfig } from './history-config.ts';
import type { BudgetConfig } from './money.ts';
import type { NetworkConfig } from './network-config.ts';
import type { Goals } from './objective.ts';
import type { OtlpConfig } from './otlp-config.ts';
import type { Duration, Reservation } from './reservation.ts';
import type {
  QuotaConfig,
  QuotaWindow,
  SchedulingConfig,
  SubmissionLimit,
} from './scheduling-config.ts';
import type { Batching } from './workload.ts';

/** What a site decides for itself. Data, with every default filled in. */
export interface SiteConfig {
  readonly scheduling: SchedulingConfig;
  readonly budgets: readonly BudgetConfig[];
  /** Absent: nothing is said of it. */
  readonly network?: NetworkConfig;
  readonly storage?: StorageConfig;
  /** Of this machine, beside those that are found on it. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly isolation?: IsolationLevel;
  /** For services that are autoscaled and say less. */
  readonly autoscaling?: AutoscalingDefaults;
  /** For people. */
  readonly name?: string;
  /** So much CPU as its machines have, times this, is given out. */
  readonly oversubscription?: BasisPoints;
  /** Use of the host is kept so often; each second, when not given. */
  readonly sampleEveryMs?: SpanMs;
  /** Short names under which metrics are exported beside their own; none, when not given. */
  readonly exportedAs?: readonly string[];
  /** Of documents that name none; UTC, when not given. */
  readonly timeZone?: string;
  readonly documents?: DocumentDefaults;
  readonly goals?: Goals;
  /** Absent: those that come with Berth, and nobody is told. */
  readonly alerts?: AlertConfig;
  /** Absent: as long as Berth usually keeps it. */
  readonly history?: HistoryConfig;
  /** Absent: nothing is pushed. */
  readonly otlp?: OtlpConfig;
}

/** What holds for documents of workloads that say nothing of it. */
export interface DocumentDefaults {
  readonly batching?: Batching;
  readonly caching?: CachingDefaults;
}

/** Of results of actions. */
export interface CachingDefaults {
  readonly ttlMs?: SpanMs;
  /** Also of those that cost a lot. */
  readonly costly: boolean;
}

/** `namespace`: tenants see and touch only what is their own; `none`: they see everything. */
export type IsolationLevel = 'namespace' | 'none';

/** Where volumes lie, and what scratch may hold. */
export interface StorageConfig {
  /** Absolute folders, by the class that volumes name. */
  readonly classes: Readonly<Record<string, string>>;
  /** How much scratch of tasks may hold at once; absent: nobody is held back for it. */
  readonly scratch?: Bytes;
  /** That documents use by their names; in all they share one folder. */
  readonly volumes?: readonly VolumeUse[];
  /** Of each task that does not say its own. */
  readonly tempStorage?: ScratchTerms;
}

/** A site as it was written: time zones by their names, which only the edge can read. */
export interface WrittenSite {
  readonly scheduling: Omit<
    SchedulingConfig,
    'quotas' | 'reservations' | 'submissions' | 'offPeak'
  > & {
    readonly offPeak?: Extract<WrittenDuration, { kind: 'daily' }>;
    readonly quotas: readonly WrittenQuota[];
    readonly reservations: readonly WrittenReservation[];
    readonly submissions?: readonly WrittenSubmissionLimit[];
  };
  readonly budgets: readonly WrittenBudget[];
  readonly network?: NetworkConfig;
  readonly storage?: StorageConfig;
  /** Of this machine, beside those that are found on it. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly isolation?: IsolationLevel;
  readonly autoscaling?: AutoscalingDefaults;
  /** For people. */
  readonly name?: string;
  /** So much CPU as its machines have, times this, is given out. */
  readonly oversubscription?: BasisPoints;
  /** Use of the host is kept so often; each second, when not given. */
  readonly sampleEveryMs?: SpanMs;
  readonly exportedAs?: readonly string[];
  readonly timeZone?: string;
  readonly documents?: DocumentDefaults;
  readonly goals?: Goals;
  /** Absent: those that come with Berth, and nobody is told. */
  readonly alerts?: AlertConfig;
  /** Absent: as long as Berth usually keeps it. */
  readonly history?: HistoryConfig;
  /** Absent: nothing is pushed. */
  readonly otlp?: OtlpConfig;
}

export type WrittenBudget = Omit<BudgetConfig, 'window'> & {
  readonly window: WrittenWindow | { readonly kind: 'rate' };
};

export type WrittenQuota = Omit<QuotaConfig, 'window'> & { readonly window: WrittenWindow };

export type WrittenSubmissionLimit = Omit<SubmissionLimit, 'submitted'> & {
  readonly submitted?: { readonly max: number; readonly window: WrittenWindow };
};

export type WrittenWindow =
  | { readonly kind: 'periods'; readonly every: 'day' | 'month'; readonly timeZone: string }
  | Extract<QuotaWindow, { kind: 'rolling' }>;

export type WrittenReservation = Omit<Reservation, 'duration'> & {
  readonly duration: WrittenDuration;
};

export type WrittenDuration =
  | Extract<Duration, { kind: 'always' }>
  | {
      readonly kind: 'daily';
      readonly startMs: number;
      readonly endMs: number;
      readonly timeZone: string;
    };
