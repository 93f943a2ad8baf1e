import { z } from '@hono/zod-openapi';
import type { TenantId } from '../../model/ids.ts';
import { atLimits } from '../../model/money.ts';

const moment = z.int().describe('Milliseconds since 1970');
const money = z.int().describe('Micro-dollars');
const unknownMoney = money.nullable().describe('Micro-dollars; null: not known');

export const budgetListSchema = z
  .object({
    now: moment,
    budgets: z.array(
      z
        .object({
          name: z.string(),
          scope: z.enum(['site', 'queue', 'tenant', 'each-tenant', 'team']),
          of: z.string().nullable().describe('The queue, tenant or team'),
          tenant: z.string().nullable().describe('Whose account it is; null: of all together'),
          window: z.enum(['periods', 'rolling', 'rate']),
          at_limit: z.enum(atLimits),
          spent: money.describe(
            'Settled in this period; of a rate, what all that runs costs in an hour',
          ),
          reserved: money.describe('Held back for what runs'),
          limit: money,
          soft: money.nullable(),
          from: moment.nullable(),
          resets_at: moment.nullable(),
        })
        .openapi('Budget'),
    ),
  })
  .openapi('BudgetList');

export const priceListSchema = z
  .object({
    now: moment,
    file: z.string().nullable(),
    rates: z.array(
      z.object({
        valid_from: moment,
        cpu_hour: unknownMoney,
        memory_gib_hour: unknownMoney,
        gpu_hour: z.record(z.string(), money),
        other_gpu_hour: unknownMoney,
        storage_gib_month: unknownMoney,
        kilowatt_hour: unknownMoney,
        spot_factor: z.number().nullable(),
      }),
    ),
    spot: z
      .array(
        z.object({
          type: z.string().nullable().describe('Label `instance-type`; null: all other spot nodes'),
          base: money.describe('What an hour usually costs'),
          price: money.describe('What it costs now'),
          on_demand: unknownMoney,
          most: unknownMoney.describe('Above this its nodes take nothing new; null: any price'),
          source: z.string(),
        }),
      )
      .describe('Of nodes that may be taken away, as was told last'),
    models: z.array(
      z.object({
        model: z.string(),
        provider: z.string().nullable(),
        valid_from: moment,
        input_per_million: unknownMoney,
        output_per_million: unknownMoney,
        cached_input_per_million: unknownMoney,
        source: z.string(),
      }),
    ),
  })
  .openapi('PriceList');

const sums = z.object({
  cpu_hours: z.number(),
  cpu_used_ratio: z
    .number()
    .nullable()
    .describe('Used of held CPU time, of attempts that reported it; null: none did'),
  memory_gib_hours: z.number(),
  gpu_hours: z.number(),
  cost: money.describe('Settled in the window, in micro-dollars'),
  unpriced: z.int().describe('Attempts and calls that held something without a known price'),
  attempts: z.int(),
  failures: z.int(),
  wait_ms: z.int().describe('Sum, of attempts that began in the window'),
  tokens: z.int(),
  calls: z.int(),
});

export const usageReportSchema = z
  .object({
    from: moment,
    to: moment,
    complete: z
      .boolean()
      .describe('False: history does not go back so far, or there is too much of it'),
    by: z.array(z.string()),
    rows: z.array(z.object({ group: z.array(z.string().nullable()), ...sums.shape })),
    total: sums,
  })
  .openapi('UsageReport');

export const suggestionListSchema = z
  .object({
    from: moment,
    to: moment,
    complete: z.boolean(),
    suggestions: z.array(
      z
        .object({
          kind: z.string(),
          description: z.string(),
          evidence: z.string(),
          monthly_saving: money.nullable().describe('Micro-dollars in 30 days; null: not known'),
          formula: z.string(),
        })
        .openapi('Suggestion'),
    ),
  })
  .openapi('SuggestionList');

export type BudgetList = z.infer<typeof budgetListSchema>;
export type PriceList = z.infer<typeof priceListSchema>;
export type UsageReportDocument = z.infer<typeof usageReportSchema>;
export type SuggestionList = z.infer<typeof suggestionListSchema>;

/** What the routes need for money. `only`: of nobody but this tenant. */
export interface MoneySite {
  budgets(only: TenantId | undefined): BudgetList;
  prices(): PriceList;
  report(
    spanMs: number,
    by: readonly string[],
    only: TenantId | undefined,
  ): Promise<UsageReportDocument>;
  suggestions(spanMs: number, only: TenantId | undefined): Promise<SuggestionList>;
}
