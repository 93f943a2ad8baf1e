import { z } from '@hono/zod-openapi';

/** Who was stopped for whom, and the numbers that decided. */
export const preemptionSchema = z
  .object({
    at: z.int().describe('Milliseconds since 1970'),
    preemptor: z.object({ task: z.string(), workload: z.string() }),
    ask: z.object({
      cpu_milli: z.int(),
      memory_bytes: z.int(),
      gpu_milli: z.int(),
      custom: z.record(z.string(), z.int()),
    }),
    victims: z.array(
      z.object({
        attempt: z.string(),
        workload: z.string(),
        queue: z.string(),
        priority: z.int(),
        cost: z.number().describe('Milli-GPU seconds lost'),
      }),
    ),
    nodes: z.array(z.object({ node: z.string(), members: z.int() })),
    rule: z.record(z.string(), z.unknown()).describe('The inequality that allowed it'),
    inequality: z.string().describe('The same with its numbers'),
    sentence: z.string(),
    chosen: z.string(),
    options: z.array(
      z.object({
        strategy: z.string(),
        victims: z.int(),
        highest_class: z
          .int()
          .optional()
          .describe('Of their classes of service, the highest preemption_priority'),
        lost: z.number().describe('Milli-GPU seconds'),
        waiting: z.number().nullable().describe('Null where nobody knows how long'),
        total: z.number().nullable(),
      }),
    ),
  })
  .openapi('Preemption');

export const preemptionListSchema = z
  .object({ preemptions: z.array(preemptionSchema), total: z.int() })
  .openapi('PreemptionList');

export type PreemptionDocument = z.infer<typeof preemptionSchema>;
export type PreemptionList = z.infer<typeof preemptionListSchema>;
