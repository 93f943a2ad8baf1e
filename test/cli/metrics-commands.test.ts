import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type {
  MetricDriftDocument,
  MetricHistoryDocument,
  MetricList,
} from '../../src/api/contract/telemetry-documents.ts';
import { saveFile } from '../../src/cli/io/save-file.ts';
import { formatMetric } from '../../src/cli/metric-value.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';
import { describeError, printResult } from '../../src/cli/printer.ts';
import { registry } from '../../src/cli/registry.ts';
import { sparkline } from '../../src/cli/sparkline.ts';
import { OperationError } from '../../src/model/errors.ts';
import { scratch } from '../store/scratch.ts';
import { T0 } from './documents.ts';
import { TestDaemon } from './test-daemon.ts';
import { testWorld } from './test-world.ts';

const bounded = { timeout: 20_000 };
const page = { width: 80, colour: 'none', unicode: true } as const;

async function run(line: string, daemon: TestDaemon, width = 80) {
  const parsed = parseCommandLine(line.split(' '), registry);
  assert.ok(parsed.kind === 'command');
  const world = testWorld({ ...parsed.flags, state: daemon.stateDir }, { width });
  try {
    const result = await parsed.command.run(parsed.operands, parsed.values, world);
    await printResult(world.terminal, result, world.settings.json.value);
    return { exit: result.exit, out: world.out.text, err: world.err.text, saved: world.saved };
  } catch (error) {
    const { document, exit } = describeError(error);
    return { exit, out: '', err: `${document.detail}|${document.hint}`, saved: world.saved };
  }
}

const answer = (daemon: TestDaemon, path: string, document: unknown): void => {
  const body = typeof document === 'string' ? document : JSON.stringify(document);
  daemon.answers.set(`/api/v1/metrics${path}`, { status: 200, type: 'application/json', body });
};

const list: MetricList = {
  now: T0 + 5_000,
  quality: 0.987,
  metrics: [
    {
      name: 'berth_node_cpu_busy_ratio',
      kind: 'gauge',
      unit: 'ratio',
      source: 'measured',
      help: 'Busy share of all CPUs.',
      history: 'berth_node_cpu_busy_ratio',
      series: [{ labels: {}, value: 0.1234, at: T0 }],
      more: 0,
    },
    {
      name: 'berth_task_memory_bytes',
      kind: 'gauge',
      unit: 'bytes',
      source: 'measured',
      help: 'Memory in use.',
      history: 'berth_task_memory_bytes',
      series: [
        { labels: { tenant: 'ada', attempt: '1.a.0.1' }, value: 3 * 2 ** 30, at: T0 },
        { labels: { tenant: 'bob', attempt: '2.a.0.1' }, value: 2 ** 20, at: T0 },
      ],
      more: 7,
    },
  ],
};

test('metrics shows each with its newest value, or its series one by one', bounded, async () => {
  await using daemon = await TestDaemon.open();
  answer(daemon, '', list);
  const all = await run('metrics', daemon, 120);
  assert.deepEqual(all.out.trimEnd().split('\n'), [
    'METRIC                               NOW  SERIES  SOURCE    WHAT',
    'berth_node_cpu_busy_ratio          12.3%       1  measured  Busy share of all CPUs.',
    'berth_task_memory_bytes    1 MiB … 3 GiB       9  measured  Memory in use.',
    'Data quality: 99%',
  ]);
  for (const [filter, want] of [
    ['ADA', 1],
    ['busy', 1],
    ['memory', 1],
    ['no', 1],
    ['zzz', 0],
  ] as const) {
    const { out } = await run(`metrics ${filter} --json`, daemon);
    assert.equal(JSON.parse(out).metrics.length, want, filter);
  }
  answer(daemon, '', { ...list, metrics: list.metrics.slice(1) });
  const { out } = await run('metrics --name berth_task_memory_bytes', daemon);
  assert.match(out, /^tenant=ada attempt=1\.a\.0\.1 +3 GiB +5s ago$/m);
  assert.match(out, /^and 7 more$/m);
});

const history: MetricHistoryDocument = {
  name: 'berth_node_pressure_waiting_ratio',
  unit: 'ratio',
  source: 'measured',
  help: 'Waited.',
  from: T0,
  to: T0 + 40_000,
  interval_ms: 10_000,
  at: [T0, T0 + 10_000, T0 + 20_000, T0 + 30_000],
  series: [
    {
      key: 'berth_node_pressure_waiting_ratio{resource="cpu"}',
      labels: { resource: 'cpu' },
      mean: [0, null, 0.5, 1],
      min: [0, null, 0.25, 1],
      max: [0, null, 0.75, 1],
      trend: {
        average: 0.5,
        peak: 1,
        trough: 0,
        volatility: 0.8165,
        slope_per_hour: 0.02,
        chance: 0.0004,
        direction: 'rising',
      },
    },
  ],
  more: 2_345,
};

test('top adds up more tasks than a list of metrics has without being asked', bounded, async () => {
  await using daemon = await TestDaemon.open();
  answer(daemon, '', { ...list, metrics: [] });
  await run('top', daemon);
  const asked = daemon.queries.filter((_, i) => daemon.requests[i] === 'GET /api/v1/metrics');
  assert.deepEqual(asked.map(String).sort(), [
    'name=berth_task_cpu_ratio&series_max=1000',
    'name=berth_task_memory_bytes&series_max=1000',
  ]);
});

