import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { TimeMs } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import { submittedSchema } from '../contract/documents.ts';
import { scaleRequestSchema, serviceSchema } from '../contract/service-documents.ts';
import type { ChangeOutcome, Site } from '../contract/views.ts';
import { refusalSentence } from '../views/sentences.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { readText } from './body.ts';
import { defineOperation } from './operation.ts';
import { quote, submitQuery, workloadIdOf, workloadParams } from './params.ts';
import { notFound } from './problem.ts';
import { documentBody, parseBody } from './submitted-document.ts';

// Published only: the body is read as text, whatever type it says it is of.
const { $schema: _, ...scaleBody } = z.toJSONSchema(scaleRequestSchema);

const scaleService = defineOperation(
  {
    method: 'post',
    path: '/api/v1/workloads/{id}/scale',
    operationId: 'scaleService',
    summary: 'Want another number of replicas of a service',
    request: {
      params: workloadParams,
      body: { required: true, content: { 'application/json': { schema: scaleBody as object } } },
    },
    responses: {
      200: {
        description: 'The service as it is now',
        content: { 'application/json': { schema: serviceSchema } },
      },
    },
  },
  ['USAGE', 'NOT_FOUND', 'REFUSED', 'BODY_TOO_LARGE', 'STATE_UNWRITABLE', 'STATE_FULL'],
);

const updateService = defineOperation(
  {
    method: 'post',
    path: '/api/v1/workloads/{id}/update',
    operationId: 'updateService',
    summary: 'Bring a new revision of a service, as the text of its document',
    request: { params: workloadParams, query: submitQuery, body: documentBody },
    responses: {
      202: {
        description: 'Durable; its replicas move to the revision from now on',
        content: { 'application/json': { schema: submittedSchema } },
      },
    },
  },
  [
    'USAGE',
    'SPEC_INVALID',
    'NOT_FOUND',
    'REFUSED',
    'BODY_TOO_LARGE',
    'STATE_UNWRITABLE',
    'STATE_FULL',
  ],
);

function readScale(text: string): z.infer<typeof scaleRequestSchema> {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch (cause) {
    throw new OperationError('USAGE', 'The body is not JSON.', {}, cause);
  }
  const parsed = scaleRequestSchema.safeParse(written);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new OperationError('USAGE', `body ${path.join('.')}: ${message}.`);
}

export const serviceOperations = [scaleService, updateService] as const;

export function addServiceRoutes(api: OpenAPIHono<ApiEnv>, { parse }: ApiDeps): void {
  api.openapi(scaleService, async (c) => {
    const { id } = c.req.valid('param');
    const { replicas } = readScale(await readText(c.req.raw));
    const site = c.get('site');
    check(id, await site.scale(workloadIdOf(id), replicas), site);
    const document = site.workload(workloadIdOf(id))?.service;
    if (document === undefined) throw notFound(`workload ${quote(id)}`);
    return c.json(document, 200);
  });

  api.openapi(updateService, async (c) => {
    const { id } = c.req.valid('param');
    const { spec, warnings } = await parseBody(c.req.raw, c.req.valid('query'), parse);
    const site = c.get('site');
    check(id, await site.update(workloadIdOf(id), spec), site);
    return c.json({ id, name: spec.name, warnings: [...warnings] }, 202);
  });
}

function check(id: string, outcome: ChangeOutcome, site: Site): void {
  if (outcome.kind === 'done') return;
  const { refusal } = outcome;
  if (refusal.code === 'no-such-workload') throw notFound(`workload ${quote(id)}`);
  const sentence = refusalSentence(refusal, site.status().now as TimeMs);
  throw new OperationError('REFUSED', `Refused: ${sentence}.`, { ...refusal });
}
