import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AlertList, MetricList } from '../../src/api/contract/telemetry-documents.ts';
import { displayWidth } from '../../src/cli/text.ts';
import { renderTop, type TopData } from '../../src/cli/top/frame.ts';
import { useByWorkload } from '../../src/cli/top/task-use.ts';
import {
  initialTopState,
  pressKey,
  type TopState,
  visibleWorkloads,
} from '../../src/cli/top/top-state.ts';
import { busyWorkload, cgroup, summary, T0 } from './documents.ts';
import { node, usage } from './test-daemon.ts';

const plain = { width: 79, colour: 'none', unicode: true } as const;
const workloads = [
  summary('14', 'waiting', { name: 'eval', reason: 'Asks 2 GPUs; lab-3 has 1 GPU free.' }),
  summary('13', 'running', { name: 'train' }),
  summary('9', 'failed', { name: 'prep', reason: 'Step prep failed: oom-killed.' }),
];
const data: TopData = {
  at: T0 + 60_000,
  status: {
    pid: 1,
    version: '0.1.0',
    state_dir: '/s',
    site_file: null,
    url: '',
    socket: '/s/berth.sock',
    host: 'lab-3',
    started_at: T0 - 7_440_000,
    now: T0 + 60_000,
    launcher_pid: null,
    enforcement: cgroup,
    journal: { sequence: 1, stalled: null },
    plugins: [],
    counts: { waiting: 1, running: 1, ended: 40 },
  },
  nodes: { nodes: [node] },
  usage,
  list: { workloads, total: 3 },
  detail: undefined,
  alerts: undefined,
  use: undefined,
  trouble: undefined,
};
const options = { page: plain, rows: 24, now: T0 + 60_000 };
const frame = (state: Partial<TopState> = {}, change: Partial<TopData> = {}): readonly string[] =>
  renderTop({ ...data, ...change }, { ...initialTopState, ...state }, options);

test('one screen of 80 × 24', () => {
  const want = `
Berth on lab-3, up 2h 05m                                                ● live
1 running, 1 waiting, 40 ended. eval waits: Asks 2 GPUs; lab-3 has 1 GPU free.
cpu ████████████░░░░░░      ┃ 50% used, 1.5 of 2 cores given out
mem ██████░░░░░░            ┃ 2/8 GiB used, 4/8 GiB given out
gpu ░░░░░░░░░░░░            ┃ 1 of 2 GPUs given out
waits for cpu 12.5%, memory —, io 0.4%

  ID  NAME   STATE      TASKS  SUBMITTED     RAN  REASON
❯ 14  eval   ◷ waiting    3/8  1m ago          —  Asks 2 GPUs; lab-3 has 1 GPU…
  13  train  ▶ running    3/8  1m ago        59s
   9  prep   ✕ failed     3/8  1m ago     1m 00s  Step prep failed: oom-killed.
`.replace(/^\n/, '');
  const lines = frame();
  assert.equal(lines.length, 24);
  assert.equal(`${lines.slice(0, 11).join('\n')}\n`, want);
  assert.equal(lines.at(-1), 'sort newest  j k move  enter open  / filter  s sort  ? keys  q quit');
});

const firing = (sentence: string, severity: 'warning' | 'critical', muted: string | null = null) =>
  ({ state: 'firing', sentence, severity, muted_by: muted }) as AlertList['alerts'][number];

test('what needs somebody stands above the bars, and what uses how much in columns', () => {
  const want = `
Berth on lab-3, up 2h 05m                                                ● live
1 running, 1 waiting, 40 ended. eval waits: Asks 2 GPUs; lab-3 has 1 GPU free.
✕ Needs you: /scratch has 3.1 GiB free, less than 5 GiB… (1 more: berth alerts)
cpu ████████████░░░░░░      ┃ 50% used, 1.5 of 2 cores given out
mem ██████░░░░░░            ┃ 2/8 GiB used, 4/8 GiB given out
gpu ░░░░░░░░░░░░            ┃ 1 of 2 GPUs given out
waits for cpu 12.5%, memory —, io 0.4%

  ID  NAME   STATE      TASKS  CPUS  MEMORY  SUBMITTED     RAN  REASON
❯ 14  eval   ◷ waiting    3/8     —       —  1m ago          —  Asks 2 GPUs; l…
  13  train  ▶ running    3/8  1.50   2 GiB  1m ago        59s
   9  prep   ✕ failed     3/8     —       —  1m ago     1m 00s  Step prep fail…
`.replace(/^\n/, '');
  const list = [
    firing('/scratch has 3.1 GiB free, less than 5 GiB for 12 minutes.', 'critical'),
    firing('Reads take 42 ms.', 'warning', 'io-pressure fires'),
    firing('Some task waits.', 'warning'),
  ];
  const lines = frame(
    {},
    {
      alerts: { now: T0, alerts: list, rules: [], silences: [] },
      use: new Map([['13', { cpus: 1.5, memoryBytes: 2_147_483_648, tasks: 1 }]]),
    },
  );
  assert.equal(lines.length, 24);
  assert.equal(`${lines.slice(0, 12).join('\n')}\n`, want);
});

