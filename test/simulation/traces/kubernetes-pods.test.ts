import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { kubernetesPods } from '../../../src/simulation/traces/kubernetes-pods.ts';

const T0 = Date.parse('2026-03-01T10:00:00Z');
const time = (seconds: number): string =>
  new Date(T0 + seconds * 1000).toISOString().replace('.000', '');

interface Said {
  readonly name?: string;
  readonly created?: number;
  readonly scheduled?: number;
  readonly finished?: readonly number[];
  readonly phase?: string;
  readonly spec?: object;
  readonly metadata?: object;
}

function podOf({
  name = 'train-x7',
  created = 0,
  scheduled,
  finished = [],
  phase = 'Succeeded',
  spec,
  metadata,
}: Said) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'vision', creationTimestamp: time(created), ...metadata },
    spec: {
      containers: [{ name: 'main', resources: { requests: { cpu: '2', memory: '4Gi' } } }],
      ...spec,
    },
    status: {
      phase,
      ...(scheduled !== undefined && {
        conditions: [
          { type: 'Ready', status: 'False', lastTransitionTime: time(9_999) },
          { type: 'PodScheduled', status: 'True', lastTransitionTime: time(scheduled) },
        ],
      }),
      containerStatuses: finished.map((at) => ({
        state: { terminated: { exitCode: 0, startedAt: time(at - 1), finishedAt: time(at) } },
      })),
    },
  };
}

const list = (kind: string, items: readonly object[]) => ({
  apiVersion: 'v1',
  kind,
  items,
  metadata: { resourceVersion: '' },
});
const asJson = (value: object) => ({ file: 'pods.json', text: JSON.stringify(value, null, 2) });

function read(...sources: { file: string; text: string }[]) {
  const found = kubernetesPods.read(sources, {});
  assert.ok(found.ok, JSON.stringify(found));
  return { ...found.trace, jobs: [...found.trace.jobs] };
}

const GIB = 2 ** 30;
const pods: Record<string, { said: Said; want: Record<string, unknown> }> = {
  'from when it was scheduled to the end of its last container': {
    said: { created: 5, scheduled: 10, finished: [60, 70, 65] },
    want: { at: T0 + 5_000, runMs: 60_000 },
  },
  'it failed': {
    said: { scheduled: 0, finished: [60], phase: 'Failed' },
    want: { outcome: 'failed' },
  },
  'containers together': {
    said: {
      scheduled: 0,
      finished: [60],
      spec: {
        containers: [
          { resources: { requests: { cpu: '500m', memory: '1Gi' } } },
          {
            resources: {
              limits: { cpu: 1, memory: '512Mi', 'nvidia.com/gpu': '2', 'rdma/hca': 1 },
            },
          },
        ],
      },
    },
    want: { cpu: 1_500, memory: 1.5 * GIB, gpu: 2_000, custom: [['rdma/hca', 1]] },
  },
  'what runs before them, where it asks for more; what runs beside them; overhead': {
    said: {
      scheduled: 0,
      finished: [60],
      spec: {
        initContainers: [
          { resources: { requests: { cpu: '4' } } },
          { restartPolicy: 'Always', resources: { requests: { cpu: '1', memory: '1Gi' } } },
        ],
        overhead: { cpu: '250m' },
      },
    },
    want: { cpu: 4_250, memory: 5 * GIB },
  },
  'a priority beyond those of Berth': {
    said: { scheduled: 0, finished: [60], spec: { containers: [], priority: 2_000_000_000 } },
    want: { priority: 1_000, cpu: 0, memory: 0 },
  },
  'a deadline is what the user said': {
    said: { scheduled: 0, finished: [60], spec: { containers: [], activeDeadlineSeconds: 600 } },
    want: { estimateMs: 600_000, cpu: 0, memory: 0 },
  },
  'the name of its job': {
    said: {
      scheduled: 0,
      finished: [60],
      metadata: { labels: { 'job-name': 'train' }, ownerReferences: [{ name: 'other' }] },
    },
    want: { name: 'train' },
  },
  'a model of GPU': {
    said: {
      scheduled: 0,
      finished: [60],
      spec: {
        containers: [{ resources: { limits: { 'nvidia.com/gpu': 1 } } }],
        nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-H100' },
      },
    },
    want: { gpu: 1_000, models: ['NVIDIA-H100'], cpu: 0, memory: 0 },
  },
};
for (const [name, { said, want }] of Object.entries(pods)) {
  test(`a pod: ${name}`, () => {
    const value = list('List', [podOf(said)]);
    const { jobs } = read(asJson(value));
    const seen = jobs.map(
      ({
        id,
        at,
        runMs,
        tenant,
        truth,
        spec: {
          name,
          priority,
          steps: [step],
        },
      }) => ({
        id,
        at,
        runMs,
        tenant,
        name,
        priority,
        cpu: step!.request.cpu,
        memory: step!.request.memory,
        gpu: step!.request.gpu,
        custom: step!.request.custom,
        models: step!.constraints?.gpuModels,
        estimateMs: step!.estimateMs,
        outcome: truth?.({ step: 'main', index: 0, attempt: 1 }).outcome ?? 'succeeded',
      }),
    );
    assert.deepEqual(seen, [
      {
        id: 'vision/train-x7',
        at: T0,
        runMs: 60_000,
        tenant: 'vision',
        name: 'train-x7',
        priority: 0,
        cpu: 2_000,
        memory: 4 * GIB,
        gpu: 0,
        custom: [],
        models: undefined,
        estimateMs: undefined,
        outcome: 'succeeded',
        ...want,
      },
    ]);
    assert.deepEqual(
      JSON.stringify(read({ file: 'pods.yaml', text: stringify(value) }).jobs),
      JSON.stringify(jobs),
    );
  });
}

