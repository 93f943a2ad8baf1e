import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import { incidentListSchema } from '../contract/incident-documents.ts';
import { onlyOf } from './access.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { since, spanOf } from './money-routes.ts';
import { defineOperation } from './operation.ts';

const listIncidents = defineOperation(
  {
    method: 'get',
    path: '/api/v1/incidents',
    operationId: 'listIncidents',
    summary: 'What failed together: how it grew, what it shares, how far it reaches, what to do',
    request: { query: z.object({ since }) },
    responses: {
      200: {
        description: 'The newest first',
        content: { 'application/json': { schema: incidentListSchema } },
      },
    },
  },
  ['USAGE'],
);

export const incidentOperations = [listIncidents] as const;

export function addIncidentRoutes(api: OpenAPIHono<ApiEnv>, { incidents }: ApiDeps): void {
  api.openapi(listIncidents, async (c) => {
    const { since: written } = c.req.valid('query');
    return c.json(await incidents.incidents(spanOf(written), onlyOf(c.var.identity)), 200);
  });
}
