import type { OpenAPIHono } from '@hono/zod-openapi';
import type { TimeMs } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import { rebalanceRequestSchema, rebalanceSchema } from '../contract/rebalance-documents.ts';
import { refusalSentence } from '../views/sentences.ts';
import type { ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';

const document = {
  description: 'The plan, and how far it is',
  content: { 'application/json': { schema: rebalanceSchema } },
};

const getRebalance = defineOperation(
  {
    method: 'get',
    path: '/api/v1/rebalance',
    operationId: 'getRebalance',
    summary: 'Moves that are being made, and what became of the last ones',
    responses: { 200: document },
  },
  [],
);

const rebalance = defineOperation(
  {
    method: 'post',
    path: '/api/v1/rebalance',
    operationId: 'rebalance',
    summary: 'Move tasks where that gains more than it disturbs, one after another',
    request: {
      body: {
        required: true,
        content: { 'application/json': { schema: rebalanceRequestSchema } },
      },
    },
    responses: { 200: document },
  },
  ['USAGE', 'REFUSED', 'STATE_UNWRITABLE', 'STATE_FULL'],
);

export const rebalanceOperations = [getRebalance, rebalance] as const;

export function addRebalanceRoutes(api: OpenAPIHono<ApiEnv>): void {
  api.openapi(getRebalance, (c) => c.json(c.get('site').rebalancing(), 200));
  api.openapi(rebalance, async (c) => {
    const site = c.get('site');
    const outcome = await site.rebalance(c.req.valid('json'));
    if ('code' in outcome) {
      const sentence = refusalSentence(outcome, site.status().now as TimeMs);
      throw new OperationError('REFUSED', `Refused: ${sentence}.`, { ...outcome });
    }
    return c.json(outcome, 200);
  });
}
