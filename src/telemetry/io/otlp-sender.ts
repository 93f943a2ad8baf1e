import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { OtlpConfig } from '../../model/otlp-config.ts';
import { headersIn, type OtlpSignal, type Sent, sentOf } from '../otlp/answers.ts';
import { readSecret } from './read-secret.ts';

/** More than that of an answer says nothing. */
const ANSWER_BYTES_MAX = 64 * 1024;
const zip = promisify(gzip);

/** As it will be sent. */
export async function encodeOtlp(request: object, { gzip: isZipped }: OtlpConfig) {
  const text = Buffer.from(JSON.stringify(request));
  return isZipped ? zip(text) : text;
}

/** One request. Never rejects; takes no longer than the time-out. */
export async function sendOtlp(
  config: OtlpConfig,
  { signal, body }: { readonly signal: OtlpSignal; readonly body: Buffer },
  { ending, now }: { readonly ending: AbortSignal; readonly now: () => number },
): Promise<Sent> {
  const late = AbortSignal.timeout(config.timeoutMs);
  const headers = secretHeaders(config);
  if ('why' in headers) return { ok: false, again: true, why: headers.why };
  try {
    const response = await fetch(`${config.endpoint}/v1/${signal}`, {
      method: 'POST',
      // Who names an address is told there, and nowhere else: headers may be secret.
      redirect: 'manual',
      headers: {
        ...config.headers,
        ...headers.of,
        'content-type': 'application/json',
        ...(config.gzip && { 'content-encoding': 'gzip' }),
      },
      body: new Uint8Array(body),
      signal: AbortSignal.any([ending, late]),
    });
    const { status } = response;
    const retryAfter = response.headers.get('retry-after');
    return sentOf({ status, retryAfter, body: await beginningOf(response) }, now());
  } catch (error) {
    return { ok: false, again: true, why: whyOf(error, late, config.timeoutMs) };
  }
}

function secretHeaders({
  headersFile,
}: OtlpConfig): { readonly of: OtlpConfig['headers'] } | { readonly why: string } {
  if (headersFile === undefined) return { of: {} };
  const read = readSecret(headersFile);
  if (!read.ok) return { why: read.why };
  const of = headersIn(read.text);
  return of === undefined ? { why: `a line of ${headersFile} is no \`name: value\`` } : { of };
}

async function beginningOf({ body }: Response): Promise<string> {
  if (body === null) return '';
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    parts.push(part);
    size += part.byteLength;
    if (size > ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(parts).toString('utf8');
}

/** The message of an error may have the address or a header in it. */
function whyOf(error: unknown, late: AbortSignal, timeoutMs: number): string {
  if (late.aborted) return `no answer within ${timeoutMs} ms`;
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  const known = [cause?.code, code].find((one) => typeof one === 'string');
  return known === undefined ? 'no answer' : `no answer: ${String(known)}`;
}
