import { z } from '@hono/zod-openapi';
import { exceededCauses } from '../../model/attempt.ts';
import { limitNames } from '../../model/flow.ts';
import { preemptionSchema } from './preemption-documents.ts';
import { serviceSchema } from './service-documents.ts';

/** The JSON that people and programs see: API answers, `--json` output, SSE payloads. Snake case; units last. */

const moment = z.int().describe('Milliseconds since 1970');
const causes = z.enum([
  'succeeded',
  'failed',
  'signalled',
  'oom-killed',
  'timed-out',
  'disk-exceeded',
  ...exceededCauses,
  'cancelled',
  'preempted',
  'unhealthy',
  'over-limit',
  'over-budget',
  'overused',
  'start-failed',
  'unstarted',
  'lost',
]);
const state = z.enum(['waiting', 'running', 'succeeded', 'failed', 'cancelled', 'skipped']);
const status = z
  .enum(['spilled', ...state.options])
  .describe('`spilled`: accepted, and waits on disk until its queue has room');

export const termSchema = z
  .object({
    term: z.string().describe('As `cores`, `io`, `nice`'),
    by: z.enum(['kernel', 'proxy', 'accounting', 'none']),
    note: z.string().describe('How, or why not'),
  })
  .openapi('Term');

export const enforcedSchema = z
  .object({
    driver: z.enum(['cgroup-v2', 'cgroup-v1', 'unprivileged', 'simulated', 'unknown']),
    cpu: z.enum(['quota', 'weight', 'none']),
    memory: z.enum(['kernel', 'watchdog', 'none']),
    pids: z.enum(['kernel', 'rlimit', 'none']),
    notes: z.array(z.string()),
    terms: z.array(termSchema).optional().describe('Of each execution term that was asked for'),
  })
  .openapi('Enforced');

export const resourcesSchema = z
  .object({
    cpu_milli: z.int(),
    memory_bytes: z.int(),
    gpu_milli: z.int(),
    custom: z.record(z.string(), z.int()),
  })
  .openapi('Resources');

export const limitsSchema = z
  .object({
    cpu_milli: z.int().nullable(),
    memory_bytes: z.int().nullable(),
    pids: z.int().nullable(),
    wall_ms: z.int().nullable(),
    grace_ms: z.int(),
    log_bytes: z.int(),
  })
  .openapi('Limits');

const usedSchema = z
  .object({
    model_calls: z.int().optional(),
    tokens: z.int().optional(),
    results: z.int().optional(),
    requests: z.int().optional(),
  })
  .openapi('ToldUse');

export const attemptSchema = z
  .object({
    id: z.string(),
    task: z.string(),
    number: z.int(),
    state: z.enum(['placed', 'running', 'paused', 'stopping', 'ended']),
    node: z.string(),
    gpus: z.array(z.string()),
    cores: z.array(z.int()).optional().describe('Logical CPUs that it is kept to'),
    pid: z.int().nullable(),
    placed_at: moment,
    started_at: moment.nullable(),
    ended_at: moment.nullable(),
    cause: causes.nullable(),
    exit_code: z.int().nullable(),
    signal: z.string().nullable(),
    message: z.string().nullable(),
    wall_ms: z.int().nullable(),
    cpu_ms: z.int().nullable(),
    memory_peak_bytes: z.int().nullable(),
    memory_limit_bytes: z.int().nullable(),
    used: usedSchema.optional().describe('What it told of its use; absent where it told nothing'),
    enforced: enforcedSchema.nullable(),
    cpu_milli: z.int().describe('What it holds of the CPU now'),
    ready: z.boolean().optional().describe('Of a replica: its probes say so'),
    ports: z.record(z.string(), z.int()).optional().describe('That it was given, by name'),
    outputs: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('What it said of its results; absent where it said nothing'),
    cached_from: z
      .object({ attempt: z.string(), at: moment })
      .optional()
      .describe('Nothing was run: the result is that of this attempt'),
    terms: z
      .array(termSchema)
      .optional()
      .describe('What became of its execution terms, from its start on; absent where it has none'),
  })
  .openapi('Attempt');

export const calibrationSchema = z
  .object({
    inside: z.int().describe('Of those, how many starts lay inside'),
    of: z.int().describe('Starts of late that had been foretold here, 200 at most'),
  })
  .openapi('StartCalibration', {
    description: 'How often intervals that are meant to hold eight tenths of all starts did',
  });

