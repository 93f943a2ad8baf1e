import type { OtlpConfig } from '../../model/otlp-config.ts';

export type OtlpSignal = 'metrics' | 'traces';

export type Sent =
  /** `rejected` of its points or spans were not taken, and `why` says so. */
  | { readonly ok: true; readonly rejected: number; readonly why: string | undefined }
  /** `again`: it may be different another time, not before `afterMs`. Never has an address or a header in it. */
  | {
      readonly ok: false;
      readonly again: boolean;
      readonly afterMs?: number;
      readonly why: string;
    };

/** Nobody waits longer because a collector says so. */
const WAIT_MAX_MS = 600_000;
const WHY_CHARS_MAX = 200;

/** Of the protocol: those may be sent again; no other failure may. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** What an answer of a collector means. `nowMs` is the time on the clock that a date is of. */
export function sentOf(
  { status, retryAfter, body }: { status: number; retryAfter: string | null; body: string },
  nowMs: number,
): Sent {
  if (status >= 200 && status < 300) return partOf(body);
  const again = passing.has(status);
  const afterMs = again ? waitOf(retryAfter, nowMs) : undefined;
  const why = `it answered with ${status}`;
  return { ok: false, again, why, ...(afterMs !== undefined && { afterMs }) };
}

/** `Retry-After`: seconds, or a date (RFC 9110, 10.2.3). */
function waitOf(written: string | null, nowMs: number): number | undefined {
  if (written === null) return undefined;
  const ms = /^\s*\d{1,9}\s*$/.test(written)
    ? Number(written) * 1_000
    : Date.parse(written) - nowMs;
  return Number.isFinite(ms) ? Math.min(WAIT_MAX_MS, Math.max(0, ms)) : undefined;
}

/** A collector that takes only some says so with 200. */
function partOf(body: string): Sent {
  const whole: Sent = { ok: true, rejected: 0, why: undefined };
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return whole;
  }
  const part = fieldOf(parsed, 'partialSuccess');
  const count = fieldOf(part, 'rejectedDataPoints') ?? fieldOf(part, 'rejectedSpans') ?? 0;
  const said = fieldOf(part, 'errorMessage');
  const rejected = Number(count);
  return {
    ok: true,
    rejected: Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0,
    why: typeof said === 'string' && said !== '' ? said.slice(0, WHY_CHARS_MAX) : undefined,
  };
}

const fieldOf = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null && Object.hasOwn(of, name)
    ? (of as Record<string, unknown>)[name]
    : undefined;

/** The lines of a file of headers; undefined where one is none, and of which nothing may be told. */
export function headersIn(text: string): OtlpConfig['headers'] | undefined {
  const found: Record<string, string> = {};
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, value] =
      /^([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*:\s*([\t\x20-\x7e]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    found[name.toLowerCase()] = value;
  }
  return found;
}
