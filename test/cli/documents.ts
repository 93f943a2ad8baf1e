import type {
  AttemptDocument,
  EnforcedDocument,
  StepDocument,
  WorkloadDocument,
  WorkloadSummary,
} from '../../src/api/contract/documents.ts';

/** The moment at which the documents of these tests begin. */
export const T0 = 1_790_000_000_000;
export const MiB = 1_048_576;

export const cgroup: EnforcedDocument = {
  driver: 'cgroup-v1',
  cpu: 'quota',
  memory: 'kernel',
  pids: 'kernel',
  notes: [],
};

/** Attempt `number` of task `index` of step `step` of workload 12; running since T0 unless said otherwise. */
export function attempt(name: string, fields: Partial<AttemptDocument> = {}): AttemptDocument {
  const [step, index, number] = name.split('.');
  return {
    id: `12.${name}`,
    task: `12.${step}.${index}`,
    number: Number(number),
    state: 'running',
    node: 'lab-3',
    gpus: [],
    pid: 4_711,
    placed_at: T0,
    started_at: T0,
    ended_at: null,
    cause: null,
    exit_code: null,
    signal: null,
    message: null,
    wall_ms: null,
    cpu_ms: null,
    memory_peak_bytes: null,
    memory_limit_bytes: 128 * MiB,
    cpu_milli: 1000,
    enforced: null,
    ...fields,
  };
}

export function ended(name: string, fields: Partial<AttemptDocument> = {}): AttemptDocument {
  return attempt(name, {
    state: 'ended',
    pid: null,
    ended_at: T0 + 10_000,
    cause: 'succeeded',
    exit_code: 0,
    wall_ms: 10_000,
    cpu_ms: 4_900,
    memory_peak_bytes: 96 * MiB,
    enforced: cgroup,
    ...fields,
  });
}

type Counts = StepDocument['tasks'];

export function tasks(counts: Partial<Counts>): Counts {
  const all = { waiting: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0, ...counts };
  const total = all.waiting + all.running + all.succeeded + all.failed + all.cancelled;
  return { total, ...all };
}

export function step(
  id: string,
  state: StepDocument['state'],
  fields: Partial<StepDocument> = {},
): StepDocument {
  const one = {
    waiting: 'waiting',
    running: 'running',
    succeeded: 'succeeded',
    failed: 'failed',
    cancelled: 'cancelled',
    skipped: 'cancelled',
  } as const;
  return {
    id,
    state,
    needs: [],
    command: `sh ${id}.sh`,
    tasks: tasks({ [one[state]]: 1 }),
    request: { cpu_milli: 500, memory_bytes: 128 * MiB, gpu_milli: 0, custom: {} },
    limits: {
      cpu_milli: 500,
      memory_bytes: 128 * MiB,
      pids: 256,
      wall_ms: null,
      grace_ms: 10_000,
      log_bytes: 10 * MiB,
    },
    started_at: state === 'waiting' || state === 'skipped' ? null : T0,
    ended_at:
      state === 'waiting' || state === 'running' || state === 'skipped' ? null : T0 + 10_000,
    attempts: [],
    waiting_for: [],
    ...fields,
  };
}

export function workload(
  status: WorkloadDocument['status'],
  steps: readonly StepDocument[],
  fields: Partial<WorkloadDocument['workload']> = {},
): WorkloadDocument {
  const isOver = status !== 'waiting' && status !== 'running';
  return {
    id: '12',
    status,
    workload: {
      id: '12',
      name: 'quickstart',
      kind: 'pipeline',
      queue: 'default',
      tenant: 'default',
      priority: 0,
      labels: {},
      submitted_at: T0,
      started_at: status === 'waiting' ? null : T0,
      ended_at: isOver ? T0 + 62_000 : null,
      ...fields,
    },
    steps: [...steps],
  };
}

/** All kinds of states at once: 42 s after T0 it is in the middle of its work. */
export function busyWorkload(): WorkloadDocument {
  return workload('running', [
    step('generate', 'succeeded', { attempts: [ended('generate.0.1')] }),
    step('shards', 'running', {
      needs: ['generate'],
      tasks: tasks({ succeeded: 3, running: 2, waiting: 3 }),
      started_at: T0 + 10_000,
      attempts: [
        ended('shards.0.1', { wall_ms: 12_000 }),
        ended('shards.1.1', { wall_ms: 12_000 }),
        ended('shards.2.1', { wall_ms: 12_000 }),
        attempt('shards.3.1', { started_at: T0 + 34_000 }),
        attempt('shards.4.1', {
          started_at: T0 + 36_000,
          wall_ms: 6_000,
          cpu_ms: 5_900,
          memory_peak_bytes: 48 * MiB,
        }),
      ],
    }),
    step('hungry', 'running', {
      started_at: T0 + 10_000,
      attempts: [
        ended('hungry.0.1', { cause: 'oom-killed', exit_code: null, signal: 'SIGKILL' }),
        attempt('hungry.0.2', { started_at: T0 + 30_000 }),
      ],
    }),
    step('broken', 'failed', {
      attempts: [ended('broken.0.1', { cause: 'failed', exit_code: 3 })],
    }),
    step('report', 'waiting', { needs: ['shards', 'hungry'] }),
    step('eval', 'waiting', {
      waiting_for: [
        {
          code: 'insufficient',
          sentence: 'Asks 2 GPUs; lab-3 has 1 GPU free.',
          change: 'It starts when 1 GPU more is free on one node.',
          facts: {},
          tasks: 1,
        },
      ],
    }),
  ]);
}

export function summary(
  id: string,
  status: WorkloadSummary['status'],
  fields: Partial<WorkloadSummary> = {},
): WorkloadSummary {
  return {
    id,
    name: `work-${id}`,
    kind: 'pipeline',
    status,
    queue: 'default',
    tenant: 'default',
    priority: 0,
    submitted_at: T0,
    started_at: status === 'waiting' ? null : T0 + 1_000,
    ended_at: status === 'waiting' || status === 'running' ? null : T0 + 61_000,
    tasks: tasks({ succeeded: 3, running: 1, waiting: 4 }),
    reason: null,
    ...fields,
  };
}
