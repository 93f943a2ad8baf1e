import type { BasisPoints, MicroDollars, SpanMs, TimeMs } from '../base/units.ts';
import type { QueueName, TenantId } from './ids.ts';
import type { QuotaWindow } from './scheduling-config.ts';

/** What a site knows of money: what things cost, and who may spend how much. */
export interface MoneyConfig {
  readonly prices: PriceTable;
  readonly budgets: readonly BudgetConfig[];
  /** Of a task that says nothing of its time, so much is reserved at once, again and again. */
  readonly sliceMs: SpanMs;
}

export interface PriceTable {
  /** Ascending by `validFrom`; before the first nothing has a price. */
  readonly rates: readonly Rates[];
  /** By name, then ascending by `validFrom`. */
  readonly models: readonly ModelPrice[];
}

/** What an hour of each thing costs. What is absent has no known price: that is not the same as 0. */
export interface Rates {
  readonly validFrom: TimeMs;
  readonly cpuHour?: MicroDollars;
  /** Of a GiB. */
  readonly memoryHour?: MicroDollars;
  /** By model, as the inventory names it. */
  readonly gpuHour: Readonly<Record<string, MicroDollars>>;
  /** Of GPUs that `gpuHour` does not name. */
  readonly otherGpuHour?: MicroDollars;
  /** Of a GiB of scratch space or of a volume. */
  readonly storageMonth?: MicroDollars;
  readonly energy?: EnergyRates;
  /** Multiplies all but energy on nodes with the label `spot=true`. */
  readonly spotFactor?: BasisPoints;
}

export interface EnergyRates {
  readonly kilowattHour: MicroDollars;
  /** Power usage effectiveness: 15,000 is 1.5. */
  readonly pue: BasisPoints;
  readonly wattsPerCpu: number;
  readonly wattsPerGib: number;
  readonly gpuWatts: Readonly<Record<string, number>>;
  readonly otherGpuWatts?: number;
}

/** Of a million tokens. Absent: unknown. */
export interface ModelPrice {
  readonly model: string;
  readonly provider?: string;
  readonly validFrom: TimeMs;
  readonly input?: MicroDollars;
  readonly output?: MicroDollars;
  readonly cachedInput?: MicroDollars;
  readonly cacheWrite?: MicroDollars;
  /** For requests with more input tokens than this, the second set of prices holds. */
  readonly above?: {
    readonly inputTokens: number;
    readonly input?: MicroDollars;
    readonly output?: MicroDollars;
  };
  readonly inputMax?: number;
  readonly outputMax?: number;
  readonly source: string;
}

/** Whose spending is added up in one account. */
export type BudgetScope =
  | { readonly kind: 'site' }
  | { readonly kind: 'queue'; readonly queue: QueueName }
  | { readonly kind: 'tenant'; readonly tenant: TenantId }
  /** Each has an account of his own, but for those who have a budget of their own. */
  | { readonly kind: 'each-tenant'; readonly except: readonly TenantId[] }
  | { readonly kind: 'team'; readonly team: string; readonly members: readonly TenantId[] };

/**
 * `rate`: what all that runs at once costs in an hour. Otherwise an amount counts in the period in which it is
 * settled, and what is reserved counts in every period until then.
 */
export type BudgetWindow = QuotaWindow | { readonly kind: 'rate' };

export const atLimits = ['queue', 'finish-step', 'stop', 'refuse'] as const;
/**
 * What happens when it is used up. Nothing new starts until it resets, and of what runs and cannot be paid any
 * longer: `queue` stops it until then; `finish-step` lets it run to its end; `stop` ends its workload.
 * `refuse` is as `queue`, and takes no submission that needs more than is left.
 */
export type AtLimit = (typeof atLimits)[number];

export interface BudgetConfig {
  readonly name: string;
  readonly scope: BudgetScope;
  readonly limit: MicroDollars;
  /** From here on people are told. */
  readonly soft?: MicroDollars;
  readonly window: BudgetWindow;
  readonly atLimit: AtLimit;
}

/** What was agreed for an attempt when it was placed, or when it went on: held until it is settled. */
export interface Reserve {
  /** Held back for it. */
  readonly amount: MicroDollars;
  /** Of all that it holds; what changes in the price table changes nothing of it. */
  readonly perHour: MicroDollars;
  /** When it is used up. */
  readonly until: TimeMs;
  /** Things it holds of which no price is known: `memory`, `gpu T4`. They cost nothing here. */
  readonly unpriced?: readonly string[];
}

/** Why a workload is ended by its own limit, or by a budget. */
export interface BudgetFacts {
  /** Name of the budget, or `execution`. */
  readonly budget: string;
  readonly tenant?: TenantId;
  readonly spent: MicroDollars;
  readonly reserved: MicroDollars;
  readonly asked: MicroDollars;
  readonly limit: MicroDollars;
}

/** Spent otherwise than by holding resources: calls to a model. */
export interface Spending {
  readonly tenant: TenantId;
  readonly queue: QueueName;
  /** As `model gpt-4o`. */
  readonly what: string;
  /** Absent: its price is not known. */
  readonly amount?: MicroDollars;
  readonly tokens: number;
  readonly calls: number;
}

export const NO_MONEY: MoneyConfig = {
  prices: { rates: [], models: [] },
  budgets: [],
  sliceMs: 3_600_000 as SpanMs,
};
