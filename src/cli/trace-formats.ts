import { createHash } from 'node:crypto';
import {
  type OtlpOrigin,
  otlpAttributes,
  otlpNanos,
  otlpResource,
  otlpScope,
} from '../base/otlp-json.ts';
import type { Span, Trace } from './trace.ts';

/** So many hexadecimal digits, the same for the same words. */
const hexOf = (words: string, digits: number): string =>
  createHash('sha256').update(words).digest('hex').slice(0, digits);

const traceId = ({ workload, from }: Trace): string => hexOf(`berth ${workload} ${from}`, 32);
const spanId = (trace: Trace, span: string): string => hexOf(`${traceId(trace)} ${span}`, 16);

const SPAN_KIND_INTERNAL = 1;
const STATUS = { unset: 0, ok: 1, error: 2 } as const;

/** An ExportTraceServiceRequest of OpenTelemetry 1, as JSON: what a collector takes at /v1/traces. */
export const otlpTrace = (trace: Trace, version: string): object =>
  otlpRequest(otlpSpans(trace), { version, attributes: {} });

/** Spans of any number of traces, all of one daemon. */
export const otlpRequest = (spans: readonly object[], origin: OtlpOrigin): object => ({
  resourceSpans: [
    { resource: otlpResource(origin), scopeSpans: [{ scope: otlpScope(origin), spans }] },
  ],
});

export const otlpSpans = (trace: Trace): readonly object[] =>
  trace.spans.map((span) => ({
    traceId: traceId(trace),
    spanId: spanId(trace, span.id),
    ...(span.parent !== undefined && { parentSpanId: spanId(trace, span.parent) }),
    name: span.name,
    kind: SPAN_KIND_INTERNAL,
    startTimeUnixNano: otlpNanos(span.from),
    endTimeUnixNano: otlpNanos(span.to),
    attributes: otlpAttributes({ 'berth.span': span.kind, ...span.attributes }),
    status: statusOf(span),
  }));

function statusOf({ failure, isOpen }: Span) {
  if (failure !== undefined) return { code: STATUS.error, message: failure };
  return { code: isOpen ? STATUS.unset : STATUS.ok };
}

/** What the page of Jaeger reads from a file. */
export function jaegerTrace(trace: Trace): unknown {
  const traceID = traceId(trace);
  const spans = trace.spans.map((span) => ({
    traceID,
    spanID: spanId(trace, span.id),
    operationName: span.name,
    references:
      span.parent === undefined
        ? []
        : [{ refType: 'CHILD_OF', traceID, spanID: spanId(trace, span.parent) }],
    startTime: span.from * 1_000,
    duration: (span.to - span.from) * 1_000,
    tags: [
      ...Object.entries({ 'berth.span': span.kind, ...span.attributes }).map(([key, value]) => ({
        key,
        type: typeof value === 'number' ? 'int64' : 'string',
        value,
      })),
      ...(span.failure === undefined ? [] : [{ key: 'error', type: 'bool', value: true }]),
    ],
    logs: [],
    processID: 'p1',
  }));
  return { data: [{ traceID, spans, processes: { p1: { serviceName: 'berth', tags: [] } } }] };
}
