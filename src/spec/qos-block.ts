import { z } from 'zod';
import { spanMs } from '../base/units.ts';
import { parseThreshold } from '../model/eviction-threshold.ts';
import type { EvictionConfig } from '../model/scheduling-config.ts';
import { quantity } from './fields.ts';
import { parseSpan } from './quantities.ts';
import type { SiteReading } from './site-reading.ts';

const SETTLE_MS = 10_000;

const threshold = z
  .string()
  .transform((written, context): string => {
    const parsed = parseThreshold(written);
    if (parsed.ok) return written;
    const { message, expected } = parsed;
    context.addIssue({ code: 'custom', message, params: { expected } });
    return z.NEVER;
  })
  .meta({
    description:
      'A running task of the class is stopped, to start again, when its node is beyond this. Known are `memory`, the part in use, and `memory_pressure`, the part of the time in which tasks wait for memory (PSI).',
    title: 'threshold such as memory > 90%',
  });

const later = z.unknown().meta({ description: 'Read by a later version; ignored now.' }).optional();

const classSchema = z.strictObject({
  eviction_threshold: threshold.optional(),
  resource_guarantee: later,
  burst_limit: later,
  preemption_priority: later,
  network_priority: later,
});

const LATER = ['resource_guarantee', 'burst_limit', 'preemption_priority', 'network_priority'];
const names = {
  guaranteed: 'guaranteed',
  burstable: 'burstable',
  best_effort: 'best-effort',
} as const;

export const qosSchema = z
  .strictObject({
    classes: z
      .strictObject({
        guaranteed: classSchema.meta({ description: 'Limited to what they ask for.' }).optional(),
        burstable: classSchema
          .meta({ description: 'They may use more than they ask for.' })
          .optional(),
        best_effort: classSchema.meta({ description: 'They ask for nothing.' }).optional(),
      })
      .meta({ description: 'By class of service: `guaranteed` is limited to what it asks for.' })
      .optional(),
    settle: quantity(parseSpan, {
      description: 'After one was stopped, before another one is looked for.',
      form: 'span such as 10s',
      positive: true,
      finite: true,
      default: '10s',
    }).optional(),
  })
  .meta({ description: 'Classes of service, and when their tasks give way on a full node.' });

type QosBlock = z.output<typeof qosSchema>;

/** Undefined where no class has a threshold: nobody is evicted then. */
export function readEviction(
  reading: SiteReading,
  block: Partial<QosBlock> | undefined,
): EvictionConfig | undefined {
  const thresholds: Record<string, string> = {};
  for (const [key, name] of Object.entries(names)) {
    reading.later(['qos', 'classes', key], LATER);
    const text = block?.classes?.[key as keyof typeof names]?.eviction_threshold;
    if (text !== undefined) thresholds[name] = text;
  }
  if (Object.keys(thresholds).length === 0) return undefined;
  return { thresholds, settleMs: block?.settle ?? spanMs(SETTLE_MS) };
}
