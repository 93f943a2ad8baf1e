import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { OperationError } from '../../model/errors.ts';
import { parseAttemptId } from '../../model/ids.ts';
import { parseSpan } from '../../spec/quantities.ts';
import {
  doctorFlowSchema,
  doctorFlows,
  profileSchema,
  regressionListSchema,
} from '../contract/doctor-documents.ts';
import { doctorReportSchema } from '../contract/telemetry-documents.ts';
import { onlyOf } from './access.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { since, spanOf as sinceSpan } from './money-routes.ts';
import { defineOperation } from './operation.ts';
import { quote } from './params.ts';
import { notFound } from './problem.ts';

const WINDOW_MS_MAX = 7 * 86_400_000;
const WINDOW_MS_MIN = 5_000;
const PROFILE_MS_MAX = 300_000;
const PROFILE_MS_MIN = 200;

const window = z
  .string()
  .max(64)
  .default('10m')
  .openapi({ description: 'So far back: `10s`, `10m`, `1h`; from 5 s to 7 days' });
const attemptParams = z.object({ id: z.string().max(256) });
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const readDoctor = defineOperation(
  {
    method: 'get',
    path: '/api/v1/doctor',
    operationId: 'diagnose',
    summary: 'What is short, who causes it, who suffers, and what to do; every resource is told of',
    request: { query: z.object({ window }) },
    responses: { 200: { description: 'The worst first', content: json(doctorReportSchema) } },
  },
  ['USAGE'],
);

const readFlow = defineOperation(
  {
    method: 'get',
    path: '/api/v1/doctor/flows/{flow}',
    operationId: 'walkDoctorFlow',
    summary: 'The questions that a person would ask about one trouble, with answers',
    request: { params: z.object({ flow: z.enum(doctorFlows) }), query: z.object({ window }) },
    responses: { 200: { description: 'Step by step', content: json(doctorFlowSchema) } },
  },
  ['USAGE'],
);

const readRegressions = defineOperation(
  {
    method: 'get',
    path: '/api/v1/doctor/regressions',
    operationId: 'findRegressions',
    summary: 'What is worse than it was and stays so, the likely cause in seven layers, what to do',
    request: { query: z.object({ since }) },
    responses: { 200: { description: 'The worst first', content: json(regressionListSchema) } },
  },
  ['USAGE'],
);

const readProfile = defineOperation(
  {
    method: 'get',
    path: '/api/v1/attempts/{id}/profile',
    operationId: 'profileAttempt',
    summary: 'What an attempt that runs does for some seconds, and what bounds it',
    request: {
      params: attemptParams,
      query: z.object({
        for: z
          .string()
          .max(64)
          .default('10s')
          .openapi({ description: 'So long: `500ms`, `10s`; at most 5 minutes' }),
      }),
    },
    responses: { 200: { description: 'Answered at its end', content: json(profileSchema) } },
  },
  ['USAGE', 'NOT_FOUND', 'BUSY'],
);

export const doctorOperations = [readDoctor, readFlow, readRegressions, readProfile] as const;

export function addDoctorRoutes(api: OpenAPIHono<ApiEnv>, { doctor }: ApiDeps): void {
  api.openapi(readDoctor, async (c) => {
    const span = windowOf(c.req.valid('query').window);
    return c.json(await doctor.report(span, onlyOf(c.var.identity)), 200);
  });
  api.openapi(readFlow, async (c) => {
    const span = windowOf(c.req.valid('query').window);
    const { flow } = c.req.valid('param');
    return c.json(await doctor.flow(flow, span, onlyOf(c.var.identity)), 200);
  });
  api.openapi(readRegressions, async (c) => {
    const span = sinceSpan(c.req.valid('query').since);
    return c.json(await doctor.regressions(span, onlyOf(c.var.identity)), 200);
  });
  api.openapi(readProfile, async (c) => {
    const attempt = c.req.valid('param').id;
    const span = spanOf('for', c.req.valid('query').for, [PROFILE_MS_MIN, PROFILE_MS_MAX]);
    const workload = parseAttemptId(attempt)?.workload;
    // What he may not see is not there.
    const isSeen = workload !== undefined && c.var.site.owner(workload) !== undefined;
    const profile = isSeen ? await doctor.profile(attempt, span) : undefined;
    if (profile === undefined) throw notFound(`a running attempt ${quote(attempt)}`);
    return c.json(profile, 200);
  });
}

const windowOf = (written: string): number =>
  spanOf('window', written, [WINDOW_MS_MIN, WINDOW_MS_MAX]);

function spanOf(name: string, written: string, [min, max]: readonly [number, number]): number {
  const parsed = parseSpan(written);
  if (parsed.ok && parsed.value >= min && parsed.value <= max) return parsed.value;
  const hint = `A span from ${min} ms to ${Math.round(max / 1_000)} s, such as 10s.`;
  throw new OperationError('USAGE', `query ${name}: not a span to look over.`, { hint });
}
