import type { SpanMs } from '../../base/units.ts';
import {
  type BasisPoints,
  type Bytes,
  bytes,
  milliCpu,
  spanMs,
  UNLIMITED,
} from '../../base/units.ts';
import { type Constraints, constraintsKey } from '../../model/constraints.ts';
import type { QueueName, StepId } from '../../model/ids.ts';
import { type Resources, resourcesKey } from '../../model/resources.ts';
import type { Limits, RetryPolicy, WorkloadSpec } from '../../model/workload.ts';

/** All that jobs of a trace may have in common. */
export interface JobShape {
  readonly name: string;
  readonly queue: QueueName;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Of each task. */
  readonly request: Resources;
  readonly constraints?: Constraints;
  /** They start together. */
  readonly tasks: number;
}

export const DEFAULT_QUEUE = 'default' as QueueName;
/** Of the one step of each job. */
export const TRACE_STEP = 'main' as StepId;

/** A job that waits in the one queue, and says nothing of itself but what it asks for. */
export const plainShape = (request: Resources, changes: Partial<JobShape> = {}): JobShape => ({
  name: 'job',
  queue: DEFAULT_QUEUE,
  priority: 0,
  labels: {},
  request,
  tasks: 1,
  ...changes,
});

/** Traces have run times, and nothing is stopped for running longer. */
const limits: Limits = {
  cpu: milliCpu(UNLIMITED),
  memory: UNLIMITED as Bytes,
  pids: UNLIMITED,
  wallMs: spanMs(UNLIMITED),
  graceMs: spanMs(0),
  logBytes: bytes(0),
};
/** What failed in a trace was submitted again in the trace. */
const retry: RetryPolicy = {
  maxRetries: 0,
  backoffMs: spanMs(0),
  backoffFactor: 10_000 as BasisPoints,
  backoffMaxMs: spanMs(0),
  memoryGrowth: 10_000 as BasisPoints,
};
const run = { kind: 'shell', script: 'true' } as const;
const nothing = {};

/** A job of one step; the tasks of a parallel one are a gang. */
export function traceSpec(shape: JobShape, estimateMs: SpanMs | undefined): WorkloadSpec {
  const { name, queue, priority, labels, request, constraints, tasks } = shape;
  return {
    kind: 'job',
    name,
    queue,
    priority,
    labels,
    steps: [
      {
        id: TRACE_STEP,
        needs: [],
        run,
        count: tasks,
        maxParallel: UNLIMITED,
        request,
        ...(constraints !== undefined && { constraints }),
        limits,
        ...(estimateMs !== undefined && { estimateMs }),
        ...(tasks > 1 && { gangMin: tasks }),
        retry,
        env: nothing,
        cwd: '',
      },
    ],
    source: '',
  };
}

/** Interning key: equal shapes have equal keys. */
export function shapeKey(shape: JobShape): string {
  const { name, queue, priority, labels, request, constraints, tasks } = shape;
  const where = constraints === undefined ? '' : constraintsKey(constraints);
  const said = Object.keys(labels).length === 0 ? '' : JSON.stringify(labels);
  return `${name}\0${queue}\0${priority}\0${tasks}\0${resourcesKey(request)}\0${where}\0${said}`;
}
