import type { OpenAPIHono } from '@hono/zod-openapi';
import { OperationError } from '../../model/errors.ts';
import { whatIfRequestSchema, whatIfSchema } from '../contract/what-if-documents.ts';
import { onlyOf } from './access.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';

const askWhatIf = defineOperation(
  {
    method: 'post',
    path: '/api/v1/whatif',
    operationId: 'askWhatIf',
    summary: 'What a change would do to waits, shares and money; nothing is changed',
    request: {
      body: { required: true, content: { 'application/json': { schema: whatIfRequestSchema } } },
    },
    responses: {
      200: {
        description: 'Two futures, or two pasts, and how they differ',
        content: { 'application/json': { schema: whatIfSchema } },
      },
    },
  },
  ['USAGE', 'SPEC_INVALID', 'NOT_FOUND', 'REFUSED', 'BUSY'],
);

export const whatIfOperations = [askWhatIf] as const;

export function addWhatIfRoutes(api: OpenAPIHono<ApiEnv>, { whatIf }: ApiDeps): void {
  api.openapi(askWhatIf, async (c) => {
    const asked = c.req.valid('json');
    const { identity } = c.var;
    const others = asked.submit.some(({ tenant = identity.tenant }) => tenant !== identity.tenant);
    if (others && identity.role !== 'admin') {
      throw new OperationError('FORBIDDEN', 'Only an admin may submit for others.');
    }
    const by = { tenant: identity.tenant, only: onlyOf(identity) };
    return c.json(await whatIf.whatIf(asked, by), 200);
  });
}
