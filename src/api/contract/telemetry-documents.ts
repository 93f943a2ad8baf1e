import { z } from '@hono/zod-openapi';

const moment = z.int().describe('Milliseconds since 1970');
const labels = z.record(z.string(), z.string());
const unit = z.enum([
  'none',
  'ratio',
  'seconds',
  'bytes',
  'hertz',
  'celsius',
  'watts',
  'joules',
  'dollars',
]);
const source = z.enum(['measured', 'driver', 'derived', 'estimated']);

const metricSchema = z
  .object({
    name: z.string(),
    kind: z.enum(['gauge', 'counter', 'histogram']),
    unit,
    source,
    help: z.string(),
    /** What history calls it: of a counter, its rate. */
    history: z.string(),
    series: z.array(z.object({ labels, value: z.number(), at: moment })),
    more: z.int().describe('Series that are not here'),
  })
  .openapi('Metric');

export const metricListSchema = z
  .object({
    now: moment,
    quality: z.number().nullable().describe('Freshness × completeness, 0…1; null: nothing yet'),
    metrics: z.array(metricSchema),
  })
  .openapi('MetricList');

const trendSchema = z
  .object({
    average: z.number(),
    peak: z.number(),
    trough: z.number(),
    volatility: z
      .number()
      .nullable()
      .describe('Standard deviation over average; null: the average is 0'),
    slope_per_hour: z.number().nullable().describe('Median of all slopes (Theil–Sen)'),
    chance: z
      .number()
      .nullable()
      .describe('How likely a series that goes nowhere would look like this one (Mann–Kendall)'),
    direction: z.enum(['rising', 'falling', 'steady', 'unknown']),
  })
  .openapi('Trend');

/** Columns of equal length, oldest first; null where nothing was measured. */
const driftSample = z.object({
  from: moment,
  to: moment,
  points: z.int(),
  independent: z.int().describe('What is left when neighbours that resemble each other are one'),
  median: z.number().nullable(),
  low: z.number().nullable().describe('A twentieth is below it'),
  high: z.number().nullable().describe('A twentieth is above it'),
});
const distance = z
  .object({ value: z.number(), p: z.number().describe('That it is so large by chance') })
  .nullable();

export const metricDriftSchema = z
  .object({
    name: z.string(),
    unit,
    verdict: z
      .enum(['drift', 'slight', 'none', 'unknown'])
      .describe('slight: no chance, and small; unknown: too few points'),
    sentence: z.string(),
    before: driftSample,
    after: driftSample,
    kolmogorov_smirnov: distance.describe('Greatest distance of the two distributions, 0 … 1'),
    population_stability: distance.describe('Population stability index over tenths of before'),
  })
  .openapi('MetricDrift');

export const metricHistorySchema = z
  .object({
    name: z.string(),
    unit,
    source,
    help: z.string(),
    from: moment,
    to: moment,
    interval_ms: z.int(),
    at: z.array(moment),
    series: z.array(
      z.object({
        key: z.string(),
        labels,
        mean: z.array(z.number().nullable()),
        min: z.array(z.number().nullable()),
        max: z.array(z.number().nullable()),
        trend: trendSchema.nullable().describe('null: nothing was measured'),
      }),
    ),
    more: z.int().describe('Series that are not here: ask with labels, or for more'),
  })
  .openapi('MetricHistory');

export const severitySchema = z.enum(['info', 'warning', 'critical']);

export const alertSchema = z
  .object({
    id: z.string(),
    rule: z.string(),
    severity: severitySchema,
    state: z.enum(['pending', 'firing', 'resolved']),
    sentence: z.string().describe('What is so, with the amount and since when'),
    condition: z.string(),
    labels,
    value: z.number().nullable(),
    since: moment.describe('The condition holds since then'),
    fired_at: moment.nullable(),
    resolved_at: moment.nullable(),
    /** Why nobody was told: `silence ID`, `RULE fires`. */
    muted_by: z.string().nullable(),
    told: z.array(z.object({ to: z.string(), at: moment, what: z.string(), outcome: z.string() })),
    acted: z.array(z.object({ action: z.string(), at: moment, outcome: z.string() })),
  })
  .openapi('Alert');

export const alertListSchema = z
  .object({
    now: moment,
    /** Those that fire or are about to, worst first; then those that ended lately, newest first. */
    alerts: z.array(alertSchema),
    rules: z.array(
      z.object({
        name: z.string(),
        condition: z.string(),
        duration_ms: z.int(),
        severity: severitySchema,
        actions: z.array(z.string()),
        origin: z.string().describe('FILE:LINE of the site, or `default`'),
        /** What is wrong with it now, such as a metric that nobody measures; else null. */
        problem: z.string().nullable(),
      }),
    ),
    silences: z.array(
      z.object({
        id: z.string(),
        matches: labels,
        until: moment,
        by: z.string(),
        comment: z.string(),
      }),
    ),
  })
  .openapi('AlertList');

