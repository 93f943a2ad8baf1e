import { z } from '@hono/zod-openapi';
import { qosClasses } from '../../model/qos.ts';
import { resourcesSchema } from './documents.ts';

/** Queues, quotas, reservations and preemptions. Null is unlimited in limits, and unknown elsewhere. */

const moment = z.int().describe('Milliseconds since 1970');
const amounts = z.object({ cpu_milli: z.int(), memory_bytes: z.int(), gpu_milli: z.int() });
const limits = z.object({
  cpu_milli: z.int().nullable(),
  memory_bytes: z.int().nullable(),
  gpu_milli: z.int().nullable(),
});
const ratio = z.number().describe('Of the whole site, 0…1');
const use = z
  .object({
    cpu_milli_seconds: z.int().nullable(),
    memory_mib_seconds: z.int().nullable(),
    gpu_milli_seconds: z.int().nullable(),
  })
  .describe('Held × time');

export const waitingForSchema = z
  .object({
    code: z
      .string()
      .describe(
        'The refusal code of docs/reference/refusals.md; `next` where nothing is in the way',
      ),
    meaning: z.string(),
    tasks: z.int().describe('How many tasks wait for it'),
    first: z
      .object({
        task: z.string().nullable().describe('Null while its step has no tasks yet'),
        workload: z.string(),
        sentence: z.string(),
      })
      .nullable()
      .describe('Null where whoever asks may not see it'),
  })
  .openapi('WaitingFor');

export const queueSchema = z
  .object({
    name: z.string(),
    parent: z.string().nullable(),
    depth: z.int(),
    kind: z.enum(['inner', 'leaf', 'team']),
    weight: z.int(),
    priority: z.int(),
    child_order: z.enum(['weighted', 'priority', 'usage']),
    reclaim: z.enum(['enabled', 'disabled', 'always']),
    order: z.string().describe('Who goes first in it: a name of docs/policies'),
    fifo: z.enum(['strict', 'best-effort']),
    guaranteed: amounts,
    limit: limits.describe('The smaller of its limit and of its guarantee with what it may borrow'),
    held: amounts.describe('With all below it'),
    borrowed: amounts.describe('Held beyond its guarantee'),
    share_ratio: ratio,
    weighted_share_ratio: ratio.describe('Its share divided by its weight: the least goes first'),
    entitled_ratio: ratio.describe(
      'What it may have by weight beside siblings that run or wait for something',
    ),
    running: z.int(),
    waiting: z.int().describe('Tasks that have not ended and do not run'),
    active: z.int().nullable().describe('Tasks of workloads that have not ended'),
    running_max: z.int().nullable(),
    active_max: z.int().nullable(),
    overflow_policy: z.enum(['reject', 'spill-to-disk', 'compress']),
    guaranteed_processing: z.boolean(),
    spilled: z
      .object({
        submissions: z.int(),
        bytes: z.int().describe('Of their documents'),
        kept_bytes: z.int().describe('The same as they are kept'),
        oldest_at: moment.nullable().describe('When the one that waits longest was accepted'),
      })
      .describe('What waits on disk for this queue and all below it'),
    tenants: z.array(
      z.object({
        tenant: z.string(),
        weight: z.int(),
        held: amounts,
        limit: limits,
        share_ratio: ratio,
        running: z.int(),
        running_max: z.int().nullable(),
        usage: use.describe('Held × time, with the past worth less, as its order counts it'),
      }),
    ),
    waiting_for: z
      .array(waitingForSchema)
      .describe('Of this queue and all below it, in order of precedence; their sum is `waiting`'),
  })
  .openapi('Queue');

export const classListSchema = z
  .object({
    classes: z
      .array(
        z.object({
          name: z.string(),
          priority: z.int().describe('Of workloads that say nothing, and the most they may say'),
          preemptible: z
            .boolean()
            .nullable()
            .describe('Whether its tasks may be stopped for others; null: as they say themselves'),
          multiplier_ratio: z.number().describe('Of the CPU weight of its tasks'),
          guaranteed: resourcesSchema.nullable().describe('Kept for its tasks on one node'),
          waiting: z.int().describe('Tasks of workloads that name it'),
          running: z.int(),
        }),
      )
      .describe('Priority classes, in the order of the configuration'),
    service_classes: z
      .array(
        z.object({
          name: z.enum(qosClasses),
          guarantee_ratio: z.number().nullable().describe('Of what its tasks ask for'),
          burst_ratio: z
            .number()
            .nullable()
            .describe('Of what they ask for, of tasks without limit'),
          preemption_priority: z.int().nullable().describe('Lower is stopped first'),
          network_priority: z.enum(['high', 'normal', 'low']).nullable(),
          eviction_threshold: z.string().nullable(),
        }),
      )
      .describe('Classes of service; null where the site says nothing'),
  })
  .openapi('ClassList');

export const queueListSchema = z
  .object({
    now: moment,
    capacity: amounts.describe('What all nodes have'),
    queues: z.array(queueSchema).describe('Parents before their children'),
  })
  .openapi('QueueList');

export const quotaListSchema = z
  .object({
    now: moment,
    quotas: z.array(
      z
        .object({
          name: z.string(),
          queue: z.string().nullable().describe('Counts this queue and below; null: everywhere'),
          tenant: z.string().nullable(),
          each: z.boolean().describe('One account for each tenant'),
          window: z.object({
            kind: z.enum(['periods', 'rolling']),
            length_ms: z.int().nullable(),
            from: moment.nullable().describe('What was used from here on counts; null: ever'),
          }),
          when_exhausted: z.enum(['wait', 'refuse']),
          used: use,
          reserved: use.describe('What running tasks may still use'),
          limit: use,
          resets_at: moment.nullable(),
        })
        .openapi('Quota'),
    ),
    storage: z
      .array(
        z
          .object({
            name: z.string(),
            tenant: z.string().nullable().describe('Null: all that it counts, together'),
            used_bytes: z.int().describe('Measured a few seconds ago'),
            limit_bytes: z.int(),
          })
          .openapi('StorageQuota'),
      )
      .describe('What tenants keep on disks'),
  })
  .openapi('QuotaList');

export const reservationListSchema = z
  .object({
    now: moment,
    reservations: z.array(
      z
        .object({
          name: z.string(),
          for: z.object({
            pipelines: z.array(z.string()).nullable(),
            queues: z.array(z.string()).nullable(),
            tenants: z.array(z.string()).nullable(),
            classes: z.array(z.string()).nullable().describe('Priority classes'),
          }),
          amount: resourcesSchema.describe('Of each part, on one node'),
          parts: z.int(),
          lent_below: z
            .int()
            .nullable()
            .describe(
              'Tasks of a lower priority that may be stopped may use it; null: nobody else',
            ),
          unbound: z.int().describe('Parts for which no node is large enough'),
          nodes: z.array(z.object({ node: z.string(), used: resourcesSchema })),
          window: z
            .object({ start_ms: z.int(), end_ms: z.int(), zone: z.string() })
            .nullable()
            .describe('After midnight, every day; null: always'),
          open: z.boolean(),
          changes_at: moment.nullable().describe('When it opens or closes next'),
        })
        .openapi('Reservation'),
    ),
  })
  .openapi('ReservationList');

export type QueueDocument = z.infer<typeof queueSchema>;
export type QueueList = z.infer<typeof queueListSchema>;
export type ClassList = z.infer<typeof classListSchema>;
export type WaitingFor = z.infer<typeof waitingForSchema>;
export type QuotaList = z.infer<typeof quotaListSchema>;
export type ReservationList = z.infer<typeof reservationListSchema>;
