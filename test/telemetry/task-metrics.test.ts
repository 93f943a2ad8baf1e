import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type RunningTask, TaskMetrics } from '../../src/app/task-metrics.ts';
import { timeMs, UNLIMITED } from '../../src/base/units.ts';
import type { AttemptId } from '../../src/model/ids.ts';
import { families } from '../../src/telemetry/families.ts';
import { readOnce } from '../../src/telemetry/io/kept-file.ts';
import { seriesKey } from '../../src/telemetry/metric.ts';
import { taskFiles } from '../../src/telemetry/task-files.ts';
import { byKey, latestAt } from './readings.ts';
import { put, tree } from './sampling-run.ts';

const PSI =
  'some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n';
const V2 = {
  '/all/cpu.stat':
    'usage_usec 4000000\nuser_usec 1\nnr_throttled 9\nthrottled_usec 500000\nburst_usec 0\n',
  '/all/memory.current': '1048576\n',
  '/all/memory.stat': 'anon 1\npgfault 77\npgmajfault 6\n',
  '/all/pids.current': '4\n',
  '/all/io.stat': '8:0 rbytes=10 wbytes=20 rios=1\n259:0 rbytes=1 wbytes=2 rios=1\n',
  '/all/io.pressure': PSI,
};

interface Case {
  readonly files: Readonly<Record<string, string>>;
  /** By the part of the name after `berth_task_`. */
  readonly want: Readonly<Record<string, number>>;
}

const cases: Record<string, Case> = {
  'cgroup v2': {
    files: V2,
    want: {
      cpu_seconds_total: 4,
      throttled_seconds_total: 0.5,
      memory_bytes: 1_048_576,
      major_faults_total: 6,
      processes: 4,
      read_bytes_total: 11,
      written_bytes_total: 22,
      'pressure_waiting_seconds_total{resource="io"}': 2.5,
    },
  },
  'cgroup v1, with accounting in v2': {
    files: {
      '/accounting/cpu.stat': 'usage_usec 2000000\nuser_usec 1\n',
      '/accounting/memory.pressure': PSI,
      '/cpu/cpu.stat': 'nr_periods 1\nnr_throttled 1\nthrottled_time 1500000000\n',
      '/cpu/cpuacct.usage': '999\n',
      '/memory/memory.usage_in_bytes': '4096\n',
      '/memory/memory.stat': 'pgmajfault 1\ntotal_pgmajfault 3\n',
      '/pids/pids.current': '2\n',
      '/io/blkio.throttle.io_service_bytes_recursive':
        '8:0 Read 5\n8:0 Write 6\n8:0 Total 11\n8:16 Read 1\nTotal 12\n',
    },
    want: {
      cpu_seconds_total: 2,
      throttled_seconds_total: 1.5,
      memory_bytes: 4_096,
      major_faults_total: 3,
      processes: 2,
      read_bytes_total: 6,
      written_bytes_total: 6,
      'pressure_waiting_seconds_total{resource="memory"}': 2.5,
    },
  },
  'cgroup v1 alone': {
    files: { '/cpu/cpuacct.usage': '3000000000\n', '/cpu/cpu.stat': 'throttled_time 0\n' },
    want: { cpu_seconds_total: 3, throttled_seconds_total: 0 },
  },
  'what is garbled is not told': {
    files: {
      '/all/cpu.stat': 'usage_usec x\nnot_usage_usec 5\n',
      '/all/memory.current': 'max\n',
      '/all/pids.current': '99999999999999999999\n',
      '/all/io.pressure': 'full avg10=0.00 total=5\n',
    },
    want: {},
  },
};
for (const [name, { files, want }] of Object.entries(cases)) {
  test(`files of a task: ${name}`, (t) => {
    const root = tree(t, files);
    const folders = new Map(readdirSync(root).map((aspect) => [aspect, join(root, aspect)]));
    const found: Record<string, number> = {};
    for (const file of taskFiles(folders, { attempt: 'a' })) {
      const text = readOnce(file.path);
      for (const { name: full, labels, value } of text === undefined ? [] : file.read(text)) {
        assert.ok(
          families.some((family) => family.name === full),
          full,
        );
        const { attempt, ...rest } = labels;
        assert.equal(attempt, 'a');
        found[seriesKey(full.replace('berth_task_', ''), rest)] = value;
      }
    }
    assert.deepEqual(found, want);
  });
}

const running = (n: number, tenant: string): RunningTask => ({
  id: `${n}.step.0.1` as AttemptId,
  startedAt: timeMs(1),
  placement: { held: { cpu: 1_500 }, memoryLimit: n === 2 ? UNLIMITED : 2 ** 30 },
  task: { tenant, step: { spec: { id: 'step' }, workload: { id: `${n}` } } },
});
const labelsOf = (n: number, tenant: string) =>
  `attempt="${n}.step.0.1",step="step",tenant="${tenant}",workload="${n}"`;

