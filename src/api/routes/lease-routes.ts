import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import { leaseRequestSchema, poolSchema } from '../../spec/lease-request.ts';
import {
  leaseListSchema,
  leaseSchema,
  poolDocumentSchema,
  poolListSchema,
} from '../contract/lease-documents.ts';
import type { ApiEnv } from './api-env.ts';
import { readJson } from './body.ts';
import { defineOperation } from './operation.ts';
import { leaseQuery, quote, workloadParams } from './params.ts';
import { notFound } from './problem.ts';

const poolParams = z.object({
  name: z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'gpu_pool' }),
});
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });
const writing = ['STATE_UNWRITABLE', 'STATE_FULL'] as const;

const askLease = defineOperation(
  {
    method: 'post',
    path: '/api/v1/leases',
    operationId: 'askLease',
    summary: 'Ask for something to hold, without a task',
    request: { body: { required: true, content: written(leaseRequestSchema) } },
    responses: {
      201: { description: 'Held, or it waits in its queue', content: json(leaseSchema) },
    },
  },
  ['USAGE', 'REFUSED', 'NOT_FOUND', 'BODY_TOO_LARGE', ...writing],
);

const listLeases = defineOperation(
  {
    method: 'get',
    path: '/api/v1/leases',
    operationId: 'listLeases',
    summary: 'Leases that are held or waited for',
    responses: { 200: { description: 'All of them', content: json(leaseListSchema) } },
  },
  [],
);

const getLease = defineOperation(
  {
    method: 'get',
    path: '/api/v1/leases/{id}',
    operationId: 'getLease',
    summary: 'One lease',
    request: { params: workloadParams },
    responses: { 200: { description: 'As it is now', content: json(leaseSchema) } },
  },
  ['NOT_FOUND'],
);

const renewLease = defineOperation(
  {
    method: 'post',
    path: '/api/v1/leases/{id}/renew',
    operationId: 'renewLease',
    summary: 'Say that its holder is still there, and wait for it if that is asked',
    request: { params: workloadParams, query: leaseQuery },
    responses: {
      200: {
        description: 'As it is when it is held, has ended, or the time is over',
        content: json(leaseSchema),
      },
    },
  },
  ['USAGE', 'NOT_FOUND', ...writing],
);

const releaseLease = defineOperation(
  {
    method: 'post',
    path: '/api/v1/leases/{id}/release',
    operationId: 'releaseLease',
    summary: 'Give it back, or stop waiting for it',
    request: { params: workloadParams },
    responses: { 200: { description: 'It has ended', content: json(leaseSchema) } },
  },
  ['NOT_FOUND', ...writing],
);

const listPools = defineOperation(
  {
    method: 'get',
    path: '/api/v1/pools',
    operationId: 'listPools',
    summary: 'Pools of devices that callers share',
    responses: { 200: { description: 'All of them', content: json(poolListSchema) } },
  },
  [],
);

const addPool = defineOperation(
  {
    method: 'post',
    path: '/api/v1/pools',
    operationId: 'addPool',
    summary: 'Define a pool; the same definition again changes nothing',
    request: { body: { required: true, content: written(poolSchema) } },
    responses: { 201: { description: 'It is there', content: json(poolDocumentSchema) } },
  },
  ['USAGE', 'REFUSED', 'BODY_TOO_LARGE', ...writing],
);

const removePool = defineOperation(
  {
    method: 'delete',
    path: '/api/v1/pools/{name}',
    operationId: 'removePool',
    summary: 'Remove a pool of which nothing is held',
    request: { params: poolParams },
    responses: { 204: { description: 'It is gone' } },
  },
  ['NOT_FOUND', 'REFUSED', ...writing],
);

export const leaseOperations = [
  askLease,
  listLeases,
  getLease,
  renewLease,
  releaseLease,
  listPools,
  addPool,
  removePool,
] as const;

export function addLeaseRoutes(api: OpenAPIHono<ApiEnv>): void {
  api.openapi(askLease, async (c) => {
    const lease = await c.get('leases').ask(await readJson(c.req.raw), c.get('identity').tenant);
    return c.json(lease, 201, { location: `/api/v1/leases/${lease.id}` });
  });
  api.openapi(listLeases, (c) => c.json({ leases: [...c.get('leases').leases()] }, 200));
  api.openapi(getLease, (c) => {
    const { id } = c.req.valid('param');
    return c.json(c.get('leases').lease(id) ?? missing(id), 200);
  });
  api.openapi(renewLease, async (c) => {
    const { id } = c.req.valid('param');
    return c.json((await c.get('leases').renew(id, c.req.valid('query').wait)) ?? missing(id), 200);
  });
  api.openapi(releaseLease, async (c) => {
    const { id } = c.req.valid('param');
    return c.json(
      (await c.get('leases').release(id, c.get('identity').tenant)) ?? missing(id),
      200,
    );
  });
  api.openapi(listPools, (c) => c.json({ pools: [...c.get('leases').pools()] }, 200));
  api.openapi(addPool, async (c) =>
    c.json(await c.get('leases').addPool(await readJson(c.req.raw)), 201),
  );
  api.openapi(removePool, async (c) => {
    const { name } = c.req.valid('param');
    if (await c.get('leases').removePool(name)) return c.body(null, 204);
    throw notFound(`pool ${quote(name)}`);
  });
}

/** No schema of zod: the body is read and checked by us, bounded, and once. */
function written(schema: z.ZodType) {
  const { $schema: _, ...published } = z.toJSONSchema(schema, { io: 'input' });
  return { 'application/json': { schema: published as object } };
}

function missing(id: string): never {
  throw notFound(`lease ${quote(id)}`);
}