const evidenceSchema = z.object({
  /** As history has it, so that a page can plot it. */
  name: z.string(),
  labels,
  unit,
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  sentence: z.string(),
});

const partySchema = z.object({
  /** An attempt of Berth, or a process or cgroup of somebody else. */
  kind: z.enum(['attempt', 'process', 'cgroup']),
  id: z.string(),
  workload: z.string().nullable(),
  tenant: z.string().nullable(),
  /** Of the use of the resource (culprit), or of its own time that it waited (sufferer), 0…1. */
  share: z.number().nullable(),
  sentence: z.string(),
});

export const remedySchema = z.object({
  title: z.string(),
  why: z.string(),
  risk: z.enum(['none', 'low', 'medium', 'high']),
  effect: z.string().describe('What is expected of it, in words'),
  /** To be typed or run; null where there is no one command. */
  command: z.string().nullable(),
});

export const findingSchema = z
  .object({
    id: z.string(),
    kind: z.string().describe('Such as `cpu-contention`, `memory-fragmentation`, `slow-drift`'),
    resource: z.enum([
      'cpu',
      'memory',
      'io',
      'network',
      'gpu',
      'cache',
      'locks',
      'power',
      'queue',
      'software',
    ]),
    severity: z.enum(['low', 'moderate', 'high', 'critical']),
    score: z.number().describe('0…1; critical from 0.8, high from 0.6, moderate from 0.4'),
    sentence: z.string(),
    since: moment.nullable(),
    evidence: z.array(evidenceSchema),
    culprits: z.array(partySchema),
    sufferers: z.array(partySchema),
    /** As `immediate-cpu-reallocation`. */
    strategy: z.string().optional().describe('What kind of answer its severity calls for'),
    remedies: z.array(remedySchema).describe('The one to be tried first comes first'),
  })
  .openapi('Finding');

export const doctorReportSchema = z
  .object({
    from: moment,
    to: moment,
    sentence: z.string(),
    quality: z.number().nullable(),
    findings: z.array(findingSchema).describe('Worst first'),
    /** What was looked at, also where nothing was found: utilisation, saturation, errors. */
    looked: z.array(
      z.object({
        resource: z.string(),
        utilisation: z.number().nullable(),
        saturation: z.number().nullable(),
        errors: z.number().nullable(),
        sentence: z.string(),
      }),
    ),
  })
  .openapi('DoctorReport');

export const kpiSchema = z
  .object({
    name: z.string(),
    title: z.string(),
    unit,
    /** Null: nothing to tell it from. */
    value: z.number().nullable(),
    target: z.number(),
    critical: z.number(),
    better: z.enum(['higher', 'lower']),
    status: z.enum(['good', 'warning', 'critical', 'unknown']),
    samples: z.int(),
    low: z.number().nullable().describe('Of its 90 % interval, where there is one'),
    high: z.number().nullable(),
    sentence: z.string(),
  })
  .openapi('Kpi');

export const objectiveSchema = z
  .object({
    name: z.string(),
    objective: z.number(),
    period_ms: z.int(),
    counted: z.enum(['jobs', 'tasks', 'runs', 'seconds']).describe('What `good` and `bad` are'),
    good: z.int(),
    bad: z.int(),
    budget_left: z
      .number()
      .nullable()
      .describe('Share of what may be bad; below 0: overspent; null: nothing was counted'),
    windows: z.array(
      z.object({
        long_ms: z.int(),
        short_ms: z.int(),
        burn_long: z.number().nullable(),
        burn_short: z.number().nullable(),
        threshold: z.number(),
        fires: z.boolean(),
        severity: severitySchema,
      }),
    ),
  })
  .openapi('Objective');

export const kpiListSchema = z
  .object({
    from: moment,
    to: moment,
    complete: z.boolean().describe('False: the journal tells of what happened since `from` only'),
    kpis: z.array(kpiSchema),
    objectives: z.array(objectiveSchema),
  })
  .openapi('KpiList');

export type MetricList = z.infer<typeof metricListSchema>;
export type MetricDriftDocument = z.infer<typeof metricDriftSchema>;
export type MetricHistoryDocument = z.infer<typeof metricHistorySchema>;
export type AlertList = z.infer<typeof alertListSchema>;
export type AlertDocument = z.infer<typeof alertSchema>;
export type DoctorReport = z.infer<typeof doctorReportSchema>;
export type FindingDocument = z.infer<typeof findingSchema>;
export type KpiList = z.infer<typeof kpiListSchema>;
