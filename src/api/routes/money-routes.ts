import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import { OperationError } from '../../model/errors.ts';
import { parseSpan } from '../../spec/quantities.ts';
import {
  budgetListSchema,
  priceListSchema,
  suggestionListSchema,
  usageReportSchema,
} from '../contract/money-documents.ts';
import { onlyOf } from './access.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';

const SINCE_MAX_MS = 400 * 86_400_000;
const KEYS_MAX = 6;

/** So far back, as people write it. */
export const since = z
  .string()
  .max(64)
  .default('7d')
  .openapi({ description: 'So far back: `90s`, `24h`, `7d`; at most 400 days' });
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const listBudgets = defineOperation(
  {
    method: 'get',
    path: '/api/v1/budgets',
    operationId: 'listBudgets',
    summary: 'Budgets: spent and reserved of what limit, and when they reset',
    responses: { 200: { description: 'One for each account', content: json(budgetListSchema) } },
  },
  [],
);

const listPrices = defineOperation(
  {
    method: 'get',
    path: '/api/v1/prices',
    operationId: 'listPrices',
    summary: 'What things cost; null is unknown, not nothing',
    responses: { 200: { description: 'By day', content: json(priceListSchema) } },
  },
  [],
);

const reportUsage = defineOperation(
  {
    method: 'get',
    path: '/api/v1/usage-report',
    operationId: 'reportUsage',
    summary:
      'CPU-, memory- and GPU-hours, money, attempts, failures and waiting, by what is asked for',
    request: {
      query: z.object({
        since,
        by: z
          .string()
          .max(128)
          .default('pipeline')
          .openapi({ description: 'Of pipeline, user, model, queue, node, step, with commas' }),
      }),
    },
    responses: {
      200: { description: 'What cost most first', content: json(usageReportSchema) },
    },
  },
  ['USAGE'],
);

const listSuggestions = defineOperation(
  {
    method: 'get',
    path: '/api/v1/suggestions',
    operationId: 'listSuggestions',
    summary: 'Where money or time is lost, with evidence, saving and formula',
    request: { query: z.object({ since }) },
    responses: {
      200: { description: 'The largest saving first', content: json(suggestionListSchema) },
    },
  },
  ['USAGE'],
);

export const moneyOperations = [listBudgets, listPrices, reportUsage, listSuggestions] as const;

export function addMoneyRoutes(api: OpenAPIHono<ApiEnv>, { money }: ApiDeps): void {
  api.openapi(listBudgets, (c) => c.json(money.budgets(onlyOf(c.var.identity)), 200));
  api.openapi(listPrices, (c) => c.json(money.prices(), 200));
  api.openapi(reportUsage, async (c) => {
    const { since: written, by } = c.req.valid('query');
    const keys = [...new Set(by.split(',').map((key) => key.trim()))].filter((key) => key !== '');
    if (keys.length > KEYS_MAX)
      throw new OperationError('USAGE', `${keys.length} keys are too many.`);
    const report = await money.report(spanOf(written), keys, onlyOf(c.var.identity));
    return c.json(report, 200);
  });
  api.openapi(listSuggestions, async (c) => {
    const { since: written } = c.req.valid('query');
    return c.json(await money.suggestions(spanOf(written), onlyOf(c.var.identity)), 200);
  });
}

/** Throws USAGE. */
export function spanOf(written: string): number {
  const parsed = parseSpan(written);
  if (!parsed.ok || parsed.value === 0 || parsed.value > SINCE_MAX_MS) {
    const hint = 'A span such as 24h or 7d, at most 400d.';
    throw new OperationError('USAGE', 'query since: not a span to look back.', { hint });
  }
  return parsed.value;
}