export const startSchema = z
  .object({
    at: moment.describe('As likely before it as after it'),
    low: moment.describe('One of ten such tasks starts earlier'),
    high: moment.nullable().describe('One of ten starts later; null: beyond what was looked at'),
  })
  .openapi('ForetoldStart');

export const reasonSchema = z
  .object({
    code: z.string().describe('The refusal code of docs/reference/refusals.md'),
    sentence: z.string().describe('What is lacking, and where'),
    change: z.string().nullable().describe('What would let it start'),
    facts: z.record(z.string(), z.unknown()),
    tasks: z.int().describe('How many tasks wait for this reason'),
    starts_at: moment.optional().describe('When the first of them is likely to start'),
    starts: startSchema
      .extend({ calibration: calibrationSchema })
      .optional()
      .describe('The same with an interval, and how often such intervals were right'),
    starts_after: z.string().optional().describe('The attempt whose end lets it start'),
  })
  .openapi('Reason');

export const stepSchema = z
  .object({
    id: z.string(),
    state,
    needs: z.array(z.string()),
    command: z.string().describe('One line for people'),
    tasks: z.object({
      total: z.int(),
      waiting: z.int(),
      running: z.int(),
      succeeded: z.int(),
      failed: z.int(),
      cancelled: z.int(),
    }),
    request: resourcesSchema,
    limits: limitsSchema,
    started_at: moment.nullable(),
    ended_at: moment.nullable(),
    note: z.string().optional().describe('Why it ended as it did, where its attempts do not say'),
    attempts: z.array(attemptSchema).describe('In order of start; all tasks of the step'),
    waiting_for: z.array(reasonSchema),
  })
  .openapi('Step');

/** What `run --json`, `wait --json` and GET /api/v1/workloads/{id} answer. */
export const workloadSchema = z
  .object({
    id: z.string(),
    status,
    workload: z.object({
      id: z.string(),
      name: z.string(),
      kind: z.enum(['job', 'pipeline', 'service', 'lease']),
      queue: z.string(),
      tenant: z.string(),
      priority: z.int(),
      class: z.string().optional().describe('Its priority class; absent where it names none'),
      labels: z.record(z.string(), z.string()),
      submitted_by: z
        .string()
        .optional()
        .describe('The task that submitted it; absent when a person did'),
      submitted_at: moment,
      started_at: moment.nullable(),
      ended_at: moment.nullable(),
    }),
    service: serviceSchema.optional().describe('Only of a service'),
    limit_reached: z
      .object({ limit: z.enum(limitNames), message: z.string() })
      .optional()
      .describe('The first of its own limits that it reached'),
    used: usedSchema.optional().describe('What all its tasks told of their use, together'),
    resumes: z.string().optional().describe('The run that it goes on with'),
    warnings: z
      .array(z.string())
      .optional()
      .describe('What its document says that nothing acts on; absent where all of it acts'),
    steps: z.array(stepSchema),
  })
  .openapi('Workload');

export const workloadSummarySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(['job', 'pipeline', 'service', 'lease']),
    status,
    queue: z.string(),
    tenant: z.string(),
    priority: z.int(),
    submitted_at: moment,
    started_at: moment.nullable(),
    ended_at: moment.nullable(),
    tasks: z.object({
      total: z.int(),
      waiting: z.int(),
      running: z.int(),
      succeeded: z.int(),
      failed: z.int(),
      cancelled: z.int(),
    }),
    replicas: z
      .object({ ready: z.int(), wanted: z.int() })
      .optional()
      .describe('Only of a service'),
    reason: z.string().nullable().describe('Why it waits, or why it failed, in a sentence'),
    starts: startSchema
      .optional()
      .describe('When its first task is likely to start; only with `starts`, and where it waits'),
  })
  .openapi('WorkloadSummary');

export const workloadListSchema = z
  .object({
    workloads: z.array(workloadSummarySchema),
    total: z.int(),
    calibration: calibrationSchema.optional().describe('Only with `starts`'),
  })
  .openapi('WorkloadList');

export const whySchema = z
  .object({
    id: z.string(),
    status,
    sentence: z.string(),
    steps: z.array(
      z.object({
        id: z.string(),
        state,
        sentence: z.string(),
        reasons: z.array(reasonSchema),
        terms: z
          .array(termSchema)
          .optional()
          .describe('What became of its execution terms, each once; absent where it has none'),
      }),
    ),
    warnings: z
      .array(z.string())
      .optional()
      .describe('What its document says that nothing acts on; absent where all of it acts'),
    preemptions: z
      .array(preemptionSchema)
      .describe('In which its tasks were stopped, or others for them; newest first'),
  })
  .openapi('Why');

