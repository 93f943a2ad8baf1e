import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import { OperationError } from '../../model/errors.ts';
import { parseSpan } from '../../spec/quantities.ts';
import { type ExportStep, exportFormats, exportSteps } from '../contract/metric-site.ts';
import {
  metricDriftSchema,
  metricHistorySchema,
  metricListSchema,
} from '../contract/telemetry-documents.ts';
import { onlyOf } from './access.ts';
import type { ApiDeps, ApiEnv } from './api-env.ts';
import { defineOperation } from './operation.ts';
import { integer, quote } from './params.ts';
import { notFound } from './problem.ts';

const WINDOW_MAX_MS = 731 * 86_400_000;
const POINTS_MAX = 2_000;
const SERIES_MAX = 1_000;
/** Points of all series together: some MiB of JSON. */
const CELLS_MAX = 100_000;
const NAMES_MAX = 100;

const name = z.string().min(1).max(256);
const span = (start: string) =>
  z
    .string()
    .max(64)
    .default(start)
    .openapi({ description: 'So far back: `90s`, `15m`, `24h`, `30d`; at most 731 days' });
const list = (what: z.ZodString) =>
  z.union([what.transform((one) => [one]), z.array(what).max(NAMES_MAX)]).default([]);
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const labels = list(z.string().max(512)).openapi({
  type: 'array',
  items: { type: 'string' },
  description: '`key=value`, several times: series that have all of them',
});

const listMetrics = defineOperation(
  {
    method: 'get',
    path: '/api/v1/metrics',
    operationId: 'listMetrics',
    summary: 'All that is measured, with its newest values; of a counter also its rate',
    request: {
      query: z.object({
        name: name.optional().openapi({ description: 'This one only, or that of its rate' }),
        series_max: integer({ minimum: 0, maximum: SERIES_MAX, default: 100 }),
      }),
    },
    responses: { 200: { description: 'By name', content: json(metricListSchema) } },
  },
  ['USAGE'],
);

const readHistory = defineOperation(
  {
    method: 'get',
    path: '/api/v1/metrics/history',
    operationId: 'readMetricHistory',
    summary: 'What was measured over time, those series first that have the greatest mean',
    request: {
      query: z.object({
        name: name.openapi({ description: 'Of a counter its rate is told' }),
        label: labels,
        window: span('1h'),
        points: integer({ minimum: 1, maximum: POINTS_MAX, default: 240 }),
        series: integer({ minimum: 1, maximum: SERIES_MAX, default: 50 }),
      }),
    },
    responses: {
      200: { description: 'Columns of one grid', content: json(metricHistorySchema) },
    },
  },
  ['USAGE', 'NOT_FOUND'],
);

const exportMetrics = defineOperation(
  {
    method: 'get',
    path: '/api/v1/metrics/export',
    operationId: 'exportMetrics',
    summary: 'History as one file: CSV, or one JSON document with the meaning of its columns',
    request: {
      query: z.object({
        name: list(name).openapi({
          type: 'array',
          items: { type: 'string' },
          description: 'Several times; all when there is none',
        }),
        since: span('24h'),
        step: z.enum(Object.keys(exportSteps) as [ExportStep, ...ExportStep[]]).default('1m'),
        format: z.enum(exportFormats).default('csv'),
      }),
    },
    responses: {
      200: {
        description: 'By name and series, oldest first',
        content: {
          'text/csv': { schema: z.string() },
          'application/json': { schema: z.unknown() },
        },
      },
    },
  },
  ['USAGE'],
);

const readDrift = defineOperation(
  {
    method: 'get',
    path: '/api/v1/metrics/drift',
    operationId: 'readMetricDrift',
    summary: 'Whether the values of a metric are distributed as they were: KS and PSI',
    request: {
      query: z.object({
        name: name.openapi({ description: 'Of a counter its rate is told' }),
        label: labels,
        before: span('7d'),
        after: span('1d'),
      }),
    },
    responses: {
      200: {
        description: 'The newest `after`, against the `before` that came before it',
        content: json(metricDriftSchema),
      },
    },
  },
  ['USAGE', 'NOT_FOUND'],
);

export const metricOperations = [listMetrics, readHistory, readDrift, exportMetrics] as const;

export function addMetricRoutes(api: OpenAPIHono<ApiEnv>, { metrics }: ApiDeps): void {
  api.openapi(listMetrics, (c) => {
    const { name, series_max: seriesMax } = c.req.valid('query');
    return c.json(metrics.metrics({ name, seriesMax }, onlyOf(c.var.identity)), 200);
  });
  api.openapi(readHistory, (c) => {
    const { name, label, window, points, series } = c.req.valid('query');
    if (points * series > CELLS_MAX) {
      throw new OperationError(
        'USAGE',
        `query points: at most ${CELLS_MAX} points of all series together.`,
      );
    }
    const asked = {
      name,
      labels: Object.fromEntries(label.map(labelOf)),
      windowMs: spanOf('window', window),
      pointsMax: points,
      seriesMax: series,
    };
    const found = metrics.history(asked, onlyOf(c.var.identity));
    if (found === undefined) throw notFound(`metric ${quote(name)}`);
    return c.json(found, 200);
  });
  api.openapi(readDrift, (c) => {
    const { name, label, before, after } = c.req.valid('query');
    const asked = {
      name,
      labels: Object.fromEntries(label.map(labelOf)),
      beforeMs: spanOf('before', before),
      afterMs: spanOf('after', after),
    };
    const found = metrics.drift(asked, onlyOf(c.var.identity));
    if (found === undefined) throw notFound(`metric ${quote(name)}`);
    return c.json(found, 200);
  });
  api.openapi(exportMetrics, (c) => {
    const { name: names, since, step, format } = c.req.valid('query');
    const asked = { names, sinceMs: spanOf('since', since), step, format };
    const body = streamOf(metrics.exported(asked, onlyOf(c.var.identity)));
    return new Response(body, { headers: { 'content-type': contentTypes[format] } }) as never;
  });
}

const contentTypes = { csv: 'text/csv; charset=utf-8', json: 'application/json' } as const;

/** Makes the next piece when the one before is sent: however much it is, little of it is in memory. */
function streamOf(pieces: Iterable<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const iterator = pieces[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: () => void iterator.return?.(),
  });
}

function labelOf(written: string): readonly [string, string] {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(written) ?? [];
  if (key !== undefined && value !== undefined) return [key, value];
  throw new OperationError('USAGE', `query label: ${quote(written)} is not key=value.`);
}

function spanOf(parameter: string, written: string): number {
  const parsed = parseSpan(written);
  if (parsed.ok && parsed.value > 0 && parsed.value <= WINDOW_MAX_MS) return parsed.value;
  throw new OperationError(
    'USAGE',
    `query ${parameter}: a span such as 15m, 24h or 30d, at most 731d.`,
  );
}
