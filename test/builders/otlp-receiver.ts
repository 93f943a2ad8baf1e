import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';

/** The JSON of OTLP 1, as its mapping has it: what is not in it is an error, and so is a number where a text belongs. */

const int64 = z.string().regex(/^(0|[1-9]\d{0,19})$/);
const nanos = z.string().regex(/^[1-9]\d{15,19}$/);
const value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ doubleValue: z.number() }),
]);
const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value }))
  .refine((all) => new Set(all.map(({ key }) => key)).size === all.length, 'a key twice');
const resource = z.strictObject({ attributes });
const scope = z.strictObject({ name: z.string().min(1), version: z.string() });

const numberPoint = z.strictObject({
  attributes,
  startTimeUnixNano: nanos.optional(),
  timeUnixNano: nanos,
  asDouble: z.number(),
});
const histogramPoint = z
  .strictObject({
    attributes,
    startTimeUnixNano: nanos,
    timeUnixNano: nanos,
    count: int64,
    sum: z.number(),
    bucketCounts: z.array(int64),
    explicitBounds: z.array(z.number()),
  })
  .refine(
    ({ count, bucketCounts }) =>
      bucketCounts.reduce((sum, one) => sum + BigInt(one), 0n) === BigInt(count),
    'buckets have all that is counted',
  )
  .refine(
    ({ bucketCounts, explicitBounds }) => bucketCounts.length === explicitBounds.length + 1,
    'one bucket more than bounds',
  )
  .refine(
    ({ explicitBounds }) =>
      explicitBounds.every((one, i) => i === 0 || one > explicitBounds[i - 1]!),
    'bounds ascend',
  );
const temporality = z.literal(2);
const monotonic = z.strictObject({
  aggregationTemporality: temporality,
  isMonotonic: z.literal(true),
  dataPoints: z.array(numberPoint.required()).min(1),
});
const upDown = z.strictObject({
  aggregationTemporality: temporality,
  isMonotonic: z.literal(false),
  dataPoints: z.array(numberPoint).min(1),
});
const head = {
  name: z.string().min(1),
  description: z.string(),
  unit: z.string().min(1).optional(),
};
const metric = z.union([
  z.strictObject({ ...head, gauge: z.strictObject({ dataPoints: z.array(numberPoint).min(1) }) }),
  z.strictObject({ ...head, sum: z.union([monotonic, upDown]) }),
  z.strictObject({
    ...head,
    histogram: z.strictObject({
      aggregationTemporality: temporality,
      dataPoints: z.array(histogramPoint).min(1),
    }),
  }),
]);
const metricsRequest = z.strictObject({
  resourceMetrics: z
    .array(
      z.strictObject({
        resource,
        scopeMetrics: z.array(z.strictObject({ scope, metrics: z.array(metric).min(1) })).min(1),
      }),
    )
    .min(1),
});

const span = z
  .strictObject({
    traceId: z.string().regex(/^(?!0+$)[0-9a-f]{32}$/),
    spanId: z.string().regex(/^(?!0+$)[0-9a-f]{16}$/),
    parentSpanId: z
      .string()
      .regex(/^(?!0+$)[0-9a-f]{16}$/)
      .optional(),
    name: z.string().min(1),
    kind: z.int().min(1).max(5),
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes,
    status: z.strictObject({ code: z.int().min(0).max(2), message: z.string().optional() }),
  })
  .refine(
    (one) => BigInt(one.startTimeUnixNano) <= BigInt(one.endTimeUnixNano),
    'ends after start',
  );
const tracesRequest = z.strictObject({
  resourceSpans: z
    .array(
      z.strictObject({
        resource,
        scopeSpans: z.array(z.strictObject({ scope, spans: z.array(span).min(1) })).min(1),
      }),
    )
    .min(1),
});

type OtlpPoint = z.output<typeof numberPoint> | z.output<typeof histogramPoint>;

/** Fails for a request that a collector would not take as it is meant. */
export function checkedMetrics(request: unknown) {
  const parsed = metricsRequest.parse(request);
  const metrics = parsed.resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap((one) => one.metrics),
  );
  for (const one of metrics) {
    const points: readonly OtlpPoint[] =
      'gauge' in one
        ? one.gauge.dataPoints
        : 'sum' in one
          ? one.sum.dataPoints
          : one.histogram.dataPoints;
    const ids = points.map((point) =>
      JSON.stringify([...point.attributes].sort((a, b) => (a.key < b.key ? -1 : 1))),
    );
    assert.equal(new Set(ids).size, ids.length, `two points of one series of ${one.name}`);
    for (const { startTimeUnixNano: start, timeUnixNano: time } of points) {
      if (start !== undefined) assert.ok(BigInt(start) <= BigInt(time), `${one.name} starts late`);
    }
  }
  const names = metrics.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, 'a metric is there once');
  return { metrics, resource: parsed.resourceMetrics[0]!.resource };
}

export function checkedTraces(request: unknown) {
  const parsed = tracesRequest.parse(request);
  const spans = parsed.resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap((one) => one.spans),
  );
  const ids = new Set(spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`));
  assert.equal(ids.size, spans.length, 'a span is there once');
  return { spans, resource: parsed.resourceSpans[0]!.resource };
}

interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** It never answers. */
  readonly hangs?: boolean;
}

/** A receiver of OTLP/HTTP that takes nothing but what is right, and answers as it is told. */
export async function otlpReceiver(t: TestContext, port = 0) {
  const asked: Asked[] = [];
  /** The next ones first; 200 where none is left. */
  const answers: Answer[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { headers, url: path = '' } = request;
      const { status, headers: own, body = {}, hangs } = answers.shift() ?? { status: 200 };
      const raw = Buffer.concat(parts);
      const text = headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      asked.push({ path, headers, body: JSON.parse(text.toString('utf8')) as unknown });
      if (hangs !== true) {
        response.writeHead(status, { 'content-type': 'application/json', ...own });
        response.end(JSON.stringify(body));
      }
      server.emit('asked');
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  t.after(close);
  /** Resolves once so many requests came to the path. */
  const heard = async (path: string, count: number): Promise<readonly Asked[]> => {
    for (;;) {
      const found = asked.filter((one) => one.path === path);
      if (found.length >= count) return found;
      await once(server, 'asked');
    }
  };
  const { port: own } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${own}`, port: own, asked, answers, heard, close };
}
