import type { OpenAPIHono } from '@hono/zod-openapi';
import { preemptionListSchema } from '../contract/preemption-documents.ts';
import {
  classListSchema,
  queueListSchema,
  quotaListSchema,
  reservationListSchema,
} from '../contract/queue-documents.ts';
import type { ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';
import { preemptionQuery } from './params.ts';

const listQueues = defineOperation(
  {
    method: 'get',
    path: '/api/v1/queues',
    operationId: 'listQueues',
    summary:
      'The tree of queues: what each holds against guarantee and limit, and what waits there',
    responses: {
      200: {
        description: 'All of them, parents first',
        content: { 'application/json': { schema: queueListSchema } },
      },
    },
  },
  [],
);

const listClasses = defineOperation(
  {
    method: 'get',
    path: '/api/v1/classes',
    operationId: 'listClasses',
    summary:
      'Priority classes and classes of service: what their tasks are sure of, and who gives way',
    responses: {
      200: {
        description: 'As the site configures them',
        content: { 'application/json': { schema: classListSchema } },
      },
    },
  },
  [],
);

const listQuotas = defineOperation(
  {
    method: 'get',
    path: '/api/v1/quotas',
    operationId: 'listQuotas',
    summary: 'Quotas over time: used and reserved of what limit, and when they reset',
    responses: {
      200: {
        description: 'One for each account',
        content: { 'application/json': { schema: quotaListSchema } },
      },
    },
  },
  [],
);

const listReservations = defineOperation(
  {
    method: 'get',
    path: '/api/v1/reservations',
    operationId: 'listReservations',
    summary: 'Capacity that is kept: for whom, when and on which nodes',
    responses: {
      200: {
        description: 'In the order of the configuration',
        content: { 'application/json': { schema: reservationListSchema } },
      },
    },
  },
  [],
);

const listPreemptions = defineOperation(
  {
    method: 'get',
    path: '/api/v1/preemptions',
    operationId: 'listPreemptions',
    summary: 'Who was stopped for whom, and the numbers that decided, newest first',
    request: { query: preemptionQuery },
    responses: {
      200: {
        description: 'The last ones; of older ones the journal tells',
        content: { 'application/json': { schema: preemptionListSchema } },
      },
    },
  },
  ['USAGE'],
);

export const queueOperations = [
  listQueues,
  listClasses,
  listQuotas,
  listReservations,
  listPreemptions,
] as const;

export function addQueueRoutes(api: OpenAPIHono<ApiEnv>): void {
  api.openapi(listQueues, (c) => c.json(c.get('site').queues(), 200));
  api.openapi(listClasses, (c) => c.json(c.get('site').classes(), 200));
  api.openapi(listQuotas, (c) => c.json(c.get('site').quotas(), 200));
  api.openapi(listReservations, (c) => c.json(c.get('site').reservations(), 200));
  api.openapi(listPreemptions, (c) =>
    c.json(c.get('site').preemptions(c.req.valid('query').limit), 200),
  );
}
