import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import {
  newTokenSchema,
  tokenListSchema,
  tokenRequestSchema,
} from '../contract/token-documents.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';
import { quote } from './params.ts';
import { notFound } from './problem.ts';

const listTokens = defineOperation(
  {
    method: 'get',
    path: '/api/v1/tokens',
    operationId: 'listTokens',
    summary: 'Tokens of users and programs; the secrets themselves are not kept',
    responses: {
      200: {
        description: 'In the order in which they were made',
        content: { 'application/json': { schema: tokenListSchema } },
      },
    },
  },
  [],
);

const addToken = defineOperation(
  {
    method: 'post',
    path: '/api/v1/tokens',
    operationId: 'addToken',
    summary: 'Make a token for a tenant',
    request: {
      body: { required: true, content: { 'application/json': { schema: tokenRequestSchema } } },
    },
    responses: {
      201: {
        description: 'With the secret, which is shown this once',
        content: { 'application/json': { schema: newTokenSchema } },
      },
    },
  },
  ['USAGE', 'REFUSED', 'STATE_UNWRITABLE', 'STATE_FULL'],
);

const revokeToken = defineOperation(
  {
    method: 'delete',
    path: '/api/v1/tokens/{id}',
    operationId: 'revokeToken',
    summary: 'Make a token worthless from now on',
    request: {
      params: z.object({
        id: z
          .string()
          .max(64)
          .openapi({ param: { name: 'id', in: 'path' }, example: 'k3v9x2ab' }),
      }),
    },
    responses: { 204: { description: 'It is gone' } },
  },
  ['NOT_FOUND', 'STATE_UNWRITABLE', 'STATE_FULL'],
);

export const tokenOperations = [listTokens, addToken, revokeToken] as const;

export function addTokenRoutes(api: OpenAPIHono<ApiEnv>, { tokens }: ApiDeps): void {
  api.openapi(listTokens, (c) => c.json(tokens.list(), 200));
  api.openapi(addToken, (c) => c.json(tokens.add(c.req.valid('json')), 201));
  api.openapi(revokeToken, (c) => {
    const { id } = c.req.valid('param');
    if (tokens.revoke(id)) return c.body(null, 204);
    throw notFound(`token ${quote(id)}`);
  });
}
