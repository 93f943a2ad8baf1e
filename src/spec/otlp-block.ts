import { z } from 'zod';
import { spanMs } from '../base/units.ts';
import type { OtlpConfig } from '../model/otlp-config.ts';
import { spanForm } from './blocks/limits-block.ts';
import { oneOf, quantity, text } from './fields.ts';
import type { Path } from './issue.ts';
import { parseSpan, shown } from './quantities.ts';
import type { SiteReading } from './site-reading.ts';

const INTERVAL = { usual: 60_000, min: 1_000, max: 3_600_000 } as const;
const TIMEOUT = { usual: 10_000, min: 100, max: 60_000 } as const;
const HEADERS_MAX = 32;
/** A token of HTTP (RFC 9110). */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
/** What the sender says itself. */
const ownHeaders = /^(content-|transfer-|host$|connection$|user-agent$)/i;
const secretLike = /auth|token|key|secret|password|cookie/i;

const signals = ['metrics', 'traces'] as const;

export const otlpSchema = z
  .strictObject({
    endpoint: text({
      description:
        'Of the collector, without the path of a signal: `/v1/metrics` and `/v1/traces` are added, as in http://127.0.0.1:4318.',
      max: 2048,
      filled: true,
      oneLine: true,
    }),
    headers: z
      .record(
        z.string().regex(HEADER_NAME, { error: 'a name of a header' }),
        text({ max: 4096, oneLine: true }),
      )
      .meta({ description: 'Sent with each request. Secrets belong in `headers_file`.' })
      .optional(),
    headers_file: text({
      description:
        'Holds headers, a line `name: value` each. A file that only its owner may read; absolute; read again for each request.',
      max: 4096,
    })
      .regex(/^\//, { error: 'an absolute path' })
      .optional(),
    signals: z
      .array(oneOf(signals, { description: '`metrics`, or `traces` of workloads that ended.' }))
      .min(1)
      .max(2)
      .meta({ description: 'What is pushed; both, when not given.' })
      .optional(),
    interval: quantity(parseSpan, {
      description: 'Between metrics and the next, from 1s to 1h. Traces are sent as they end.',
      form: spanForm,
      finite: true,
      default: '1m',
    }).optional(),
    timeout: quantity(parseSpan, {
      description: 'Of one request, from 100ms to 1m.',
      form: spanForm,
      finite: true,
      default: '10s',
    }).optional(),
    compression: oneOf(['gzip', 'none'], {
      description: 'Of what is sent.',
      default: 'gzip',
    }).optional(),
  })
  .meta({
    description:
      'Of a site: pushes metrics, and traces of workloads that ended, to a collector of OpenTelemetry (OTLP/HTTP, JSON).',
  });

type OtlpBlock = z.output<typeof otlpSchema>;

const AT: Path = ['monitoring', 'otlp'];

export function readOtlp(reading: SiteReading, block: OtlpBlock): OtlpConfig {
  const { headers = {}, headers_file: headersFile, compression = 'gzip' } = block;
  checkHeaders(reading, headers);
  const wanted = block.signals ?? signals;
  return {
    endpoint: endpointOf(reading, block.endpoint),
    headers,
    ...(headersFile !== undefined && { headersFile }),
    intervalMs: within(reading, 'interval', block.interval, { ...INTERVAL, form: 'from 1s to 1h' }),
    timeoutMs: within(reading, 'timeout', block.timeout, { ...TIMEOUT, form: 'from 100ms to 1m' }),
    gzip: compression === 'gzip',
    metrics: wanted.includes('metrics'),
    traces: wanted.includes('traces'),
  };
}

function within(
  reading: SiteReading,
  key: 'interval' | 'timeout',
  written: number | undefined,
  bounds: { readonly usual: number; readonly min: number; readonly max: number; form: string },
) {
  const { usual, min, max, form } = bounds;
  const ms = written ?? usual;
  if (ms < min || ms > max) {
    reading.error([...AT, key], `the ${key} is out of range`, { expected: form });
  }
  return spanMs(ms);
}

function endpointOf(reading: SiteReading, written: string): string {
  const path = [...AT, 'endpoint'];
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const expected = 'an address that begins with http:// or https://';
    reading.error(path, `${shown(written)} is not asked`, { expected });
    return written;
  }
  if (url.username !== '' || url.password !== '') {
    const message =
      'who it is must not stand in the address: whoever reads this file would know it';
    reading.error(path, message, { expected: 'an `authorization:` line in `headers_file`' });
  } else if (url.search !== '' || url.hash !== '') {
    reading.error(path, 'a path is added to it, so it has no `?` and no `#`');
  } else if (/\/v1\/(metrics|traces)\/?$/.test(url.pathname)) {
    const expected = 'the address without /v1/…';
    reading.error(path, 'the path of a signal is added to it', { expected });
  }
  return written.replace(/\/+$/, '');
}

function checkHeaders(reading: SiteReading, headers: Readonly<Record<string, string>>): void {
  const names = Object.keys(headers);
  if (names.length > HEADERS_MAX) {
    const expected = `at most ${HEADERS_MAX}`;
    reading.error([...AT, 'headers'], `${names.length} headers are too many`, { expected });
  }
  for (const name of names) {
    const path = [...AT, 'headers', name];
    if (ownHeaders.test(name)) {
      reading.error(path, `${shown(name)} is said by Berth itself`, { at: 'key' });
    } else if (secretLike.test(name)) {
      reading.warn(path, 'whoever reads this file knows it: `headers_file` keeps it secret');
    }
  }
}
