import { z } from '@hono/zod-openapi';
import type { TenantId } from '../../model/ids.ts';

const CHANGES_MAX = 32;
const JOBS_MAX = 1_000;
const line = (max: number) => z.string().min(1).max(max);

export const whatIfRequestSchema = z
  .strictObject({
    set: z
      .array(line(8192))
      .max(CHANGES_MAX)
      .default([])
      .describe('`KEY=VALUE` of the site document, such as `queues.train.weight=3`'),
    policy: line(256).optional().describe('A policy by name, such as `fair_share` or `sjf+spread`'),
    add_nodes: z
      .array(line(1024))
      .max(CHANGES_MAX)
      .default([])
      .describe('`cpu=32,memory=128Gi,gpus=8,count=2`, or `like=NODE`'),
    lose_nodes: z.array(line(253)).max(CHANGES_MAX).default([]).describe('Names of nodes'),
    cancel: z.array(line(32)).max(CHANGES_MAX).default([]).describe('Ids of workloads'),
    submit: z
      .array(
        z.strictObject({
          text: z.string().max(1_048_576),
          file: z.string().max(1024).default('document.yaml'),
          files: z.record(z.string(), z.string()).optional(),
          tenant: line(253).optional().describe('Only an admin may say it'),
        }),
      )
      .max(CHANGES_MAX)
      .default([])
      .describe('Documents that are submitted at once'),
    window: line(64)
      .optional()
      .describe('So much of the past, such as `7d`, instead of what comes'),
  })
  .openapi('WhatIfRequest');

const instant = z.int().nullable().describe('Null: not within what was looked at');
const futureSchema = z
  .object({ started_at: instant, ended_at: instant })
  .nullable()
  .describe('Null: it is not there');

const jobSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  tenant: z.string(),
  queue: z.string(),
  submitted_at: z.int(),
  runs: z.boolean().describe('It has started already'),
  before: futureSchema,
  after: futureSchema,
  wait_change_ms: z.int().nullable().describe('Null where it does not start in both'),
  end_change_ms: z.int().nullable(),
  run_time: z
    .enum(['true', 'estimate', 'history', 'limit', 'assumed'])
    .describe('Of the least known of its run times; `limit` and `assumed` are guesses'),
  goes_by_results: z.boolean().describe('What it decides by results is not known'),
});

const groupSchema = z
  .object({
    name: z.string(),
    jobs: z.int().describe('Those that had not started'),
    wait_before_ms: z.int().nullable().describe('Mean, of those that start in both'),
    wait_after_ms: z.int().nullable(),
    sooner: z.int(),
    later: z.int(),
    never_before: z.int().describe('Do not start within what was looked at'),
    never_after: z.int(),
    share_before: z.number().describe('Of what is held while somebody waits: of GPUs, or of CPU'),
    share_after: z.number(),
    charged_before: z.int().describe('Micro-dollars'),
    charged_after: z.int(),
  })
  .openapi('WhatIfGroup');

const nodeLossSchema = z
  .object({
    node: z.string(),
    lost: z
      .array(
        z.object({
          task: z.string(),
          name: z.string().describe('Of its workload'),
          tenant: z.string(),
          redone_ms: z.int().describe('Work that is done again: since its last checkpoint, or all'),
          again_at: instant,
          again_on: z.string().nullable(),
          why: z.string().nullable().describe('Why it never has a place again, as a sentence'),
        }),
      )
      .describe(`What runs there, at most ${JOBS_MAX}`),
    lost_total: z.int(),
    recovered_at: instant.describe('The last of them has a place again; null: some never do'),
    delayed: z.int().describe('Jobs that run elsewhere or wait, and start or end later'),
    deadlines_missed: z.array(z.string()).describe('Ids of jobs that are in time without it'),
    services: z
      .array(
        z.object({
          id: z.string(),
          name: z.string(),
          replicas_lost: z.int(),
          replicas_left: z.int(),
          short_ms: z.int().nullable().describe('Until all are back; null: never'),
        }),
      )
      .describe('That are short of replicas'),
  })
  .openapi('NodeLoss');

export const whatIfSchema = z
  .object({
    now: z.int(),
    mode: z.enum(['ahead', 'window']),
    from: z.int().describe('Of what was looked at'),
    until: z.int(),
    cut: z.enum(['horizon', 'events']).nullable().describe('There was more to come'),
    changes: z.array(z.string()).describe('As sentences'),
    warnings: z.array(z.string()).describe('What is not known, or was not looked at'),
    total: groupSchema,
    tenants: z.array(groupSchema),
    queues: z.array(groupSchema),
    done_before: instant,
    done_after: instant,
    jobs: z.array(jobSchema).describe(`At most ${JOBS_MAX}, those that change most first`),
    jobs_total: z.int(),
    run_times: z
      .object({
        known: z.int().describe('By an estimate, or as long as their like took'),
        guessed: z.int(),
        assumed_ms: z.int().nullable().describe('Of those of which nothing is known'),
      })
      .describe('Of tasks'),
    sensitivity: z
      .array(
        z.object({
          factor: z.number(),
          wait_before_ms: z.int().nullable(),
          wait_after_ms: z.int().nullable(),
        }),
      )
      .describe('Mean waits where guessed run times are so many times as long'),
    happened: groupSchema
      .nullable()
      .describe(
        'Of a window: what really happened, beside what the same policy does when replayed',
      ),
    node_loss: nodeLossSchema
      .nullable()
      .describe('What becomes of what runs on a node, where its loss is all that is asked'),
    took_ms: z.int(),
  })
  .openapi('WhatIf');

export type WhatIfRequest = z.infer<typeof whatIfRequestSchema>;
export type WhatIfDocument = z.infer<typeof whatIfSchema>;
export type WhatIfGroup = z.infer<typeof groupSchema>;
export type NodeLossDocument = z.infer<typeof nodeLossSchema>;
export type WhatIfJob = z.infer<typeof jobSchema>;

export { JOBS_MAX as WHAT_IF_JOBS_MAX };

/** Who asks: for whom he submits, and whose jobs he sees; undefined: everybody's. */
export interface WhatIfAsker {
  readonly tenant: TenantId;
  readonly only: TenantId | undefined;
}

export interface WhatIfSite {
  /** Changes nothing of the site. @throws OperationError USAGE, SPEC_INVALID, NOT_FOUND, REFUSED, BUSY. */
  whatIf(asked: WhatIfRequest, by: WhatIfAsker): Promise<WhatIfDocument>;
}
