import type { SpanMs } from '../base/units.ts';

/** Where what is measured is pushed, by the protocol of OpenTelemetry (OTLP/HTTP). */
export interface OtlpConfig {
  /** Without the path of a signal: `/v1/metrics` and `/v1/traces` are added. No `/` at its end. */
  readonly endpoint: string;
  /** No secrets: whoever reads the site file reads them. */
  readonly headers: Readonly<Record<string, string>>;
  /** A file of the owner alone, a line `name: value` for each header; read anew for each request. */
  readonly headersFile?: string;
  /** Between metrics and the next. */
  readonly intervalMs: SpanMs;
  /** Of one request. */
  readonly timeoutMs: SpanMs;
  readonly gzip: boolean;
  readonly metrics: boolean;
  readonly traces: boolean;
}
