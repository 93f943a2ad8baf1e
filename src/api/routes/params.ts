import { z } from '@hono/zod-openapi';
import { type SpanMs, spanMs } from '../../base/units.ts';
import { type AttemptId, parseAttemptId, type TenantId, type WorkloadId } from '../../model/ids.ts';
import { notFound } from './problem.ts';

const LOG_BYTES_DEFAULT = 65_536;
const LOG_BYTES_MAX = 1_048_576;
const PAGE_MAX = 1_000;
const WINDOW_MAX_MS = 86_400_000;

const inPath = (name: string, example: string) => ({
  param: { name, in: 'path' as const },
  example,
});

interface IntegerOptions {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default: number;
  readonly description?: string;
}

/** A whole number in a query: digits and nothing else, for `Number` takes an empty text for zero. */
export function integer(options: IntegerOptions) {
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = options;
  return z
    .string()
    .regex(/^-?\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum))
    .default(options.default)
    .openapi({ type: 'integer', ...options });
}

export const workloadParams = z.object({ id: z.string().openapi(inPath('id', '12')) });

export const logParams = z.object({
  id: z.string().openapi(inPath('id', '12.prepare.3.2')),
  stream: z.enum(['stdout', 'stderr']).openapi({ param: { name: 'stream', in: 'path' } }),
});

const tenantName = z
  .string()
  .min(1)
  .max(128)
  .transform((name) => name as TenantId);

export const listQuery = z.object({
  state: z
    .enum(['active', 'ended', 'all'])
    .default('all')
    .openapi({ description: '`active` is waiting or running' }),
  limit: integer({ minimum: 0, maximum: PAGE_MAX, default: 100 }),
  offset: integer({ minimum: 0, default: 0 }),
  queue: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .openapi({ description: 'Of this queue and all below it' }),
  tenant: tenantName.optional().openapi({ description: 'Of this tenant only' }),
  starts: z
    .enum(['true', 'false'])
    .default('false')
    .transform((said) => said === 'true')
    .openapi({ type: 'boolean', description: 'With when those that wait are likely to start' }),
});

export const preemptionQuery = z.object({
  limit: integer({ minimum: 0, maximum: PAGE_MAX, default: 100 }),
});

export const submitQuery = z.object({
  file: z.string().max(4_096).default('').openapi({ description: 'Its name in error messages' }),
  cwd: z
    .string()
    .max(4_096)
    .regex(/^\//, 'must be absolute')
    .default('/')
    .openapi({ description: 'The folder that relative paths and tasks start from' }),
  tenant: tenantName
    .optional()
    .openapi({ description: 'For whom; only an admin may submit for another' }),
});

export const logQuery = z.object({
  from: integer({
    default: -LOG_BYTES_DEFAULT,
    description: 'Byte offset since the attempt began; negative counts from the end',
  }),
  max: integer({
    minimum: 1,
    maximum: LOG_BYTES_MAX,
    default: LOG_BYTES_DEFAULT,
    description: 'Bytes at most',
  }),
  follow: z.enum(['0', '1']).default('0').openapi({
    description: '`1` answers server-sent events: LogChunk by LogChunk until the attempt ends',
  }),
});

/** Below the 30 s after which clients and proxies give a connection up. */
const LEASE_WAIT_MAX_MS = 25_000;

export const leaseQuery = z.object({
  wait: integer({
    minimum: 0,
    maximum: LEASE_WAIT_MAX_MS,
    default: 0,
    description: 'Milliseconds to wait until it is held',
  }),
});

export const inventoryQuery = z.object({
  fresh: z.enum(['0', '1']).default('0').openapi({
    description: '`1` asks the programs of drivers again, which may take seconds',
  }),
});

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

export const usageQuery = z.object({
  window: z
    .string()
    .regex(/^[1-9]\d{0,4}[smh]$/, 'must be such as 90s, 15m or 1h')
    .default('15m')
    .transform(
      (text): SpanMs =>
        spanMs(Math.min(Number(text.slice(0, -1)) * unitMs[text.slice(-1)]!, WINDOW_MAX_MS)),
    )
    .openapi({
      type: 'string',
      description: 'How far back: 90s, 15m, 1h; at most a day',
      example: '15m',
    }),
});

/** Ids that cannot exist are answered as those that do not. */
export function workloadIdOf(text: string): WorkloadId {
  if (!/^\d{1,15}$/.test(text)) throw notFound(`workload ${quote(text)}`);
  return text as WorkloadId;
}

export function attemptIdOf(text: string): AttemptId {
  if (parseAttemptId(text) === undefined) throw notFound(`attempt ${quote(text)}`);
  return text as AttemptId;
}

/** A stranger's text inside our sentence: short, and on one line. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
