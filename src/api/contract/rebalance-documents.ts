import { z } from '@hono/zod-openapi';

/** A plan of so many moves is the most. */
const MOVES_MAX = 100;
const SETTLE_MS = 30_000;
const SETTLE_MAX_MS = 86_400_000;

export const rebalanceRequestSchema = z
  .strictObject({
    moves: z.int().min(1).max(MOVES_MAX).default(8).describe('A plan of more is none'),
    settle_ms: z
      .int()
      .min(1)
      .max(SETTLE_MAX_MS)
      .default(SETTLE_MS)
      .describe('After each move, in which nothing on its node may fail'),
    dry_run: z.boolean().default(false).describe('Only say what would be done'),
  })
  .openapi('RebalanceRequest');

const moveSchema = z.object({
  attempt: z.string(),
  from: z.string(),
  to: z.string(),
  cores: z
    .array(z.int())
    .optional()
    .describe('The same node: to these CPUs of it, without being stopped'),
});

const planSchema = z
  .object({
    node: z.string(),
    moves: z.array(moveSchema),
    gained: z
      .int()
      .describe('Milli-GPU; of moves to other CPUs the NUMA nodes that are no more crossed'),
    moved: z.int().describe('Milli-GPU; of moves to other CPUs the tasks'),
    cost: z.int().describe('Milli-GPU seconds of work that is done again or stands still'),
  })
  .openapi('RebalancePlan');

export const rebalanceSchema = z
  .object({
    now: z.int(),
    plan: planSchema.nullable().describe('In force, or what would be; null where there is none'),
    started: z.boolean(),
    done: z.int().describe('Moves of it that have ended'),
    ended: z
      .array(
        z.object({
          at: z.int(),
          attempt: z.string(),
          outcome: z.enum(['stable', 'rolled-back', 'no-room', 'ended']),
        }),
      )
      .describe('The last moves of all plans, the newest first'),
  })
  .openapi('Rebalance');

export type RebalanceRequest = z.infer<typeof rebalanceRequestSchema>;
export type RebalanceDocument = z.infer<typeof rebalanceSchema>;
