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
  })
  .openapi('Service');

export const scaleRequestSchema = z
  .object({ replicas: z.int().min(0).max(REPLICAS_MAX) })
  .strict()
  .openapi('ScaleRequest');

export type ServiceDocument = z.infer<typeof serviceSchema>;