test('what is measured of some tasks only is not known of the workload', () => {
  const many = [
    summary('13', 'running', { name: 'train', tasks: { ...workloads[1]!.tasks, running: 2 } }),
  ];
  const lines = frame(
    {},
    {
      list: { workloads: many, total: 1 },
      use: new Map([['13', { cpus: 1.5, memoryBytes: 1, tasks: 1 }]]),
    },
  );
  assert.match(lines.find((line) => line.includes('train'))!, /3\/8 +— +— /);
});

test('without UTF-8 and colours the same is said in ASCII', () => {
  const lines = renderTop(
    {
      ...data,
      alerts: {
        now: T0,
        alerts: [firing('Memory \u001b[31mis low.', 'critical')],
        rules: [],
        silences: [],
      },
      use: new Map(),
    },
    initialTopState,
    { ...options, page: { ...plain, unicode: false } },
  );
  assert.match(lines[2]!, /^x Needs you: Memory .*is low\.$/);
  assert.match(lines.find((line) => line.includes('train'))!, /3\/8 +- +- /);
  for (const line of lines) assert.match(line, /^[\x20-\x7e]*$/);
});

test('use is added up by workload, from the rate and not from the count', () => {
  const metric = (name: string, history: string, values: readonly [string, number][]) => ({
    name,
    kind: 'counter' as const,
    unit: 'none' as const,
    source: 'measured' as const,
    help: '',
    history,
    more: 0,
    series: values.map(([workload, value]) => ({ labels: { workload }, value, at: 0 })),
  });
  const list = (...metrics: MetricList['metrics']): MetricList => ({ now: 0, quality: 1, metrics });
  const use = useByWorkload(
    list(
      metric('berth_task_cpu_seconds_total', 'berth_task_cpu_ratio', [['1', 9_000]]),
      metric('berth_task_cpu_ratio', 'berth_task_cpu_ratio', [
        ['1', 0.5],
        ['2', 1],
        ['1', 0.25],
      ]),
    ),
    list(metric('berth_task_memory_bytes', 'berth_task_memory_bytes', [['1', 100]])),
  );
  assert.deepEqual(
    [...use],
    [
      ['1', { cpus: 0.75, memoryBytes: 100, tasks: 1 }],
      ['2', { cpus: 1, memoryBytes: undefined, tasks: 1 }],
    ],
  );
});

test('an outage is told with the age of what is shown', () => {
  const lines = renderTop(
    { ...data, trouble: 'Nobody answers at /s/berth.sock.' },
    initialTopState,
    {
      ...options,
      now: T0 + 102_000,
    },
  );
  assert.match(lines[0]!, /no answer for 42s$/);
  assert.equal(lines[1], 'Nobody answers at /s/berth.sock.');
});

test('nothing yet, and nothing that matches', () => {
  const none = { list: { workloads: [], total: 0 } };
  assert.ok(frame({}, none).includes('Nothing was submitted yet: berth run FILE'));
  assert.ok(frame({ filter: 'zzz' }).includes('Nothing matches zzz.'));
});

test('an open workload shows its steps, its reason and the commands for it', () => {
  const why = { id: '12', status: 'running', sentence: 'It waits for GPUs.', steps: [] } as const;
  const detail = { document: busyWorkload(), why: { ...why, steps: [], preemptions: [] } };
  const lines = frame({ view: 'detail', selected: '12' }, { detail });
  assert.ok(lines.some((line) => line.startsWith('▶ shards')));
  assert.ok(lines.includes('It waits for GPUs.'));
  assert.ok(lines.includes('berth logs 12 -f · berth why 12 · berth cancel 12'));
});

