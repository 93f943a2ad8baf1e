import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { onlyOf } from './money-routes.ts';
import { defineOperation } from './operation.ts';

const text = { schema: z.string() };

const scrapeMetrics = defineOperation(
  {
    method: 'get',
    path: '/metrics',
    operationId: 'scrapeMetrics',
    summary: 'All metrics of now, as Prometheus scrapes them',
    responses: {
      200: {
        description: 'OpenMetrics for whoever accepts that first, else the text format 0.0.4',
        content: { 'text/plain': text, 'application/openmetrics-text': text },
      },
    },
  },
  [],
);

export const expositionOperations = [scrapeMetrics] as const;

export function addExpositionRoute(api: OpenAPIHono<ApiEnv>, { exposition }: ApiDeps): void {
  api.openapi(scrapeMetrics, (c) => {
    const only = onlyOf(c.var.identity);
    const { text, type } = exposition.exposition(c.req.header('accept'), only);
    return new Response(text, { headers: { 'content-type': type } });
  });
}
