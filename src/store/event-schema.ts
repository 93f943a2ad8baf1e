import { z } from 'zod';
import type { MicroDollars, MilliGpu, TimeMs } from '../base/units.ts';
import { exceededCauses } from '../model/attempt.ts';
import type {
  AttemptId,
  NodeId,
  QueueName,
  StepId,
  TaskId,
  TenantId,
  WorkloadId,
} from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import { preemptionStrategies } from '../model/preemption.ts';
import { qosClasses } from '../model/qos.ts';
import { probeKinds } from '../model/service.ts';
import { execution } from './execution-form.ts';
import {
  cachedFrom,
  flow,
  flowValue,
  flowValues,
  limitReached,
  resumption,
  stepEndReason,
  workloadLimits,
} from './flow-form.ts';
import { liveForms } from './live-forms.ts';
import { budgetFacts, reserve, spending } from './money-form.ts';
import { basisPoints, bytes, milliCpu, span, text, textMap, whole } from './plain-forms.ts';
import { service } from './service-form.ts';
import { spotForms } from './spot-forms.ts';

type Kind = Event['kind'];
type EventOf<K extends Kind> = Extract<Event, { kind: K }>;

/** The stored form of one kind of event. */
export interface EventForm<E> {
  /** From 1. A change of the form raises it and adds an upcaster from the version before. */
  readonly version: number;
  /** Refuses keys that it does not know, so that a field it would lose is found when it is written. */
  readonly schema: z.ZodType<E>;
}

export type EventForms = { readonly [K in Kind]: EventForm<EventOf<K>> };

/** The keys of T, deep and all of them required. */
type Shape<T> = T extends string | number | boolean | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Shape<Item>[]
    : { readonly [K in keyof T]-?: Shape<T[K]> };

type Same<A, B> = [A, B] extends [B, A] ? unknown : { readonly schemaDiffersFromEvent: never };

/** Does not compile while an event has a field or a case, however optional and deep, that its schema lacks. */
function complete<F extends EventForms>(
  forms: F & {
    readonly [K in Kind]: Same<Shape<z.output<F[K]['schema']>>, Shape<EventOf<K>>>;
  },
): EventForms {
  return forms;
}

const custom = z.array(z.tuple([z.string(), whole()]));
const resources = z.strictObject({
  cpu: milliCpu,
  memory: bytes,
  gpu: whole<MilliGpu>(),
  gpuMemory: bytes.exactOptional(),
  mig: z.string().exactOptional(),
  gpuFor: text<WorkloadId>().exactOptional(),
  custom,
});

const gpu = z.strictObject({
  id: z.string(),
  model: z.string(),
  memory: bytes,
  numa: whole().exactOptional(),
  vendor: z.enum(['amd', 'intel']).exactOptional(),
  sharing: z
    .union([
      z.strictObject({ kind: z.enum(['exclusive', 'mps']) }),
      z.strictObject({ kind: z.literal('time-slice'), replicas: whole() }),
    ])
    .exactOptional(),
  mig: z
    .union([
      z.strictObject({ kind: z.literal('instance'), profile: z.string() }),
      z.strictObject({ kind: z.literal('cut') }),
    ])
    .exactOptional(),
});

const node = z.strictObject({
  id: text<NodeId>(),
  cpu: milliCpu,
  memory: bytes,
  gpus: z.array(gpu),
  custom,
  scratch: bytes.exactOptional(),
  labels: textMap,
  links: z.array(z.array(whole())).exactOptional(),
  cpus: z.array(z.strictObject({ id: whole(), core: whole(), numa: whole() })).exactOptional(),
  taints: z.array(z.strictObject({ key: z.string(), value: z.string() })).exactOptional(),
  closed: z.enum(['drained', 'unhealthy']).exactOptional(),
});

const labelExpression = z.union([
  z.strictObject({
    operator: z.enum(['in', 'not-in']),
    key: z.string(),
    values: z.array(z.string()),
  }),
  z.strictObject({ operator: z.enum(['exists', 'does-not-exist']), key: z.string() }),
  z.strictObject({ operator: z.enum(['gt', 'lt']), key: z.string(), value: z.number() }),
]);

