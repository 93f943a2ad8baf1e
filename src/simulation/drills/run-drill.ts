import { bytes, milliCpu, type SpanMs, spanMs, type TimeMs, UNLIMITED } from '../../base/units.ts';
import type { DrillJob, DrillNodes, DrillTerms, DrillVariant } from '../../model/drill.ts';
import type { NodeId, QueueName, StepId, TenantId } from '../../model/ids.ts';
import type { Event } from '../../model/messages.ts';
import type { Node } from '../../model/node.ts';
import type { Resources } from '../../model/resources.ts';
import { defaultScheduling, type SchedulingConfig } from '../../model/scheduling-config.ts';
import type { StepSpec, WorkloadSpec } from '../../model/workload.ts';
import type { RequestSecond } from '../models/request-load.ts';
import { modelsOf } from '../models/world-models.ts';
import type { Observer } from '../observer.ts';
import { engineFor, policyNamed } from '../policies.ts';
import { simulate } from '../simulate.ts';
import type { Trace, TraceJob } from '../trace.ts';
import { type DrillOutcome, DrillRecord } from './drill-outcome.ts';

/** 2026-01-01, so that times of a drill look like times. */
const START = 1_767_225_600_000;
const GIB = 1024 ** 3;
/** So many events are kept for whoever looks at them afterwards. */
const EVENTS_MAX = 1_000_000;
const RETRY_MS = spanMs(5_000);

export interface PlayedDrill {
  readonly variant: DrillVariant;
  readonly outcome: DrillOutcome;
  /** As a journal has them, at most a million; for the diagnosis of what happened. */
  readonly events: readonly Event[];
  /** Of requests, second by second; undefined where the world has none. */
  readonly seconds: readonly RequestSecond[] | undefined;
  /** What a site would have measured of memory and of what was sent again. */
  readonly measured: (
    from: number,
    to: number,
  ) => { readonly retransmitRatio?: number; readonly pressureRatio?: number };
}

export interface DrillOptions {
  readonly variant: DrillVariant;
  readonly seed: number;
  readonly observers?: readonly Observer[];
}

/** Plays one variant of a drill; or says in a sentence why it cannot be played. */
export function runDrill(
  drill: DrillTerms,
  { variant, seed, observers = [] }: DrillOptions,
): PlayedDrill | { readonly why: string } {
  const policy = policyNamed(variant.policy, schedulingOf(variant));
  if ('why' in policy) return policy;
  const nodes = drill.nodes.flatMap(nodesOf);
  const { breaker, backpressure, bulkhead } = variant;
  const cures = {
    ...(breaker && { breaker }),
    ...(backpressure && { backpressure }),
    ...(bulkhead && { bulkhead }),
  };
  const { requests } = drill.world;
  const world = { ...drill.world, ...(requests && { requests: { ...requests, ...cures } }) };
  const { models, requests: load } = modelsOf(world, nodes);
  const record = new DrillRecord();
  const events: Event[] = [];
  const recorder: Observer = {
    happened: (event) => {
      if (events.length < EVENTS_MAX) events.push(event);
    },
  };
  simulate({
    trace: traceOf(drill),
    nodes,
    engine: engineFor(policy.config),
    seed,
    models,
    observers: [recorder, record, ...observers],
    until: (START + drill.forMs) as TimeMs,
  });
  return {
    variant,
    outcome: record.outcome(load),
    events,
    seconds: load?.seconds,
    measured: (from, to) => load?.measured(from, to) ?? {},
  };
}

function schedulingOf({ preemption }: DrillVariant): SchedulingConfig {
  if (!preemption) return defaultScheduling;
  return { ...defaultScheduling, preemption: { minRunMs: spanMs(0), perQueueHour: 1_000 } };
}

function nodesOf({ name, count, cpu, memory, gpus, racks, labels }: DrillNodes): Node[] {
  const perRack = Math.ceil(count / racks);
  return Array.from({ length: count }, (_, i) => ({
    id: `${name}${i}` as NodeId,
    cpu,
    memory,
    gpus: Array.from({ length: gpus }, (_, gpu) => ({
      id: `${name}${i}-gpu${gpu}`,
      model: 'modelled',
      memory: bytes(80 * GIB),
    })),
    custom: [],
    labels: { rack: `${name}-r${Math.floor(i / perRack)}`, ...labels },
  }));
}

function traceOf({ name, jobs }: DrillTerms): Trace {
  const submitted = jobs
    .flatMap((job, order) => {
      const spec = specOf(job);
      return Array.from({ length: job.times }, (_, i) => ({ ...submission(job, spec, i), order }));
    })
    .sort((a, b) => a.at - b.at || a.order - b.order);
  return { name, format: 'drill', jobs: submitted, count: submitted.length, skipped: [] };
}

const submission = (job: DrillJob, spec: WorkloadSpec, i: number): TraceJob => ({
  id: `${job.name}#${i}`,
  at: (START + job.atMs + i * job.everyMs) as TimeMs,
  tenant: job.tenant as TenantId,
  spec,
  runMs: job.runMs,
});

function specOf(job: DrillJob): WorkloadSpec {
  const request: Resources = { cpu: job.cpu, memory: job.memory, gpu: job.gpu, custom: [] };
  const step: StepSpec = {
    id: job.name as StepId,
    needs: [],
    run: { kind: 'argv', argv: [job.name] },
    count: job.count,
    maxParallel: UNLIMITED,
    request,
    limits: {
      cpu: milliCpu(UNLIMITED),
      memory: bytes(UNLIMITED),
      pids: UNLIMITED,
      wallMs: UNLIMITED as SpanMs,
      graceMs: spanMs(10_000),
      logBytes: bytes(0),
    },
    ...(job.estimateMs !== undefined && { estimateMs: job.estimateMs }),
    ...(job.gang && { gangMin: job.count }),
    stops: {
      preemptible: job.preemptible,
      ...(job.checkpointMs !== undefined && { checkpointMs: job.checkpointMs }),
      restartMs: job.restartMs,
      minRunMs: spanMs(0),
    },
    retry: {
      maxRetries: job.retries,
      backoffMs: RETRY_MS,
      backoffFactor: 10_000 as StepSpec['retry']['backoffFactor'],
      backoffMaxMs: RETRY_MS,
      memoryGrowth: 10_000 as StepSpec['retry']['memoryGrowth'],
    },
    env: {},
    cwd: '/',
  };
  return {
    kind: 'job',
    name: job.name,
    queue: 'default' as QueueName,
    priority: job.priority,
    labels: {},
    steps: [step],
    source: '',
  };
}
