import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import type { TimeMs } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import type { TenantId } from '../../model/ids.ts';
import {
  submittedSchema,
  whySchema,
  workloadListSchema,
  workloadSchema,
} from '../contract/documents.ts';
import type { Asker } from '../contract/views.ts';
import { refusalSentence } from '../views/sentences.ts';
import type { ApiDeps, ApiEnv, Identity } from './api-env.ts';
import { defineOperation } from './operation.ts';
import { listQuery, quote, submitQuery, workloadIdOf, workloadParams } from './params.ts';
import { notFound } from './problem.ts';
import { documentBody, parseBody } from './submitted-document.ts';

const submitWorkload = defineOperation(
  {
    method: 'post',
    path: '/api/v1/workloads',
    operationId: 'submitWorkload',
    summary: 'Submit a workload, as the text of its document',
    request: {
      query: submitQuery,
      body: documentBody,
    },
    responses: {
      201: {
        description: 'Accepted and durable',
        content: { 'application/json': { schema: submittedSchema } },
      },
      202: {
        description:
          'Accepted and durable, and waits on disk until its queue has room; its id stays the same',
        content: { 'application/json': { schema: submittedSchema } },
      },
    },
  },
  ['USAGE', 'SPEC_INVALID', 'REFUSED', 'BODY_TOO_LARGE', 'STATE_UNWRITABLE', 'STATE_FULL'],
);

const listWorkloads = defineOperation(
  {
    method: 'get',
    path: '/api/v1/workloads',
    operationId: 'listWorkloads',
    summary: 'Workloads, newest first',
    request: { query: listQuery },
    responses: {
      200: {
        description: 'A page of them, and how many there are',
        content: { 'application/json': { schema: workloadListSchema } },
      },
    },
  },
  ['USAGE', 'NOT_FOUND'],
);

const getWorkload = defineOperation(
  {
    method: 'get',
    path: '/api/v1/workloads/{id}',
    operationId: 'getWorkload',
    summary: 'One workload with its steps and attempts',
    request: { params: workloadParams },
    responses: {
      200: {
        description: 'The workload as it is now',
        content: { 'application/json': { schema: workloadSchema } },
      },
    },
  },
  ['NOT_FOUND'],
);

const explainWorkload = defineOperation(
  {
    method: 'get',
    path: '/api/v1/workloads/{id}/why',
    operationId: 'explainWorkload',
    summary: 'Why it waits, or why it ended as it did',
    request: { params: workloadParams },
    responses: {
      200: {
        description: 'In a sentence, and step by step',
        content: { 'application/json': { schema: whySchema } },
      },
    },
  },
  ['NOT_FOUND'],
);

const getSource = defineOperation(
  {
    method: 'get',
    path: '/api/v1/workloads/{id}/source',
    operationId: 'getWorkloadSource',
    summary: 'The document as it was submitted',
    request: { params: workloadParams },
    responses: {
      200: {
        description: 'Its text, unchanged',
        content: { 'text/plain': { schema: z.string() } },
      },
    },
  },
  ['NOT_FOUND'],
);

const cancelWorkload = defineOperation(
  {
    method: 'post',
    path: '/api/v1/workloads/{id}/cancel',
    operationId: 'cancelWorkload',
    summary: 'Stop what runs of it and start nothing more',
    request: { params: workloadParams },
    responses: {
      202: { description: 'Asked for; one that has ended already stays as it is' },
    },
  },
  ['NOT_FOUND', 'STATE_UNWRITABLE', 'STATE_FULL'],
);

export const workloadOperations = [
  submitWorkload,
  listWorkloads,
  getWorkload,
  explainWorkload,
  getSource,
  cancelWorkload,
] as const;

export function addWorkloadRoutes(api: OpenAPIHono<ApiEnv>, { parse }: ApiDeps): void {
  api.openapi(submitWorkload, async (c) => {
    const query = c.req.valid('query');
    const by = askerOf(c.get('identity'), query.tenant);
    const { spec, warnings } = await parseBody(c.req.raw, query, parse);
    const outcome = await c.get('site').submit(spec, by);
    if (outcome.kind === 'refused') {
      const sentence = refusalSentence(outcome.refusal, c.get('site').status().now as TimeMs);
      throw new OperationError('REFUSED', `Refused: ${sentence}.`, { ...outcome.refusal });
    }
    const location = `/api/v1/workloads/${outcome.id}`;
    const submitted = { id: outcome.id, name: spec.name, warnings: [...warnings] };
    if (outcome.kind === 'accepted') return c.json(submitted, 201, { location });
    const { queue, ahead } = outcome;
    return c.json({ ...submitted, spilled: { queue, ahead } }, 202, { location });
  });

  api.openapi(listWorkloads, async (c) => {
    const query = c.req.valid('query');
    if (query.starts) await c.get('site').lookAhead();
    return c.json(c.get('site').workloads(query), 200);
  });

  api.openapi(getWorkload, async (c) => {
    const { id } = c.req.valid('param');
    await c.get('site').lookAhead(workloadIdOf(id));
    return c.json(c.get('site').workload(workloadIdOf(id)) ?? missing(id), 200);
  });

  api.openapi(explainWorkload, async (c) => {
    const { id } = c.req.valid('param');
    await c.get('site').lookAhead(workloadIdOf(id));
    return c.json(c.get('site').why(workloadIdOf(id)) ?? missing(id), 200);
  });

  api.openapi(getSource, (c) => {
    const { id } = c.req.valid('param');
    return c.text(c.get('site').source(workloadIdOf(id)) ?? missing(id), 200);
  });

  api.openapi(cancelWorkload, async (c) => {
    const { id } = c.req.valid('param');
    const known = await c.get('site').cancel(workloadIdOf(id), c.get('identity'));
    return known ? c.body(null, 202) : missing(id);
  });
}

function askerOf(identity: Identity, wanted: TenantId | undefined): Asker {
  if (wanted === undefined || wanted === identity.tenant) return identity;
  if (identity.role === 'admin') return { ...identity, tenant: wanted };
  const whom = `${quote(identity.tenant)} may not submit for ${quote(wanted)}.`;
  throw new OperationError('FORBIDDEN', whom);
}

function missing(id: string): never {
  throw notFound(`workload ${quote(id)}`);
}
