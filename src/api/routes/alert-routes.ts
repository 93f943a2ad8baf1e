import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import {
  alertReplayQuerySchema,
  alertReplaySchema,
  silenceRequestSchema,
  silenceSchema,
} from '../contract/alert-documents.ts';
import { alertListSchema } from '../contract/telemetry-documents.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { onlyOf } from './money-routes.ts';
import { defineOperation } from './operation.ts';
import { quote } from './params.ts';
import { notFound } from './problem.ts';

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });
const writing = ['STATE_UNWRITABLE', 'STATE_FULL'] as const;

const listAlerts = defineOperation(
  {
    method: 'get',
    path: '/api/v1/alerts',
    operationId: 'listAlerts',
    summary: 'What fires or is about to, what ended lately, the rules and the silences',
    responses: { 200: { description: 'The worst first', content: json(alertListSchema) } },
  },
  [],
);

const replayAlert = defineOperation(
  {
    method: 'get',
    path: '/api/v1/alerts/replay',
    operationId: 'replayAlert',
    summary: 'When a rule would have fired, by what was measured',
    request: { query: alertReplayQuerySchema },
    responses: {
      200: { description: 'In the order in which they fired', content: json(alertReplaySchema) },
    },
  },
  ['USAGE'],
);

const addSilence = defineOperation(
  {
    method: 'post',
    path: '/api/v1/silences',
    operationId: 'addSilence',
    summary: 'Tell nobody of some alerts for a time; for admins only',
    request: { body: { required: true, content: json(silenceRequestSchema) } },
    responses: { 201: { description: 'From now on', content: json(silenceSchema) } },
  },
  ['USAGE', 'REFUSED', ...writing],
);

const removeSilence = defineOperation(
  {
    method: 'delete',
    path: '/api/v1/silences/{id}',
    operationId: 'removeSilence',
    summary: 'End a silence; for admins only',
    request: {
      params: z.object({
        id: z
          .string()
          .max(64)
          .openapi({ param: { name: 'id', in: 'path' }, example: 's3' }),
      }),
    },
    responses: { 204: { description: 'It is gone' } },
  },
  ['NOT_FOUND', 'REFUSED', ...writing],
);

export const alertOperations = [listAlerts, replayAlert, addSilence, removeSilence] as const;

export function addAlertRoutes(api: OpenAPIHono<ApiEnv>, { alerts }: ApiDeps): void {
  api.openapi(listAlerts, (c) => c.json(alerts.list(onlyOf(c.var.identity)), 200));
  api.openapi(replayAlert, (c) =>
    c.json(alerts.replay(c.req.valid('query'), onlyOf(c.var.identity)), 200),
  );
  api.openapi(addSilence, (c) =>
    c.json(alerts.silence(c.req.valid('json'), c.var.identity.tenant), 201),
  );
  api.openapi(removeSilence, (c) => {
    const { id } = c.req.valid('param');
    if (alerts.unsilence(id)) return c.body(null, 204);
    throw notFound(`silence ${quote(id)}`);
  });
}
