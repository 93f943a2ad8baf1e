import { z } from 'zod';
import { spanMs } from '../base/units.ts';
import { parseThreshold } from '../model/eviction-threshold.ts';
import {
  preemptionPriorities,
  type QosClass,
  type QosConfig,
  type QosTerms,
} from '../model/qos.ts';
import type { EvictionConfig } from '../model/scheduling-config.ts';
import { oneOf, quantity, wholeNumber } from './fields.ts';
import { parsePercent, parseSpan, printPercent } from './quantities.ts';
import type { SiteReading } from './site-reading.ts';

const SETTLE_MS = 10_000;
/** In basis points. */
const WHOLE = 10_000;

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

const classSchema = z.strictObject({
  resource_guarantee: quantity(parsePercent, {
    description:
      'Of what its tasks ask for, so much is theirs when others want it, too: of their memory so much is protected, and so much of their CPU is their weight where cores are short.',
    form: 'percentage such as 50%, at most 100%',
  }).optional(),
  burst_limit: quantity(parsePercent, {
    description: 'Limit of CPU and memory of its tasks without one, in parts of what they ask for.',
    form: 'percentage above 100% such as 200%',
    finite: true,
  }).optional(),
  preemption_priority: wholeNumber(0, 1_000_000, {
    description:
      'Of those that may be stopped, its tasks go before tasks of classes with a higher one: for others, and when a node runs out. 1000 of `guaranteed`, 100 of `burstable` and 0 of `best_effort`, when not given.',
  }).optional(),
  network_priority: oneOf(['high', 'normal', 'low'] as const, {
    description:
      'Class of traffic, on the link that tasks share, of those of its tasks that use the proxy and say nothing of it.',
  }).optional(),
  eviction_threshold: threshold.optional(),
});

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
  .meta({
    description:
      'Classes of service: what their tasks are sure of, and who gives way. What changes here holds for workloads that are submitted after it.',
  });

type QosBlock = z.output<typeof qosSchema>;
const classNames = Object.entries(names) as [keyof typeof names, QosClass][];

type ClassBlock = z.output<typeof classSchema>;

/** Undefined where no class has a threshold: nobody is evicted then. */
export function readEviction(block: Partial<QosBlock> | undefined): EvictionConfig | undefined {
  const thresholds: Partial<Record<QosClass, string>> = {};
  for (const [key, name] of classNames) {
    const text = block?.classes?.[key]?.eviction_threshold;
    if (text !== undefined) thresholds[name] = text;
  }
  if (Object.keys(thresholds).length === 0) return undefined;
  return { thresholds, settleMs: block?.settle ?? spanMs(SETTLE_MS) };
}

/** Undefined where classes differ in their thresholds at most. */
export function readQos(
  reading: SiteReading,
  block: Partial<QosBlock> | undefined,
): QosConfig | undefined {
  const written = block?.classes ?? {};
  const ranks = Object.values(written).some((one) => one?.preemption_priority !== undefined);
  const terms = classNames.map(([key, name]) => {
    const own = written[key] ?? {};
    checkAmounts(reading, key, own);
    const rank = own.preemption_priority ?? preemptionPriorities[name];
    return [name, termsOf(own, ranks ? rank : undefined)] as const;
  });
  if (terms.every(([, one]) => Object.keys(one).length === 0)) return undefined;
  return Object.fromEntries(terms) as Record<QosClass, QosTerms>;
}

function termsOf(own: ClassBlock, preemptionPriority: number | undefined): QosTerms {
  const { resource_guarantee: guarantee, burst_limit: burst, network_priority: sent } = own;
  return {
    ...(guarantee !== undefined && { guarantee }),
    ...(burst !== undefined && { burst }),
    ...(preemptionPriority !== undefined && { preemptionPriority }),
    ...(sent !== undefined && { networkPriority: sent }),
  };
}

function checkAmounts(reading: SiteReading, key: string, own: ClassBlock): void {
  const path = ['qos', 'classes', key];
  const { resource_guarantee: guarantee, burst_limit: burst } = own;
  if (guarantee !== undefined && guarantee > WHOLE) {
    const message = `${printPercent(guarantee)} is more than is asked for`;
    reading.error([...path, 'resource_guarantee'], message, { expected: 'at most 100%' });
  }
  if (burst === undefined) return;
  if (burst <= WHOLE) {
    const message = `a task that is limited to ${printPercent(burst)} of what it asks for does not burst`;
    reading.error([...path, 'burst_limit'], message, { expected: 'more than 100%' });
  } else if (key === 'guaranteed') {
    const message = 'tasks of this class are limited to what they ask for: it changes nothing';
    reading.warn([...path, 'burst_limit'], message);
  }
}
