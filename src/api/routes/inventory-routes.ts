import type { OpenAPIHono } from '@hono/zod-openapi';
import {
  cpuUseSchema,
  inventoryChangesSchema,
  inventorySchema,
} from '../contract/inventory-documents.ts';
import type { ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';
import { inventoryQuery } from './params.ts';

const getInventory = defineOperation(
  {
    method: 'get',
    path: '/api/v1/inventory',
    operationId: 'getInventory',
    summary: 'What this machine has, how it hangs together, and where each figure is from',
    request: { query: inventoryQuery },
    responses: {
      200: {
        description: 'As `berth inventory --json`; at most some seconds old',
        content: { 'application/json': { schema: inventorySchema } },
      },
    },
  },
  ['USAGE', 'BUSY'],
);

const listInventoryChanges = defineOperation(
  {
    method: 'get',
    path: '/api/v1/inventory/changes',
    operationId: 'listInventoryChanges',
    summary: 'Devices that appeared, vanished, got worse or better, newest first',
    responses: {
      200: {
        description: 'The last 500, across restarts',
        content: { 'application/json': { schema: inventoryChangesSchema } },
      },
    },
  },
  ['BUSY'],
);

const getCpuUse = defineOperation(
  {
    method: 'get',
    path: '/api/v1/inventory/use',
    operationId: 'getCpuUse',
    summary: 'How busy each CPU was since this was asked before',
    responses: {
      200: {
        description: 'CPUs of which nothing is known are left out',
        content: { 'application/json': { schema: cpuUseSchema } },
      },
    },
  },
  ['BUSY'],
);

export const inventoryOperations = [getInventory, listInventoryChanges, getCpuUse] as const;

export function addInventoryRoutes(api: OpenAPIHono<ApiEnv>): void {
  api.openapi(getInventory, async (c) =>
    c.json(await c.get('site').inventory(c.req.valid('query').fresh === '1'), 200),
  );
  api.openapi(listInventoryChanges, async (c) =>
    c.json(await c.get('site').inventoryChanges(), 200),
  );
  api.openapi(getCpuUse, async (c) => c.json(await c.get('site').cpuUse(), 200));
}
