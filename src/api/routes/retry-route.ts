import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { TimeMs } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import { submittedSchema } from '../contract/documents.ts';
import { refusalSentence } from '../views/sentences.ts';
import type { ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';
import { quote, workloadIdOf, workloadParams } from './params.ts';
import { notFound } from './problem.ts';

const retryQuery = z.object({
  from: z
    .enum(['failed', 'start'])
    .default('failed')
    .describe('`failed` takes over the steps that succeeded; `start` runs all of them again'),
});

const retryWorkload = defineOperation(
  {
    method: 'post',
    path: '/api/v1/workloads/{id}/retry',
    operationId: 'retryWorkload',
    summary: 'Run a job or a pipeline that has ended again, in the same working folder',
    request: { params: workloadParams, query: retryQuery },
    responses: {
      201: {
        description: 'A new workload of the same document, accepted and durable',
        content: { 'application/json': { schema: submittedSchema } },
      },
    },
  },
  ['USAGE', 'NOT_FOUND', 'REFUSED', 'STATE_UNWRITABLE', 'STATE_FULL'],
);

export const retryOperations = [retryWorkload] as const;

export function addRetryRoute(api: OpenAPIHono<ApiEnv>): void {
  api.openapi(retryWorkload, async (c) => {
    const { id } = c.req.valid('param');
    const site = c.get('site');
    const afresh = c.req.valid('query').from === 'start';
    const outcome = await site.retry(workloadIdOf(id), c.get('identity'), afresh);
    if (outcome.kind === 'refused') {
      const { refusal } = outcome;
      if (refusal.code === 'no-such-workload') throw notFound(`workload ${quote(id)}`);
      const sentence = refusalSentence(refusal, site.status().now as TimeMs);
      throw new OperationError('REFUSED', `Refused: ${sentence}.`, { ...refusal });
    }
    const name = site.workload(outcome.id)?.workload.name ?? '';
    const location = `/api/v1/workloads/${outcome.id}`;
    return c.json({ id: outcome.id, name, warnings: [] }, 201, { location });
  });
}
