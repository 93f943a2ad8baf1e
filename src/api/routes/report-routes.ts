import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import { OperationError } from '../../model/errors.ts';
import { reportListSchema, reportSchema } from '../contract/report-documents.ts';
import { kpiListSchema } from '../contract/telemetry-documents.ts';
import { reportHtml } from '../views/report-html.ts';
import { onlyOf } from './access.ts';
import type { ApiDeps, ApiEnv, Identity } from './api-env.ts';
import { spanOf } from './money-routes.ts';
import { defineOperation } from './operation.ts';
import { notFound } from './problem.ts';

const since = (initial: string) =>
  z
    .string()
    .max(64)
    .default(initial)
    .openapi({ description: 'So far back: `90s`, `24h`, `7d`; at most 400 days' });
const format = z
  .enum(['json', 'html'])
  .default('json')
  .openapi({ description: '`html`: one page that needs nothing else, as a file' });
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });
const either = {
  ...json(reportSchema),
  'text/html': { schema: z.string().openapi({ description: 'One page' }) },
};

const listKpis = defineOperation(
  {
    method: 'get',
    path: '/api/v1/kpis',
    operationId: 'listKpis',
    summary: 'Key figures against their targets, and objectives with what is left of their budgets',
    request: { query: z.object({ since: since('30d') }) },
    responses: { 200: { description: 'Null is unknown', content: json(kpiListSchema) } },
  },
  ['USAGE'],
);

const makeReport = defineOperation(
  {
    method: 'get',
    path: '/api/v1/report',
    operationId: 'makeReport',
    summary: 'What happened, what it cost, how well it went and what to do about it',
    request: { query: z.object({ since: since('7d'), format }) },
    responses: { 200: { description: 'Null is unknown', content: either } },
  },
  ['USAGE'],
);

const listReports = defineOperation(
  {
    method: 'get',
    path: '/api/v1/reports',
    operationId: 'listReports',
    summary: 'Reports that were made by themselves, and when the next ones are due',
    responses: { 200: { description: 'The newest first', content: json(reportListSchema) } },
  },
  ['FORBIDDEN'],
);

const getReport = defineOperation(
  {
    method: 'get',
    path: '/api/v1/reports/{id}',
    operationId: 'getReport',
    summary: 'A report that was made by itself',
    request: { params: z.object({ id: z.string().max(64) }), query: z.object({ format }) },
    responses: { 200: { description: 'As it was made', content: either } },
  },
  ['NOT_FOUND', 'FORBIDDEN'],
);

export const reportOperations = [listKpis, makeReport, listReports, getReport] as const;

export function addReportRoutes(api: OpenAPIHono<ApiEnv>, { reports }: ApiDeps): void {
  api.openapi(listKpis, async (c) => {
    const { since: written } = c.req.valid('query');
    return c.json(await reports.kpis(spanOf(written), onlyOf(c.var.identity)), 200);
  });
  api.openapi(makeReport, async (c) => {
    const { since: written, format: as } = c.req.valid('query');
    const report = await reports.report(spanOf(written), onlyOf(c.var.identity));
    return as === 'html' ? page(reportHtml(report), 'report') : c.json(report, 200);
  });
  api.openapi(listReports, async (c) => {
    checkSeesAll(c.var.identity);
    return c.json(await reports.reports(), 200);
  });
  api.openapi(getReport, async (c) => {
    checkSeesAll(c.var.identity);
    const { id } = c.req.valid('param');
    const report = await reports.kept(id);
    if (report === undefined) throw notFound(`report ${JSON.stringify(id)}`);
    return c.req.valid('query').format === 'html'
      ? page(reportHtml(report), id)
      : c.json(report, 200);
  });
}

/** To be kept: the policy of the site's own pages lets no page have a style of its own. */
const page = (html: string, name: string): Response =>
  new Response(html, {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-disposition': `attachment; filename="berth-${name}.html"`,
    },
  });

/** They are of everybody. */
function checkSeesAll({ role, sees }: Identity): void {
  if (role === 'admin' || sees === 'all') return;
  throw new OperationError('FORBIDDEN', 'Reports that are kept are of all users.', {
    hint: '`berth report` makes one of your own.',
  });
}
