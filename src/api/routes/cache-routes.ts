import type { OpenAPIHono } from '@hono/zod-openapi';
import { cacheClearedSchema, cacheListSchema } from '../contract/cache-documents.ts';
import type { ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';

const listCache = defineOperation(
  {
    method: 'get',
    path: '/api/v1/cache',
    operationId: 'listCache',
    summary: 'Results of tasks that are kept',
    responses: {
      200: {
        description: 'Those that the asker may have',
        content: { 'application/json': { schema: cacheListSchema } },
      },
    },
  },
  [],
);

const clearCache = defineOperation(
  {
    method: 'delete',
    path: '/api/v1/cache',
    operationId: 'clearCache',
    summary: 'Take away the results that are kept for the asker; of an admin, all of them',
    responses: {
      200: {
        description: 'How many went',
        content: { 'application/json': { schema: cacheClearedSchema } },
      },
    },
  },
  [],
);

export const cacheOperations = [listCache, clearCache] as const;

export function addCacheRoutes(api: OpenAPIHono<ApiEnv>): void {
  api.openapi(listCache, (c) => c.json(c.get('site').cache(), 200));
  api.openapi(clearCache, async (c) => c.json(await c.get('site').clearCache(), 200));
}
