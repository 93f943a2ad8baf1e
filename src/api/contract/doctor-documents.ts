import { z } from '@hono/zod-openapi';
import type { TenantId } from '../../model/ids.ts';
import { type DoctorReport, findingSchema, remedySchema } from './telemetry-documents.ts';

const moment = z.int().describe('Milliseconds since 1970');
const rate = z.number().nullable().describe('Bytes a second; null: not allowed to know');

/** The troubles that have a walk of their own. */
export const doctorFlows = ['high-cpu', 'pool', 'cache'] as const;
export type DoctorFlowName = (typeof doctorFlows)[number];

export const doctorFlowSchema = z
  .object({
    flow: z.enum(doctorFlows),
    from: moment,
    to: moment,
    sentence: z.string(),
    steps: z.array(
      z.object({
        question: z.string(),
        outcome: z.enum(['fine', 'trouble', 'unknown']),
        sentence: z.string(),
      }),
    ),
    remedies: z.array(remedySchema),
  })
  .openapi('DoctorFlow');

export const regressionListSchema = z
  .object({
    from: moment,
    to: moment,
    complete: z.boolean().describe('False: the journal does not tell of all attempts of that time'),
    sentence: z.string(),
    findings: z
      .array(findingSchema)
      .describe('What became slower or otherwise worse, with the likely cause; the worst first'),
    layers: z
      .array(
        z.object({
          layer: z.enum([
            'thermal',
            'hardware',
            'network',
            'storage',
            'fragmentation',
            'data-pipeline',
            'software',
          ]),
          state: z.enum(['worse', 'steady', 'unknown']),
          sentence: z.string(),
          remedies: z.array(remedySchema).describe('What to do, what risks least first'),
        }),
      )
      .describe('Where a cause may lie, from the bottom up, also where all is well'),
  })
  .openapi('RegressionList');

export const profileSchema = z
  .object({
    of: z.string().describe('The attempt, or what else was looked at'),
    elapsed_ms: z.int(),
    bound: z
      .enum([
        'cpu',
        'one-thread',
        'cpu-limit',
        'run-queue',
        'disk',
        'memory',
        'locks',
        'network',
        'idle',
        'gone',
      ])
      .describe('What keeps it from being faster'),
    sentence: z.string(),
    processes: z.int(),
    threads: z.int(),
    cpu_user: z.number().describe('CPUs used, in programs'),
    cpu_system: z.number().describe('CPUs used, in the kernel'),
    waiting_for_cpu: z.number().nullable().describe('Threads that were ready and did not run'),
    throttled_ratio: z.number().nullable().describe('Kept back by its CPU limit'),
    voluntary_switches_per_second: z.number().nullable(),
    involuntary_switches_per_second: z.number().nullable(),
    minor_faults_per_second: z.number(),
    major_faults_per_second: z.number().describe('That needed a disk'),
    read_bytes_per_second: rate,
    written_bytes_per_second: rate,
    resident_bytes: z.number(),
    states: z.array(z.object({ state: z.string(), threads: z.number() })),
    waits: z.array(
      z.object({ in: z.string().describe('Function of the kernel'), threads: z.number() }),
    ),
    top: z.array(
      z.object({
        pid: z.int(),
        command: z.string(),
        threads: z.int(),
        cpu: z.number(),
        resident_bytes: z.number(),
        read_bytes_per_second: rate,
        written_bytes_per_second: rate,
      }),
    ),
  })
  .openapi('Profile');

export type RegressionList = z.infer<typeof regressionListSchema>;
export type DoctorFlow = z.infer<typeof doctorFlowSchema>;
export type ProfileDocument = z.infer<typeof profileSchema>;

/** What the routes need to say why it is slow. */
export interface DoctorSite {
  /** Over the last so many milliseconds. `only`: as that tenant may know it; everybody else is `others`. */
  report(windowMs: number, only: TenantId | undefined): Promise<DoctorReport>;
  flow(flow: DoctorFlowName, windowMs: number, only: TenantId | undefined): Promise<DoctorFlow>;
  regressions(windowMs: number, only: TenantId | undefined): Promise<RegressionList>;
  /** Of an attempt, for so long; undefined where it does not run here. */
  profile(attempt: string, forMs: number): Promise<ProfileDocument | undefined>;
}