const constraints = z.strictObject({
  gpuModels: z.array(z.string()),
  gpuMemory: bytes,
  labels: z.array(labelExpression),
  preferred: z.array(z.strictObject({ weight: whole(), label: labelExpression })).exactOptional(),
  tolerations: z
    .array(z.strictObject({ key: z.string().exactOptional(), value: z.string().exactOptional() }))
    .exactOptional(),
  company: z
    .array(
      z.strictObject({
        kind: z.enum(['near', 'apart', 'spread']),
        label: z.string().exactOptional(),
        values: z.array(z.string()),
        topology: z.string(),
        maxSkew: whole(),
        weight: whole(),
      }),
    )
    .exactOptional(),
  data: z
    .array(z.strictObject({ names: z.array(z.string()), within: z.string(), weight: whole() }))
    .exactOptional(),
  scratch: z
    .array(z.strictObject({ name: z.string(), bytes, forMs: span.exactOptional() }))
    .exactOptional(),
  gpuAlone: z.literal(true).exactOptional(),
});

const step = z.strictObject({
  id: text<StepId>(),
  needs: z.array(text<StepId>()),
  run: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('argv'), argv: z.array(z.string()) }),
    z.strictObject({ kind: z.literal('shell'), script: z.string() }),
    z.strictObject({ kind: z.literal('held'), ttlMs: span }),
  ]),
  count: whole(),
  maxParallel: whole(),
  request: resources,
  inPlaceOf: resources.pick({ gpu: true, gpuMemory: true, mig: true }).exactOptional(),
  constraints: constraints.exactOptional(),
  limits: z.strictObject({
    cpu: milliCpu,
    memory: bytes,
    pids: whole(),
    wallMs: span,
    graceMs: span,
    logBytes: bytes,
    cost: whole<MicroDollars>().exactOptional(),
    modelCalls: whole().exactOptional(),
    tokens: whole().exactOptional(),
    results: whole().exactOptional(),
  }),
  execution: execution.exactOptional(),
  flow: flow.exactOptional(),
  service: service.exactOptional(),
  estimateMs: span.exactOptional(),
  gangMin: whole().exactOptional(),
  topology: z.strictObject({ label: z.string(), required: z.boolean() }).exactOptional(),
  stops: z
    .strictObject({
      preemptible: z.boolean(),
      checkpointMs: span.exactOptional(),
      restartMs: span,
      minRunMs: span,
      preemptionPriority: whole().exactOptional(),
    })
    .exactOptional(),
  qos: z.enum(qosClasses).exactOptional(),
  gather: z.strictObject({ alike: z.string(), waitMs: span, max: whole() }).exactOptional(),
  retry: z.strictObject({
    maxRetries: whole(),
    backoffMs: span,
    backoffFactor: basisPoints,
    backoffMaxMs: span,
    memoryGrowth: basisPoints,
  }),
  env: textMap,
  cwd: z.string(),
});

const dailyHours = z.strictObject({
  kind: z.literal('daily'),
  startMs: whole(),
  endMs: whole(),
  zone: z.strictObject({
    name: z.string(),
    offsets: z.array(z.strictObject({ from: whole<TimeMs>(), offsetMs: z.int() })),
  }),
});

const spec = z.strictObject({
  kind: z.enum(['job', 'pipeline', 'service', 'lease']),
  name: z.string(),
  queue: text<QueueName>(),
  priority: z.int(),
  class: z.strictObject({ name: z.string(), priority: z.int().exactOptional() }).exactOptional(),
  labels: textMap,
  deadlineAt: whole<TimeMs>().exactOptional(),
  steps: z.array(step),
  spot: z.boolean().exactOptional(),
  preferred: z
    .strictObject({ hours: z.union([z.literal('off-peak'), dailyHours]), maxWaitMs: span })
    .exactOptional(),
  limits: workloadLimits.exactOptional(),
  vars: flowValues.exactOptional(),
  submittedBy: text<TaskId>().exactOptional(),
  warnings: z.array(z.string()).exactOptional(),
  guaranteed: z.literal(true).exactOptional(),
  source: z.string(),
});

const term = z.strictObject({
  term: z.string(),
  by: z.enum(['kernel', 'proxy', 'accounting', 'none']),
  note: z.string(),
});
const terms = z.array(term);

