import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import type { TimeMs } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import { adjustRequestSchema } from '../../spec/adjust-request.ts';
import type { LiveChange, Site } from '../contract/views.ts';
import { refusalSentence } from '../views/sentences.ts';
import type { ApiEnv } from './api-env.ts';
import { readText } from './body.ts';
import { defineOperation } from './operation.ts';
import { quote, workloadIdOf, workloadParams } from './params.ts';
import { notFound } from './problem.ts';

const { $schema: _, ...published } = z.toJSONSchema(adjustRequestSchema, { io: 'input' });
const problems = ['NOT_FOUND', 'REFUSED', 'STATE_UNWRITABLE', 'STATE_FULL'] as const;

const adjustWorkload = defineOperation(
  {
    method: 'post',
    path: '/api/v1/workloads/{id}/adjust',
    operationId: 'adjustWorkload',
    summary: 'Give what runs of it more or less, all or nothing',
    request: {
      params: workloadParams,
      body: { required: true, content: { 'application/json': { schema: published as object } } },
    },
    responses: {
      202: { description: 'Decided and durable; what held stands in `terms` of each attempt' },
    },
  },
  ['USAGE', 'BODY_TOO_LARGE', ...problems],
);

const pauseWorkload = defineOperation(
  {
    method: 'post',
    path: '/api/v1/workloads/{id}/pause',
    operationId: 'pauseWorkload',
    summary: 'Let what runs of it stand still; it keeps all that it holds',
    request: { params: workloadParams },
    responses: { 202: { description: 'Decided and durable' } },
  },
  problems,
);

const resumeWorkload = defineOperation(
  {
    method: 'post',
    path: '/api/v1/workloads/{id}/resume',
    operationId: 'resumeWorkload',
    summary: 'Let what is paused of it go on',
    request: { params: workloadParams },
    responses: { 202: { description: 'Decided and durable' } },
  },
  problems,
);

export const liveOperations = [adjustWorkload, pauseWorkload, resumeWorkload] as const;

export function addLiveRoutes(api: OpenAPIHono<ApiEnv>): void {
  api.openapi(adjustWorkload, async (c) => {
    const { id } = c.req.valid('param');
    const asked = await readRequest(c.req.raw);
    const by = c.get('identity').tenant;
    await change(c.get('site'), id, { kind: 'adjust', by, workload: workloadIdOf(id), ...asked });
    return c.body(null, 202);
  });
  for (const [route, kind] of pauses) {
    api.openapi(route, async (c) => {
      const { id } = c.req.valid('param');
      const by = c.get('identity').tenant;
      await change(c.get('site'), id, { kind, by, workload: workloadIdOf(id) });
      return c.body(null, 202);
    });
  }
}

const pauses = [
  [pauseWorkload, 'pause'],
  [resumeWorkload, 'unpause'],
] as const;

async function change(site: Site, id: string, asked: LiveChange): Promise<void> {
  const outcome = await site.change(asked);
  if (outcome.kind === 'done') return;
  const { refusal } = outcome;
  if (refusal.code === 'no-such-workload') throw notFound(`workload ${quote(id)}`);
  const sentence = refusalSentence(refusal, site.status().now as TimeMs);
  throw new OperationError('REFUSED', `Refused: ${sentence}.`, { ...refusal });
}

type Adjustment = Omit<Extract<LiveChange, { kind: 'adjust' }>, 'kind' | 'by' | 'workload'>;

async function readRequest(request: Request): Promise<Adjustment> {
  let body: unknown;
  try {
    body = JSON.parse(await readText(request));
  } catch (cause) {
    if (cause instanceof OperationError) throw cause;
    throw new OperationError('USAGE', 'The body is not JSON.', {}, cause);
  }
  const read = adjustRequestSchema.safeParse(body);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new OperationError('USAGE', `${issue!.path.join('.') || 'The body'}: ${issue!.message}.`);
  }
  if (Object.keys(read.data).every((key) => key === 'step' || key === 'task')) {
    throw new OperationError('USAGE', 'Nothing is to be changed: name an amount.');
  }
  // What is absent is not there, and not undefined.
  return read.data as Adjustment;
}
