import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import { nodeListSchema, statusSchema, usageSchema } from '../contract/documents.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';
import { usageQuery } from './params.ts';

const getStatus = defineOperation(
  {
    method: 'get',
    path: '/api/v1/status',
    operationId: 'getStatus',
    summary: 'The daemon: where it is, what it can enforce, how much waits and runs',
    responses: {
      200: {
        description: 'As of `now`',
        content: { 'application/json': { schema: statusSchema } },
      },
    },
  },
  [],
);

const listNodes = defineOperation(
  {
    method: 'get',
    path: '/api/v1/nodes',
    operationId: 'listNodes',
    summary: 'Nodes: what may be given out, and what is held',
    responses: {
      200: {
        description: 'All of them',
        content: { 'application/json': { schema: nodeListSchema } },
      },
    },
  },
  [],
);

const getUsage = defineOperation(
  {
    method: 'get',
    path: '/api/v1/usage',
    operationId: 'getUsage',
    summary: 'How the machine was used: CPU, memory and pressure over time',
    request: { query: usageQuery },
    responses: {
      200: {
        description: 'Columns of equal length, oldest first; null where there is no sample',
        content: { 'application/json': { schema: usageSchema } },
      },
    },
  },
  ['USAGE'],
);

const watchChanges = defineOperation(
  {
    method: 'get',
    path: '/api/v1/events',
    operationId: 'watchChanges',
    summary: 'Server-sent events that name what changed, so that it can be read again',
    responses: {
      200: {
        description:
          'Events of the type `change`, with data `{workloads: string[], nodes: boolean, sample: boolean}`; a comment every 15 s; slow readers are cut off',
        content: { 'text/event-stream': { schema: z.string() } },
      },
    },
  },
  ['BUSY'],
);

const shutDown = defineOperation(
  {
    method: 'post',
    path: '/api/v1/shutdown',
    operationId: 'shutDown',
    summary: 'End the daemon; what runs goes on running',
    responses: { 202: { description: 'It ends once this is answered' } },
  },
  [],
);

export const siteOperations = [getStatus, listNodes, getUsage, watchChanges, shutDown] as const;

export function addSiteRoutes(api: OpenAPIHono<ApiEnv>, { streams }: ApiDeps): void {
  api.openapi(getStatus, (c) => c.json(c.get('site').status(), 200));
  api.openapi(listNodes, (c) => c.json(c.get('site').nodes(), 200));
  api.openapi(getUsage, (c) => c.json(c.get('site').usage(c.req.valid('query').window), 200));
  api.openapi(watchChanges, (c) => streams.changes(c.get('asked')));
  api.openapi(shutDown, (c) => {
    c.get('site').shutDown();
    return c.body(null, 202);
  });
}
