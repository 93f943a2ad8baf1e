import type { OpenAPIHono } from '@hono/zod-openapi';
import { OperationError } from '../../model/errors.ts';
import {
  transferListSchema,
  transferRequestSchema,
  transferSchema,
} from '../contract/transfer-documents.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { readJson } from './body.ts';
import { defineOperation } from './operation.ts';
import { quote, workloadParams } from './params.ts';
import { notFound } from './problem.ts';

const one = { 'application/json': { schema: transferSchema } };
const several = { 'application/json': { schema: transferListSchema } };
const writing = ['STATE_UNWRITABLE', 'STATE_FULL'] as const;

const askTransfer = defineOperation(
  {
    method: 'post',
    path: '/api/v1/transfers',
    operationId: 'askTransfer',
    summary: 'Move a file or a folder; this and what follows is for admins only',
    request: {
      body: { required: true, content: { 'application/json': { schema: transferRequestSchema } } },
    },
    responses: { 201: { description: 'It runs, or waits for its turn', content: one } },
  },
  ['USAGE', 'REFUSED', 'BODY_TOO_LARGE', ...writing],
);

const listTransfers = defineOperation(
  {
    method: 'get',
    path: '/api/v1/transfers',
    operationId: 'listTransfers',
    summary: 'Transfers, with those that have ended until they are cleaned away',
    responses: { 200: { description: 'As they were asked for', content: several } },
  },
  [],
);

const getTransfer = defineOperation(
  {
    method: 'get',
    path: '/api/v1/transfers/{id}',
    operationId: 'getTransfer',
    summary: 'One transfer',
    request: { params: workloadParams },
    responses: { 200: { description: 'As it is now', content: one } },
  },
  ['NOT_FOUND'],
);

const cancelTransfer = defineOperation(
  {
    method: 'post',
    path: '/api/v1/transfers/{id}/cancel',
    operationId: 'cancelTransfer',
    summary: 'End it; what it moved stays beside the destination, to be resumed or cleaned away',
    request: { params: workloadParams },
    responses: { 200: { description: 'It has ended', content: one } },
  },
  ['NOT_FOUND', ...writing],
);

const cleanTransfers = defineOperation(
  {
    method: 'post',
    path: '/api/v1/transfers/clean',
    operationId: 'cleanTransfers',
    summary: 'Forget transfers that have ended, and remove what those that failed left',
    responses: { 200: { description: 'Those that are forgotten', content: several } },
  },
  [...writing],
);

export const transferOperations = [
  askTransfer,
  listTransfers,
  getTransfer,
  cancelTransfer,
  cleanTransfers,
] as const;

export function addTransferRoutes(api: OpenAPIHono<ApiEnv>, { transfers }: ApiDeps): void {
  api.post('/api/v1/transfers', async (c) => {
    const request = transferRequestSchema.safeParse(await readJson(c.req.raw));
    if (!request.success) {
      const [issue] = request.error.issues;
      const where = issue?.path.join('.') ?? '';
      throw new OperationError('USAGE', `${where}: ${issue?.message ?? 'invalid'}.`);
    }
    const transfer = await transfers.ask(request.data);
    return c.json(transfer, 201, { location: `/api/v1/transfers/${transfer.id}` });
  });
  api.openapi(listTransfers, (c) => c.json({ transfers: [...transfers.transfers()] }, 200));
  api.openapi(cleanTransfers, async (c) =>
    c.json({ transfers: [...(await transfers.clean())] }, 200),
  );
  api.openapi(getTransfer, (c) => {
    const { id } = c.req.valid('param');
    return c.json(transfers.transfer(id) ?? missing(id), 200);
  });
  api.openapi(cancelTransfer, async (c) => {
    const { id } = c.req.valid('param');
    return c.json((await transfers.cancel(id)) ?? missing(id), 200);
  });
}

function missing(id: string): never {
  throw notFound(`transfer ${quote(id)}`);
}