const used = z.strictObject({
  modelCalls: whole().exactOptional(),
  tokens: whole().exactOptional(),
  results: whole().exactOptional(),
  requests: whole().exactOptional(),
});

const end = z.strictObject({
  cause: z.enum([
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
  ]),
  exitCode: z.int().exactOptional(),
  signal: z.string().exactOptional(),
  usage: z.strictObject({
    wallMs: span.exactOptional(),
    cpuMs: span.exactOptional(),
    memoryPeak: bytes.exactOptional(),
    logBytes: bytes.exactOptional(),
  }),
  used: used.exactOptional(),
  enforced: z.strictObject({
    driver: z.enum(['cgroup-v2', 'cgroup-v1', 'unprivileged', 'simulated', 'unknown']),
    cpu: z.enum(['quota', 'weight', 'none']),
    memory: z.enum(['kernel', 'watchdog', 'none']),
    pids: z.enum(['kernel', 'rlimit', 'none']),
    notes: z.array(z.string()),
    terms: terms.exactOptional(),
  }),
  outputs: flowValues.exactOptional(),
  cachedFrom: cachedFrom.exactOptional(),
  message: z.string().exactOptional(),
});

const placement = z.strictObject({
  node: text<NodeId>(),
  held: resources,
  gpus: z.array(z.string()),
  memoryLimit: bytes,
  ports: z.record(z.string(), whole()).exactOptional(),
  cores: z.array(whole()).exactOptional(),
  notSpot: spotForms.obstacle.exactOptional(),
});

const retry = z.strictObject({
  dueAt: whole<TimeMs>(),
  memory: bytes.exactOptional(),
  inRow: whole().exactOptional(),
});

const attempt = text<AttemptId>();
const task = text<TaskId>();
const workload = text<WorkloadId>();
const tenant = text<TenantId>();
const endState = z.enum(['succeeded', 'failed', 'cancelled']);

const queue = text<QueueName>();
const preemption = z.strictObject({
  preemptor: task,
  ask: resources,
  victims: z.array(z.strictObject({ attempt, queue, priority: z.int(), cost: whole() })),
  claims: z.array(z.strictObject({ node: text<NodeId>(), members: whole() })),
  rule: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('priority'), preemptor: z.int(), victim: z.int() }),
    z.strictObject({
      kind: z.literal('share'),
      taker: queue,
      giver: queue,
      takerBefore: z.int(),
      takerAfter: z.int(),
      giverBefore: z.int(),
      giverAfter: z.int(),
    }),
  ]),
  chosen: z.enum(preemptionStrategies),
  options: z.array(
    z.strictObject({
      strategy: z.enum(preemptionStrategies),
      victims: whole(),
      highestPriority: z.int(),
      highestClass: whole().exactOptional(),
      lost: whole(),
      waiting: whole(),
      total: whole(),
    }),
  ),
});

const keep = z.strictObject({
  task,
  ask: resources,
  claims: z.array(z.strictObject({ node: text<NodeId>(), members: whole() })),
  from: whole<TimeMs>().exactOptional(),
});

function form<K extends Kind, F extends z.core.$ZodShape>(kind: K, version: number, fields: F) {
  return {
    version,
    schema: z.strictObject({ kind: z.literal(kind), at: whole<TimeMs>(), ...fields }),
  };
}

