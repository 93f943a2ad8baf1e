import { z } from '@hono/zod-openapi';
import type { TenantId } from '../../model/ids.ts';
import {
  alertSchema,
  findingSchema,
  type KpiList,
  kpiSchema,
  objectiveSchema,
} from './telemetry-documents.ts';

const moment = z.int().describe('Milliseconds since 1970');
const unknown = z.number().nullable().describe('Null: not known');
const money = z.int().describe('Micro-dollars');
const spanMs = z.number().nullable().describe('Milliseconds; null: nothing to tell it from');

const estimate = z.object({
  value: unknown,
  low: z.number().nullable().describe('Of its 90 % interval'),
  high: z.number().nullable(),
});

const reliability = z.object({
  failures: z.int(),
  repairs: z.int().describe('Failures that are over, where that is known'),
  up_hours: z.number(),
  down_hours: z.number(),
  mtbf_hours: estimate.describe('Time that it worked, by failure'),
  mttr_minutes: estimate.describe('From failing until working again'),
  availability: unknown,
});

const costRow = z.object({
  name: z.string().nullable(),
  cost: money,
  unpriced: z.int(),
  cpu_hours: z.number(),
  memory_gib_hours: z.number(),
  gpu_hours: z.number(),
  attempts: z.int(),
  failures: z.int(),
});

const trend = z
  .object({
    name: z.string().describe('As history has it'),
    title: z.string(),
    unit: z.enum(['ratio', 'bytes', 'bytes_per_second']),
    average: unknown,
    peak: unknown,
    trough: unknown,
    volatility: z.number().nullable().describe('Standard deviation'),
    direction: z.enum(['rising', 'falling', 'steady', 'unknown']),
    slope_per_day: unknown,
    at: z.array(moment),
    mean: z.array(z.number()),
    max: z.array(z.number()),
  })
  .openapi('ReportTrend');

/** Everything that is known of a window; what is not known is null, and `metadata.unknown` says why. */
export const reportSchema = z
  .object({
    version: z.literal(1),
    id: z.string().nullable().describe('Of one that was kept; null: made for whoever asked'),
    from: moment,
    to: moment,
    duration_ms: z.int(),
    summary: z.object({
      state: z.enum(['good', 'warning', 'critical', 'unknown']),
      sentences: z.array(z.string()),
    }),
    current_status: z.array(
      z.object({
        resource: z.enum(['cpu', 'memory', 'storage', 'network', 'gpu', 'power']),
        title: z.string(),
        unit: z.enum(['ratio', 'bytes', 'bytes_per_second', 'celsius', 'watts']),
        value: unknown,
        total: unknown,
        at: moment.nullable(),
      }),
    ),
    historical_trends: z.array(trend),
    workloads: z.object({
      succeeded: z.int(),
      failed: z.int(),
      cancelled: z.int(),
      running: z.int().describe('Now'),
      waiting: z.int().describe('Now'),
      took_p50_ms: spanMs,
      took_p95_ms: spanMs,
    }),
    failures: z
      .array(z.object({ cause: z.string(), attempts: z.int(), example: z.string() }))
      .describe('Of attempts, the most frequent cause first'),
    waiting: z.object({
      tasks: z.int(),
      p50_ms: spanMs,
      p95_ms: spanMs,
      p95_low_ms: spanMs,
      p95_high_ms: spanMs,
      max_ms: spanMs,
      queues: z.array(
        z.object({
          queue: z.string(),
          tasks: z.int(),
          p50_ms: spanMs,
          p95_ms: spanMs,
          max_ms: spanMs,
        }),
      ),
    }),
    stages: z
      .array(
        z.object({
          pipeline: z.string(),
          step: z.string(),
          runs: z.int(),
          failed: z.int(),
          p50_ms: spanMs,
          p95_ms: spanMs,
          handoff_p95_ms: spanMs.describe(
            'From when all that it needs had ended until it was placed',
          ),
          share: z
            .number()
            .nullable()
            .describe(
              'Of the sum of medians of its pipeline, handoffs included: its latency budget',
            ),
        }),
      )
      .describe('Steps of pipelines'),
    efficiency: z.object({
      cpu_used_of_held: z.number().nullable().describe('Of attempts that reported what they used'),
      cpu_busy_of_all: unknown,
      memory_used_of_all: unknown,
      gpu_busy_of_all: unknown,
      cpu_hours: z.number(),
      memory_gib_hours: z.number(),
      gpu_hours: z.number(),
    }),
    cost: z.object({
      total: money,
      unpriced: z.int().describe('Attempts and calls of which something has no known price'),
      by_tenant: z.array(costRow),
      by_workload: z.array(costRow),
    }),
    kpis: z.array(kpiSchema),
    objectives: z.array(objectiveSchema),
    reliability: z.object({
      nodes: reliability,
      services: reliability,
      fleet: reliability.describe(
        'By the calendar: any node or service that is down is an incident, those that overlap are one',
      ),
      outages: z.array(
        z.object({
          subject: z.string(),
          from: moment,
          to: moment.nullable().describe('Null: not over'),
          is_repair_known: z.boolean(),
        }),
      ),
    }),
    alerts: z.array(alertSchema).nullable().describe('Null: nobody watches'),
    findings: z.array(findingSchema).nullable().describe('Null: nothing was diagnosed'),
    recommendations: z.array(
      z.object({
        source: z.enum(['usage', 'objective', 'kpi', 'finding', 'failure']),
        title: z.string(),
        why: z.string(),
        monthly_saving: z.number().nullable().describe('Micro-dollars in 30 days; null: not known'),
        command: z.string().nullable(),
      }),
    ),
    metadata: z.object({
      site: z.string().nullable(),
      host: z.string(),
      berth_version: z.string(),
      generated_at: moment,
      only_tenant: z.string().nullable().describe('Of nobody else; null: of all'),
      complete: z.boolean().describe('False: the journal tells of what happened since `from` only'),
      data_quality: z.number().nullable().describe('Freshness × completeness of metrics, 0…1'),
      monitoring_uptime: z
        .number()
        .nullable()
        .describe(
          'Share of the window, since the first sample in it, in which the host was measured',
        ),
      unknown: z.array(z.object({ section: z.string(), why: z.string() })),
    }),
  })
  .openapi('Report');

const keptReport = z
  .object({
    id: z.string(),
    every: z.string(),
    from: moment,
    to: moment,
    generated_at: moment,
    state: z.enum(['good', 'warning', 'critical', 'unknown']),
  })
  .openapi('KeptReport');

export const reportListSchema = z
  .object({
    now: moment,
    reports: z.array(keptReport).describe('The newest first'),
    schedules: z.array(
      z.object({ every: z.string(), next_at: moment, problem: z.string().nullable() }),
    ),
  })
  .openapi('ReportList');

export type ReportDocument = z.infer<typeof reportSchema>;
export type KeptReport = z.infer<typeof keptReport>;
export type ReportList = z.infer<typeof reportListSchema>;

/** What the routes need of KPIs and reports. `only`: of nobody but this tenant. */
export interface ReportSite {
  kpis(spanMs: number, only: TenantId | undefined): Promise<KpiList>;
  report(spanMs: number, only: TenantId | undefined): Promise<ReportDocument>;
  /** Those that were made by themselves, which are of all tenants. */
  reports(): Promise<ReportList>;
  /** Undefined where there is none of this id. */
  kept(id: string): Promise<ReportDocument | undefined>;
}