test('pods that still wait or run, and items that are none, are left out and counted', () => {
  const items = [
    podOf({ name: 'a', phase: 'Pending' }),
    podOf({ name: 'b', phase: 'Running', scheduled: 1 }),
    { apiVersion: 'v1', kind: 'Pod', metadata: {} },
    podOf({ name: 'c', scheduled: 5, finished: [5] }),
    podOf({ name: 'd', scheduled: 5 }),
    podOf({
      name: 'e',
      scheduled: 5,
      finished: [6],
      spec: { containers: [{ resources: { requests: { cpu: 'lots' } } }] },
    }),
    podOf({ name: 'f', scheduled: 5, finished: [6] }),
  ];
  const source = asJson(list('List', items));
  const { jobs, skipped } = read(source);
  assert.deepEqual(
    jobs.map(({ id }) => id),
    ['vision/f'],
  );
  const lines = source.text.split('\n');
  const lineOf = (name: string): number =>
    lines.findIndex((line) => line.includes(`"name": "${name}"`)) - 3;
  assert.deepEqual(skipped, [
    { why: 'it had not started', count: 1, line: lineOf('a') },
    { why: 'it had not ended', count: 1, line: lineOf('b') },
    {
      why: 'not a pod',
      count: 1,
      line: lines.findIndex((line) => line.includes('"metadata": {}')) - 2,
    },
    { why: 'no run time', count: 1, line: lineOf('c') },
    { why: 'nobody knows when it ended', count: 1, line: lineOf('d') },
    { why: 'it asks for what is no amount', count: 1, line: lineOf('e') },
  ]);
});

const eventOf = (reason: string, name: string, at: number) => ({
  kind: 'Event',
  metadata: { name: `${name}.${reason}` },
  involvedObject: { kind: 'Pod', namespace: 'vision', name },
  reason,
  lastTimestamp: time(at),
});

test('events tell when a pod was scheduled and killed, where it does not itself', () => {
  const list1 = asJson(
    list('List', [
      podOf({ name: 'a', phase: 'Running' }),
      podOf({ name: 'b', scheduled: 4, finished: [9] }),
    ]),
  );
  const events = list('EventList', [
    eventOf('Scheduled', 'a', 10),
    eventOf('Killing', 'a', 40),
    eventOf('Killing', 'a', 50),
    eventOf('Scheduled', 'b', 1),
    {
      ...eventOf('Killing', 'a', 90),
      involvedObject: { kind: 'ReplicaSet', namespace: 'vision', name: 'a' },
    },
  ]);
  const { jobs } = read(list1, { file: 'events.json', text: JSON.stringify(events) });
  assert.deepEqual(
    jobs.map(({ id, runMs }) => [id, runMs]),
    [
      ['vision/a', 40_000],
      ['vision/b', 5_000],
    ],
  );
  const alone = kubernetesPods.read([{ file: 'events.json', text: JSON.stringify(events) }], {});
  assert.ok(!alone.ok);
  assert.match(alone.issues[0]!.message, /events do not say what pods ask for/);
});

test('a list of nodes beside the pods is what they ran on', () => {
  const nodes = list('NodeList', [
    {
      kind: 'Node',
      metadata: { name: 'n1', labels: {} },
      status: { allocatable: { cpu: '8', memory: '32Gi' } },
    },
  ]);
  const { nodes: found } = read(
    asJson(list('List', [podOf({ scheduled: 1, finished: [2] })])),
    asJson(nodes),
  );
  assert.deepEqual(
    found!.map(({ id, cpu }) => [id, cpu]),
    [['n1', 8_000]],
  );
});

test('a file in which nothing is a pod says where', () => {
  const found = kubernetesPods.read(
    [{ file: 'p.json', text: '{"kind":"List",\n "items":[\n {"a":1}, 5]}' }],
    {},
  );
  assert.ok(!found.ok);
  assert.deepEqual(
    found.issues.map(({ line, column, message }) => [line, column, message]),
    [
      [3, 2, 'not a pod'],
      [3, 11, 'not a pod'],
    ],
  );
});
