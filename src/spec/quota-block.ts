import { z } from 'zod';
import { type SpanMs, UNLIMITED } from '../base/units.ts';
import type { QueueName, TenantId } from '../model/ids.ts';
import type { Usage } from '../model/scheduling-config.ts';
import type { WrittenQuota, WrittenWindow } from '../model/site-config.ts';
import { oneOf, quantity, text } from './fields.ts';
import type { Path } from './issue.ts';
import { parseHours, parseSpan, shown } from './quantities.ts';
import { tenantName, timeZone } from './site-fields.ts';
import type { SiteReading } from './site-reading.ts';

/** A quota over less than that is a rate limit, and its window would move on in less than seconds. */
const ROLLING_MS_MIN = 60_000;
const DEFAULT_PERIOD = 'month';

const hours = (description: string) =>
  quantity(parseHours, { description, form: 'hours such as 100 or 0.5' }).optional();

export const periodSchema = z
  .union([z.string(), z.number()], { error: 'day, month, or a span such as 7d' })
  .transform((written, context): 'day' | 'month' | SpanMs => {
    if (written === 'day' || written === 'month') return written;
    const parsed = parseSpan(String(written));
    if (parsed.ok && parsed.value >= ROLLING_MS_MIN && parsed.value < UNLIMITED) {
      return parsed.value;
    }
    const message = `${shown(String(written))} is not a period`;
    const params = { expected: 'day, month, or a span of a minute and more such as 7d' };
    context.addIssue({ code: 'custom', message, params });
    return z.NEVER;
  })
  .meta({
    description:
      'The calendar `day` or `month` of the time zone, or a span: what was used longer ago counts no more.',
    title: 'day, month, or a span such as 7d',
    default: DEFAULT_PERIOD,
  });

/** What a quota limits, and over what. */
export const usageShape = {
  per: periodSchema.optional(),
  time_zone: timeZone.optional(),
  cpu_hours: hours('Cores × hours that are held.'),
  memory_gb_hours: hours('GB (1,000,000,000 bytes) × hours that are held.'),
  gpu_hours: hours('GPUs × hours that are held.'),
  when_exhausted: oneOf(['wait', 'refuse'] as const, {
    description: '`refuse`: also at submission, when less is left than what is known to be needed.',
    default: 'wait',
  }).optional(),
};

const usageSchema = z.strictObject(usageShape);
export type UsageBlock = z.output<typeof usageSchema>;

export const quotaSchema = z
  .strictObject({
    name: text({
      description: 'Unique; usage is kept under it when the site changes.',
      max: 128,
      filled: true,
      oneLine: true,
    }),
    queue: text({
      description: 'Counts what is held there and below. Everywhere, when not given.',
      max: 63,
    }).optional(),
    tenant: tenantName.optional(),
    each: z
      .boolean()
      .meta({
        description: 'Each user has an account; otherwise all have one together.',
        default: false,
      })
      .optional(),
    ...usageShape,
  })
  .meta({ description: 'An amount over a period.' });

export const quotasSchema = z.array(quotaSchema).max(10_000).meta({
  description: 'Amounts over a day, a month or a rolling span, charged by what is held × time.',
});

type QuotaBlock = z.output<typeof quotaSchema>;

export interface QuotaDeps {
  readonly zoneAt: (written: string | undefined, path: Path) => string;
  /** That of a queue that was asked for under `path`; told when there is none. */
  readonly queueNamed: (written: string, path: Path) => QueueName | undefined;
}

export function readQuotas(
  reading: SiteReading,
  blocks: readonly (Partial<QuotaBlock> | undefined)[],
  deps: QuotaDeps,
): WrittenQuota[] {
  const named = new Map<string, Path>();
  return blocks.flatMap((quota, i): WrittenQuota[] => {
    const path = ['quotas', i];
    // What has no name is wrong in any case, and told.
    if (quota?.name === undefined) return [];
    const { name, queue, tenant, each } = quota;
    const first = named.get(name);
    if (first !== undefined) {
      const message = `the quota in line ${reading.line(first)} has this name, too`;
      reading.error([...path, 'name'], message);
    } else named.set(name, [...path, 'name']);
    if (tenant !== undefined && each === true) {
      const message = 'one tenant, and each of them: only one of both can be meant';
      reading.error([...path, 'each'], message);
    }
    const found = queue === undefined ? undefined : deps.queueNamed(queue, [...path, 'queue']);
    const one = {
      name,
      ...(found !== undefined && { queue: found }),
      ...(tenant !== undefined && { tenant: tenant as TenantId }),
      each: each === true,
      ...readUsage(reading, quota, path, deps),
    };
    return [one];
  });
}

export function readUsage(
  reading: SiteReading,
  block: UsageBlock,
  path: Path,
  { zoneAt }: Pick<QuotaDeps, 'zoneAt'>,
): Pick<WrittenQuota, 'limit' | 'window' | 'whenExhausted'> {
  const { per = DEFAULT_PERIOD } = block;
  const said = reading.keys(path);
  if (!['cpu_hours', 'memory_gb_hours', 'gpu_hours'].some((key) => said.includes(key))) {
    const expected = '`cpu_hours`, `memory_gb_hours` or `gpu_hours`';
    reading.error(path, 'the quota limits nothing', { expected });
  }
  if (typeof per === 'number' && block.time_zone !== undefined) {
    reading.error([...path, 'time_zone'], 'a rolling span has no time zone', { at: 'key' });
  }
  const zone = zoneAt(block.time_zone, [...path, 'time_zone']);
  const window: WrittenWindow =
    typeof per === 'number'
      ? { kind: 'rolling', lengthMs: per }
      : { kind: 'periods', every: per, timeZone: zone };
  return { limit: limitOf(block), window, whenExhausted: block.when_exhausted ?? 'wait' };
}

function limitOf({ cpu_hours, memory_gb_hours, gpu_hours }: UsageBlock): Usage {
  return {
    cpu: cpu_hours ?? UNLIMITED,
    memory: memory_gb_hours === undefined ? UNLIMITED : mebibyteSeconds(memory_gb_hours),
    gpu: gpu_hours ?? UNLIMITED,
  };
}

/** Of thousandths of a GB for a second; rounded down, so that a limit is never above what was written. */
function mebibyteSeconds(milliGbSeconds: number): number {
  if (milliGbSeconds === UNLIMITED) return UNLIMITED;
  return Number((BigInt(milliGbSeconds) * 1_000_000n) / 1_048_576n);
}