export const eventForms: EventForms = complete({
  'node-joined': form('node-joined', 1, { node }),
  'node-left': form('node-left', 1, { node: text<NodeId>() }),
  'workload-submitted': form('workload-submitted', 1, {
    workload,
    tenant,
    spec,
    resumes: resumption.exactOptional(),
  }),
  'workload-spilled': form('workload-spilled', 1, { workload, tenant, queue }),
  'spill-dropped': form('spill-dropped', 1, { workload }),
  'task-placed': form('task-placed', 1, { attempt, placement, reserved: reserve.exactOptional() }),
  'attempts-lined-up': form('attempts-lined-up', 1, {
    behind: attempt,
    attempts: z.array(attempt),
  }),
  'task-started': form('task-started', 1, { attempt, pid: whole(), terms: terms.exactOptional() }),
  'stop-ordered': form('stop-ordered', 1, {
    attempt,
    reason: z.enum([
      'cancelled',
      'preempted',
      'unhealthy',
      'over-budget',
      'evicted',
      'spot',
      'moved',
      'overused',
      'over-limit',
    ]),
  }),
  'preemption-ordered': form('preemption-ordered', 1, { preemption }),
  'seats-kept': form('seats-kept', 1, { keep }),
  'task-ended': form('task-ended', 1, {
    attempt,
    end,
    charged: whole<MicroDollars>().exactOptional(),
    retry: retry.exactOptional(),
  }),
  'retry-due': form('retry-due', 1, { task }),
  'step-ended': form('step-ended', 1, {
    workload,
    step: text<StepId>(),
    state: z.enum(['succeeded', 'failed', 'cancelled', 'skipped']),
    reason: stepEndReason.exactOptional(),
  }),
  'step-opened': form('step-opened', 1, { workload, step: text<StepId>() }),
  'step-expanded': form('step-expanded', 1, {
    workload,
    step: text<StepId>(),
    items: z.array(flowValue),
  }),
  'storage-measured': form('storage-measured', 1, {
    used: z.array(z.strictObject({ tenant: text<TenantId>(), bytes })),
  }),
  'attempt-used': form('attempt-used', 1, { attempt, used }),
  'limit-reached': form('limit-reached', 1, { workload, reached: limitReached }),
  'cancel-requested': form('cancel-requested', 1, { workload, by: tenant }),
  'attempt-adjusted': form('attempt-adjusted', 1, {
    attempt,
    held: resources,
    limits: liveForms.limits,
    cores: z.array(whole()).exactOptional(),
    by: tenant,
  }),
  'attempt-paused': form('attempt-paused', 1, { attempt, by: tenant }),
  'attempt-resumed': form('attempt-resumed', 1, { attempt, by: tenant }),
  'adjustment-reported': form('adjustment-reported', 1, { attempt, terms: z.array(term) }),
  'priority-changed': form('priority-changed', 1, { workload, priority: z.int(), by: tenant }),
  'eviction-ordered': form('eviction-ordered', 1, { eviction: liveForms.eviction }),
  'spot-noticed': form('spot-noticed', 1, {
    node: text<NodeId>(),
    deadline: whole<TimeMs>(),
  }),
  'spot-priced': form('spot-priced', 1, { quotes: z.array(spotForms.quote) }),
  'rebalance-started': form('rebalance-started', 1, { plan: liveForms.plan, settleMs: span }),
  'move-ordered': form('move-ordered', 1, { move: liveForms.move }),
  'move-ended': form('move-ended', 1, { move: liveForms.move, outcome: liveForms.outcome }),
  'lease-renewed': form('lease-renewed', 1, { workload }),
  'task-probed': form('task-probed', 1, {
    attempt,
    probe: z.enum(probeKinds),
    ok: z.boolean(),
    detail: z.string(),
  }),
  'service-scaled': form('service-scaled', 1, {
    workload,
    replicas: whole(),
    auto: z.strictObject({ from: whole(), reason: z.string() }).exactOptional(),
  }),
  'service-updated': form('service-updated', 1, { workload, revision: whole(), spec }),
  'canary-passed': form('canary-passed', 1, { workload, revision: whole() }),
  'service-rolled-back': form('service-rolled-back', 1, {
    workload,
    from: whole(),
    to: whole(),
    reason: z.string(),
  }),
  'rollout-finished': form('rollout-finished', 1, { workload, revision: whole() }),
  'replica-opened': form('replica-opened', 1, { task }),
  'replica-retired': form('replica-retired', 1, { task }),
  'reserve-renewed': form('reserve-renewed', 1, {
    attempt,
    charged: whole<MicroDollars>(),
    reserved: reserve,
  }),
  'spend-settled': form('spend-settled', 1, { workload: workload.exactOptional(), spending }),
  'budget-warned': form('budget-warned', 1, { facts: budgetFacts }),
  'budget-exceeded': form('budget-exceeded', 1, { workload, facts: budgetFacts }),
  'workload-ended': form('workload-ended', 1, { workload, state: endState }),
  'workload-retired': form('workload-retired', 1, { workload }),
});