test('metrics history draws what was measured, with its trend', bounded, async () => {
  await using daemon = await TestDaemon.open();
  answer(daemon, '/history', history);
  const { out } = await run('metrics history x --label resource=cpu --since 40s', daemon, 120);
  assert.deepEqual(out.split('\n'), [
    'berth_node_pressure_waiting_ratio: Waited. (measured), 40s, 10s a column',
    '{resource="cpu"}',
    '  ▁ ▅█',
    '  average 50% · peak 100% · trough 0% · volatility 0.82 · rising by 2% an hour, p < 0.001',
    'and 2,345 more series',
    '',
  ]);
  const csv = await run('metrics history x --csv', daemon);
  const [head, first, second, ...rest] = csv.out.trimEnd().split('\n');
  assert.equal(head, 'time,at,series,mean,min,max');
  const key = '"berth_node_pressure_waiting_ratio{resource=""cpu""}"';
  assert.match(first!, /^20\d\d-\d\d-\d\dT[\d:.]+Z,/);
  assert.ok(first!.endsWith(`,${T0},${key},0,0,0`), first);
  assert.ok(second!.endsWith(`,${T0 + 20_000},${key},0.5,0.25,0.75`), second);
  assert.equal(rest.length, 1);
  assert.deepEqual(JSON.parse((await run('metrics history x --json', daemon)).out), history);
});

test('metrics drift says both samples and what it makes of them', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const sample = { independent: 40, median: 0.9, low: 0.85, high: 0.95 };
  const drift: MetricDriftDocument = {
    name: 'model_accuracy',
    unit: 'ratio',
    verdict: 'drift',
    sentence: 'model_accuracy is distributed differently than before.',
    before: { ...sample, from: T0, to: T0 + 86_400_000, points: 1_234 },
    after: { ...sample, median: 0.5, from: T0 + 86_400_000, to: T0 + 90_000_000, points: 56 },
    kolmogorov_smirnov: { value: 0.5, p: 0 },
    population_stability: { value: 0.7, p: 0 },
  };
  answer(daemon, '/drift', drift);
  const line = 'metrics drift model_accuracy --label model_name=m --before 1d --after 1h';
  const { out, exit } = await run(line, daemon);
  assert.equal(exit, 0);
  assert.deepEqual(
    out
      .trimEnd()
      .split('\n')
      .map((one) => one.replaceAll(/ +/g, ' ').trim()),
    [
      'model_accuracy is distributed differently than before.',
      '',
      'VALUES OF POINTS 5 % MEDIAN 95 %',
      'before 1d 00h 1,234 85% 90% 95%',
      'after 1h 00m 56 85% 50% 95%',
    ],
  );
  assert.deepEqual(JSON.parse((await run(`${line} --json`, daemon)).out), drift);
});

test('what the daemon does not know is said with where to look', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const path = '/api/v1/metrics/history';
  daemon.problem(path, { status: 404, code: 'NOT_FOUND', detail: 'There is no metric "x".' });
  const missing = await run('metrics history x', daemon);
  assert.deepEqual(
    [missing.exit, missing.err],
    [66, 'There is no metric "x".|See `berth metrics`.'],
  );
  for (const line of [
    'metrics history x --label y',
    'metrics export --step 2s',
    'metrics export --format xml',
  ]) {
    assert.equal((await run(line, daemon)).exit, 64, line);
  }
});

test('an export goes to a file, or to stdout', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const text = 'time,name\r\n'.repeat(50_000);
  answer(daemon, '/export', text);
  const file = await run('metrics export week.csv --since 7d', daemon);
  assert.equal(file.saved.get('week.csv'), text);
  assert.equal(file.out, 'week.csv: 537 KiB\n');
  const json = await run('metrics export week.csv --json', daemon);
  assert.deepEqual(JSON.parse(json.out), { file: 'week.csv', bytes: text.length });
  assert.equal((await run('metrics export', daemon)).out, text);
});

test('a file that is saved is there as a whole or not at all', async (t) => {
  const path = join(scratch(t), 'out.csv');
  async function* pieces(fails: boolean) {
    yield 'ä';
    if (fails) throw new OperationError('DAEMON_DOWN', 'It went away.');
    yield 'b';
  }
  await assert.rejects(saveFile(path, pieces(true)), { code: 'DAEMON_DOWN' });
  assert.ok(!existsSync(path) && !existsSync(`${path}.part`));
  assert.equal(await saveFile(path, pieces(false)), 3);
  assert.equal(readFileSync(path, 'utf8'), 'äb');
  await assert.rejects(saveFile(join(path, 'below'), pieces(false)), { code: 'FILE_UNWRITABLE' });
});

const values: Record<string, readonly [number, string, string]> = {
  '12.3%': [0.1234, 'ratio', 'a'],
  '0%': [0, 'ratio', 'a'],
  '250%': [2.5, 'ratio', 'a'],
  '1.5 GiB/s': [1.5 * 2 ** 30, 'bytes', 'a_bytes_per_second'],
  '2.4 GHz': [2.4e9, 'hertz', 'a'],
  '95 W': [95, 'watts', 'energy_joules_per_second'],
  '12.5 ms': [0.0125, 'seconds', 'a'],
  '1,234,567': [1_234_567, 'none', 'a'],
  '-1,234': [-1_234.4, 'none', 'a'],
  '0.333': [1 / 3, 'none', 'a'],
  '61 °C': [61, 'celsius', 'a'],
};
test('values are shown with their unit', () => {
  for (const [want, [value, unit, name]] of Object.entries(values)) {
    assert.equal(formatMetric(value, { name, unit: unit as never }), want);
  }
});

test('a sparkline spans from the least to the greatest, with blanks where nothing is known', () => {
  assert.equal(sparkline(page, [0, 1, 2, 3, 4, 5, 6, 7]), '▁▂▃▄▅▆▇█');
  assert.equal(sparkline(page, [5, null, 5]), '▁ ▁');
  assert.equal(sparkline(page, [null]), ' ');
  assert.equal(sparkline({ ...page, unicode: false }, [-1, 1]), '_#');
});