test('a long list scrolls with the choice', () => {
  const many = Array.from({ length: 200 }, (_, i) => summary(String(i + 1), 'succeeded'));
  const lines = frame({ selected: '100' }, { list: { workloads: many, total: 200 } });
  const chosen = lines.find((line) => line.startsWith('❯'));
  assert.match(chosen!, /^❯ 100 /);
  assert.equal(lines.length, 24);
});

test('every screen has its rows, and no line is wider than the page', () => {
  fc.assert(
    fc.property(
      fc.record({
        width: fc.integer({ min: 60, max: 200 }),
        rows: fc.integer({ min: 10, max: 60 }),
        unicode: fc.boolean(),
        view: fc.constantFrom('list', 'detail', 'help'),
        name: fc.string({ unit: 'binary' }),
      }),
      ({ width, rows, unicode, view, name }) => {
        const page = { width, unicode, colour: '256' } as const;
        const list = { workloads: [summary('1', 'waiting', { name, reason: name })], total: 1 };
        const why = { id: '12', status: 'running', sentence: name || 'x', steps: [] } as const;
        const detail = { document: busyWorkload(), why: { ...why, steps: [], preemptions: [] } };
        const state = { ...initialTopState, view, filter: '' };
        const lines = renderTop({ ...data, list, detail }, state, { page, rows, now: T0 });
        assert.equal(lines.length, rows);
        for (const line of lines) {
          assert.ok(displayWidth(line) <= width, JSON.stringify(line));
          assert.ok(!line.includes('\n'));
        }
      },
    ),
  );
});

const keys: Record<string, { press: readonly string[]; want: Partial<TopState> | undefined }> = {
  'j moves down': { press: ['j'], want: { selected: '13' } },
  'down twice, up once': { press: ['\u001b[B', '\u001b[B', '\u001b[A'], want: { selected: '13' } },
  'the end is the end': { press: ['G', 'j', 'j'], want: { selected: '9' } },
  'k at the top stays': { press: ['k'], want: { selected: '14' } },
  'enter opens what is chosen': { press: ['j', '\r'], want: { view: 'detail', selected: '13' } },
  'q comes back': { press: ['\r', 'q'], want: { view: 'list' } },
  'q on the list ends': { press: ['q'], want: undefined },
  'Ctrl-C ends, anywhere': { press: ['/', 'x', '\u0003'], want: undefined },
  'a filter is typed, q and j included': {
    press: ['/', 'q', 'j', '\u007f', '\r'],
    want: { filter: 'q', isTyping: false },
  },
  'escape forgets the filter': {
    press: ['/', 'x', '\u001b'],
    want: { filter: '', isTyping: false },
  },
  'the choice is among what the filter leaves': {
    press: ['/', 'p', 'r', 'e', 'p', '\r', '\r'],
    want: { view: 'detail', selected: '9' },
  },
  's sorts by state': { press: ['s', 'g'], want: { sort: 'state', selected: '13' } },
  'three times s is newest again': { press: ['s', 's', 's'], want: { sort: 'newest' } },
  '? helps': { press: ['?'], want: { view: 'help' } },
  'an unknown key does nothing': { press: ['\u001b[5~'], want: initialTopState },
};
for (const [name, { press, want }] of Object.entries(keys)) {
  test(`keys: ${name}`, () => {
    let state: TopState | undefined = initialTopState;
    for (const key of press) if (state !== undefined) state = pressKey(state, key, workloads);
    if (want === undefined) assert.equal(state, undefined);
    else assert.deepEqual({ ...state, ...want }, state);
  });
}

test('the order ends in the id, newest first', () => {
  const byName = visibleWorkloads(workloads, { filter: '', sort: 'name' });
  assert.deepEqual(
    byName.map(({ name }) => name),
    ['eval', 'prep', 'train'],
  );
  const same = ['2', '10', '9'].map((id) => summary(id, 'running', { name: 'x' }));
  const ids = visibleWorkloads(same, { filter: '', sort: 'name' }).map(({ id }) => id);
  assert.deepEqual(ids, ['10', '9', '2']);
});