test('tasks come and go; what they use is summed by tenant', (t) => {
  const root = tree(t, {});
  const cgroup = (n: number, cpuUs: number, memory: number) => {
    put(root, `/${n}/cpu.stat`, `usage_usec ${cpuUs}\n`);
    put(root, `/${n}/memory.current`, `${memory}\n`);
    put(root, `/${n}/io.pressure`, PSI);
  };
  const { live, clock } = latestAt();
  let tasks = [running(1, 'ann'), running(2, 'ann'), running(3, 'bob')];
  const metrics = new TaskMetrics({
    running: () => tasks,
    uses: {
      foldersOf: (id) => new Map([['all', join(root, id.split('.')[0]!)]]),
      of: () => assert.fail('its cgroup counts all'),
    },
    live,
  });
  t.after(() => metrics.close());
  const sources = metrics.sources();
  const tick = (n: number) => {
    clock.ms = n * 1_000;
    for (const source of sources) {
      const readings = source.read(n);
      const moment = { at: timeMs(clock.ms), monotonicMs: clock.ms };
      if (readings) live.record(source, moment, readings);
    }
    live.sweep();
    return byKey(live.latest());
  };
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  for (const n of [1, 2, 3]) cgroup(n, 0, n * 1_000);
  tick(0);
  for (const n of [1, 2, 3]) cgroup(n, n * 250_000, n * 1_000);
  const found = tick(1);
  assert.equal(found[`berth_task_cpu_ratio{${labelsOf(2, 'ann')}}`], 0.5);
  assert.equal(found['berth_tenant_cpu_used{tenant="ann"}'], 0.75);
  assert.equal(found['berth_tenant_memory_bytes{tenant="ann"}'], 3_000);
  assert.equal(found['berth_tenant_memory_bytes{tenant="bob"}'], 3_000);
  assert.equal(found[`berth_task_cpu_held{${labelsOf(3, 'bob')}}`], 1.5);
  assert.equal(found[`berth_task_memory_limit_bytes{${labelsOf(1, 'ann')}}`], 2 ** 30);
  assert.equal(found[`berth_task_memory_limit_bytes{${labelsOf(2, 'ann')}}`], undefined);
  for (const n of [2, 3, 4, 5, 6, 7, 8, 9]) tick(n);
  const stalled = seriesKey('berth_task_pressure_waiting_seconds_total', {
    attempt: '3.step.0.1',
    resource: 'io',
    step: 'step',
    tenant: 'bob',
    workload: '3',
  });
  assert.equal(tick(10)[stalled], 2.5);
  assert.equal(live.quality(), 1);
  tasks = tasks.slice(0, 2);
  rmSync(join(root, '3'), { recursive: true });
  const left = tick(11);
  assert.deepEqual(
    Object.keys(left).filter((key) => key.includes('3.step')),
    [],
  );
  assert.equal(left['berth_tenant_memory_bytes{tenant="ann"}'], 3_000);
  assert.equal(left['berth_tenant_memory_bytes{tenant="bob"}'], undefined);
  assert.equal(live.quality(), 1);
  tasks = [];
  assert.deepEqual(Object.keys(tick(12)), ['berth_tasks_unmeasured']);
  assert.equal(open(), before);
});

test('more tasks than are measured are counted', (t) => {
  const { live } = latestAt();
  const metrics = new TaskMetrics({
    running: () => Array.from({ length: 1_003 }, (_, n) => running(n, 'ann')),
    uses: { foldersOf: () => undefined, of: () => undefined },
    live,
  });
  t.after(() => metrics.close());
  const readings = metrics.sources()[0]!.read(0)!;
  assert.deepEqual(readings.at(-1), { name: 'berth_tasks_unmeasured', labels: {}, value: 3 });
  assert.equal(readings.filter(({ name }) => name === 'berth_task_cpu_held').length, 1_000);
});

test('many tasks without cgroups are walked in turn', (t) => {
  const asked: string[] = [];
  const { live } = latestAt();
  const metrics = new TaskMetrics({
    running: () => Array.from({ length: 25 }, (_, n) => running(n, 'ann')),
    uses: {
      foldersOf: () => new Map(),
      of: (id) => {
        asked.push(id);
        return { cpuUs: 2_000_000, memory: undefined };
      },
    },
    live,
  });
  t.after(() => metrics.close());
  const sources = metrics.sources();
  const perTick = [0, 1, 2, 3, 4].map((tick) => {
    const before = asked.length;
    for (const source of sources) source.read(tick);
    return asked.length - before;
  });
  assert.deepEqual(perTick, [5, 5, 5, 5, 5]);
  assert.equal(new Set(asked).size, 25);
});
