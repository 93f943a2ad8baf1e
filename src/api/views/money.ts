import type { Suggestion } from '../../analysis/suggestions.ts';
import type { UsageReport, UsageSums } from '../../analysis/usage-report.ts';
import type { TimeMs } from '../../base/units.ts';
import type { State } from '../../engine/state.ts';
import type { TenantId } from '../../model/ids.ts';
import type { BudgetScope, PriceTable } from '../../model/money.ts';
import { ceilingOf, type SpotPolicy, type SpotQuote } from '../../model/spot.ts';
import type {
  BudgetList,
  PriceList,
  SuggestionList,
  UsageReportDocument,
} from '../contract/money-documents.ts';

/** Every account of every budget, or of one tenant and those that he shares with all. */
export function budgetList(state: State, now: TimeMs, only?: TenantId): BudgetList {
  const accounts = state.money.book.accounts(now).filter(({ budget, tenant }) => {
    if (only === undefined || tenant === only) return true;
    const { scope } = budget;
    return scope.kind === 'team' && scope.members.includes(only);
  });
  return {
    now,
    budgets: accounts.map(({ budget, tenant, spent, reserved, from, resetsAt }) => ({
      name: budget.name,
      scope: budget.scope.kind,
      of: nameOf(budget.scope),
      tenant: tenant ?? null,
      window: budget.window.kind,
      at_limit: budget.atLimit,
      spent,
      reserved,
      limit: budget.limit,
      soft: budget.soft ?? null,
      from: from <= 0 ? null : from,
      resets_at: resetsAt ?? null,
    })),
  };
}

function nameOf(scope: BudgetScope): string | null {
  switch (scope.kind) {
    case 'queue':
      return scope.queue;
    case 'tenant':
      return scope.tenant;
    case 'team':
      return scope.team;
    default:
      return null;
  }
}

export function priceList(
  { rates, models }: PriceTable,
  now: TimeMs,
  file: string | undefined,
  spot: { readonly quotes: readonly SpotQuote[]; readonly policy: SpotPolicy | undefined },
): PriceList {
  const { quotes, policy } = spot;
  return {
    now,
    file: file ?? null,
    rates: rates.map((one) => ({
      valid_from: one.validFrom,
      cpu_hour: one.cpuHour ?? null,
      memory_gib_hour: one.memoryHour ?? null,
      gpu_hour: { ...one.gpuHour },
      other_gpu_hour: one.otherGpuHour ?? null,
      storage_gib_month: one.storageMonth ?? null,
      kilowatt_hour: one.energy?.kilowattHour ?? null,
      spot_factor: one.spotFactor === undefined ? null : one.spotFactor / 10_000,
    })),
    spot: quotes.map((quote) => ({
      type: quote.type ?? null,
      base: quote.base,
      price: quote.price,
      on_demand: quote.onDemand ?? null,
      most: policy?.priceMax === undefined ? null : ceilingOf(quote, policy.priceMax),
      source: quote.source,
    })),
    models: models.map((one) => ({
      model: one.model,
      provider: one.provider ?? null,
      valid_from: one.validFrom,
      input_per_million: one.input ?? null,
      output_per_million: one.output ?? null,
      cached_input_per_million: one.cachedInput ?? null,
      source: one.source,
    })),
  };
}

/** The window that was read, and whether all of it was there. */
export interface ReadWindow {
  readonly from: number;
  readonly to: number;
  readonly complete: boolean;
}

export function usageReport(
  window: ReadWindow,
  by: readonly string[],
  report: UsageReport,
): UsageReportDocument {
  const rows = report.rows().map(({ group, sums }) => ({
    group: group.map((value) => value ?? null),
    ...sumsDocument(sums),
  }));
  return { ...window, by: [...by], rows, total: sumsDocument(report.total) };
}

const HOUR_MS = 3_600_000;
/** Digits that a person may want; the sums themselves are exact. */
const rounded = (n: number): number => Math.round(n * 10_000) / 10_000;

export function sumsDocument(sums: UsageSums): UsageReportDocument['total'] {
  const { cpuKnownMilliMs } = sums;
  return {
    cpu_hours: rounded(sums.cpuMilliMs / 1_000 / HOUR_MS),
    cpu_used_ratio:
      cpuKnownMilliMs === 0 ? null : rounded((sums.cpuUsedMs * 1_000) / cpuKnownMilliMs),
    memory_gib_hours: rounded(sums.memoryMibMs / 1_024 / HOUR_MS),
    gpu_hours: rounded(sums.gpuMilliMs / 1_000 / HOUR_MS),
    cost: sums.charged,
    unpriced: sums.unpriced,
    attempts: sums.attempts,
    failures: sums.failures,
    wait_ms: sums.waitMs,
    tokens: sums.tokens,
    calls: sums.calls,
  };
}

export function suggestionList(
  window: ReadWindow,
  suggestions: readonly Suggestion[],
): SuggestionList {
  return {
    ...window,
    suggestions: suggestions.map(({ monthlySaving, ...rest }) => ({
      ...rest,
      monthly_saving: monthlySaving ?? null,
    })),
  };
}