export const statusSchema = z
  .object({
    pid: z.int(),
    version: z.string(),
    state_dir: z.string(),
    site_file: z
      .string()
      .nullable()
      .describe('The site document that the daemon read at its start; null where there is none'),
    url: z.string().describe('Where the API and the web page are'),
    socket: z.string(),
    host: z.string(),
    started_at: moment,
    now: moment,
    launcher_pid: z.int().nullable(),
    enforcement: enforcedSchema,
    journal: z.object({ sequence: z.int(), stalled: z.string().nullable() }),
    plugins: z
      .array(
        z.object({
          name: z.string(),
          kind: z.enum(['scorer', 'filter', 'order']),
          file: z.string(),
          problem: z.string().nullable().describe('Why it was set aside; null while it is in use'),
          slowest_pass_ms: z.int().describe('The most that it took of one scheduling pass'),
        }),
      )
      .describe("The site's own scorers, filters and orders"),
    counts: z.object({
      waiting: z.int().describe('On disk or in a queue'),
      running: z.int(),
      ended: z.int(),
    }),
  })
  .openapi('Status');

export const nodeSchema = z
  .object({
    id: z.string(),
    allocatable: resourcesSchema,
    held: resourcesSchema,
    gpus: z.array(
      z.object({
        id: z.string(),
        model: z.string(),
        memory_bytes: z.int(),
        held_milli: z.int(),
      }),
    ),
    labels: z.record(z.string(), z.string()),
  })
  .openapi('Node');

export const nodeListSchema = z.object({ nodes: z.array(nodeSchema) }).openapi('NodeList');

/** Columns of equal length, oldest first; null where there is no sample. */
export const usageSchema = z
  .object({
    interval_ms: z.int(),
    at: z.array(moment),
    cpu_ratio: z.array(z.number().nullable()).describe('Busy share of all cores, 0…1'),
    cpu_held_ratio: z.array(z.number().nullable()).describe('Share of the CPU given out, 0…1'),
    memory_used_bytes: z.array(z.number().nullable()),
    memory_held_bytes: z.array(z.number().nullable()),
    memory_total_bytes: z.number().nullable(),
    io_pressure_ratio: z.array(z.number().nullable()).describe('PSI some, share of the interval'),
    memory_pressure_ratio: z.array(z.number().nullable()),
    cpu_pressure_ratio: z.array(z.number().nullable()),
  })
  .openapi('Usage');

export const submittedSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    warnings: z.array(z.string()),
    spilled: z
      .object({
        queue: z.string(),
        ahead: z.int().describe('How many wait on disk for the queue before it'),
      })
      .optional()
      .describe('Only where its queue is full: it waits on disk until there is room'),
  })
  .openapi('Submitted');

/** RFC 9457. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    hint: z.string(),
    issues: z.array(z.unknown()).optional(),
    facts: z.record(z.string(), z.unknown()).optional(),
  })
  .openapi('Problem');

export const logChunkSchema = z
  .object({
    attempt: z.string(),
    stream: z.enum(['stdout', 'stderr']),
    text: z.string(),
    offset: z.int().describe('Bytes written before this text since the attempt began'),
    next: z.int().describe('Pass as `from` to go on'),
    dropped: z.int().describe('Bytes between `from` and this text that the cap threw away'),
    ended: z.boolean(),
  })
  .openapi('LogChunk');

export type WorkloadDocument = z.infer<typeof workloadSchema>;
export type StartCalibration = z.infer<typeof calibrationSchema>;
export type ForetoldStart = z.infer<typeof startSchema>;
export type WorkloadSummary = z.infer<typeof workloadSummarySchema>;
export type WorkloadList = z.infer<typeof workloadListSchema>;
export type StepDocument = z.infer<typeof stepSchema>;
export type AttemptDocument = z.infer<typeof attemptSchema>;
export type Reason = z.infer<typeof reasonSchema>;
export type Why = z.infer<typeof whySchema>;
export type Status = z.infer<typeof statusSchema>;
export type NodeList = z.infer<typeof nodeListSchema>;
export type Usage = z.infer<typeof usageSchema>;
export type Submitted = z.infer<typeof submittedSchema>;
export type Problem = z.infer<typeof problemSchema>;
export type LogChunk = z.infer<typeof logChunkSchema>;
export type TermDocument = z.infer<typeof termSchema>;
export type EnforcedDocument = z.infer<typeof enforcedSchema>;
