import { z } from '@hono/zod-openapi';
import { REPLICAS_MAX } from '../../model/service.ts';

/** How a service stands: what `berth ps` and the workload's page show of it. */
export const serviceSchema = z
  .object({
    replicas: z.int().describe('Wanted'),
    ready: z.int().describe('Of all revisions'),
    revision: z.int().describe('To which the replicas belong, or move'),
    update: z
      .object({
        phase: z.enum(['canary', 'blue-green', 'rolling']),
        from: z.int().describe('The revision before; the same while it moves back to it'),
        to: z.int(),
        ready: z.int().describe('Replicas of the new revision that are ready'),
        back: z.boolean().describe('The newer revision failed'),
        deadline_at: z
          .int()
          .nullable()
          .describe('It is rolled back unless one more replica is ready by then; else null'),
      })
      .nullable()
      .describe('While replicas move from one revision to another'),
    rolled_back: z
      .object({ at: z.int(), from: z.int(), to: z.int(), reason: z.string() })
      .nullable()
      .describe('The last time that a revision gave way to the one before'),
    autoscaling: z
      .object({
        min_replicas: z.int(),
        max_replicas: z.int(),
        metrics: z.array(
          z.object({
            type: z.string().describe('As in the document'),
            name: z.string(),
            target: z.number().describe('As in the document'),
            value: z
              .number()
              .nullable()
              .describe(
                'Of cpu and memory in percent, the average of the replicas; else the whole',
              ),
            asks: z.int().nullable().describe('For so many replicas; null where it is not known'),
            problem: z.string().nullable().describe('Why it is not known'),
          }),
        ),
        scalings: z
          .array(
            z.object({
              at: z.int(),
              from: z.int(),
              to: z.int(),
              reason: z
                .string()
                .nullable()
                .describe('What the autoscaler went by; null when somebody asked for it'),
            }),
          )
          .describe('The last changes of `replicas`, the newest last; at most ten'),
        looked_at: z.int().nullable(),
        reason: z.string().nullable().describe('Why there are as many replicas as there are'),
        held_until: z
          .int()
          .nullable()
          .describe('A step that is asked for waits until then; null where none waits'),
      })
      .optional()
      .describe('Only of a service that is autoscaled'),
  })
  .openapi('Service');

export const scaleRequestSchema = z
  .object({ replicas: z.int().min(0).max(REPLICAS_MAX) })
  .strict()
  .openapi('ScaleRequest');

export type ServiceDocument = z.infer<typeof serviceSchema>;
