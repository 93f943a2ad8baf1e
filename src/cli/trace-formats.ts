import { createHash } from 'node:crypto';
import type { Span, Trace } from './trace.ts';

/** So many hexadecimal digits, the same for the same words. */
const hexOf = (words: string, digits: number): string =>
  createHash('sha256').update(words).digest('hex').slice(0, digits);

const traceId = ({ workload, from }: Trace): string => hexOf(`berth ${workload} ${from}`, 32);
const spanId = (trace: Trace, span: string): string => hexOf(`${traceId(trace)} ${span}`, 16);

const SPAN_KIND_INTERNAL = 1;
const STATUS = { unset: 0, ok: 1, error: 2 } as const;

/** An ExportTraceServiceRequest of OpenTelemetry 1, as JSON: what a collector takes at /v1/traces. */
export function otlpTrace(trace: Trace, version: string): unknown {
  const resource = {
    attributes: attributesOf({ 'service.name': 'berth', 'service.version': version }),
  };
  const spans = trace.spans.map((span) => ({
    traceId: traceId(trace),
    spanId: spanId(trace, span.id),
    ...(span.parent !== undefined && { parentSpanId: spanId(trace, span.parent) }),
    name: span.name,
    kind: SPAN_KIND_INTERNAL,
    startTimeUnixNano: nanos(span.from),
    endTimeUnixNano: nanos(span.to),
    attributes: attributesOf({ 'berth.span': span.kind, ...span.attributes }),
    status: statusOf(span),
  }));
  return {
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'berth', version }, spans }] }],
  };
}

function statusOf({ failure, isOpen }: Span) {
  if (failure !== undefined) return { code: STATUS.error, message: failure };
  return { code: isOpen ? STATUS.unset : STATUS.ok };
}

/** Beyond what a double holds, so a text, as the JSON of protocol buffers has it. */
const nanos = (ms: number): string => `${BigInt(Math.round(ms)) * 1_000_000n}`;

const attributesOf = (of: Readonly<Record<string, string | number>>) =>
  Object.entries(of).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }));

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
