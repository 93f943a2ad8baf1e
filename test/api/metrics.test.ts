import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  metricDriftSchema,
  metricHistorySchema,
  metricListSchema,
} from '../../src/api/contract/telemetry-documents.ts';
import { LiveMetricSite } from '../../src/app/metric-site.ts';
import { timeMs } from '../../src/base/units.ts';
import type { TenantId } from '../../src/model/ids.ts';
import { openHistory } from '../../src/store/io/history.ts';
import type { Reading } from '../../src/telemetry/metric.ts';
import { noTokens } from '../builders/no-tokens.ts';
import { RecordedMetrics } from '../builders/recorded-metrics.ts';
import { openSite } from './open-site.ts';
import { ScenarioSite } from './scenario-site.ts';

const bounded = { timeout: 20_000 };
/** The beginning of a day, UTC. */
const START = 1_800_057_600_000;
const MINUTE = 60_000;
const ADA_TOKEN = 'ada-token';

const taskOf = (tenant: string, attempt: string, value: number): Reading => ({
  name: 'berth_task_memory_bytes',
  labels: { tenant, workload: attempt[0]!, step: 's', attempt },
  value,
});

/** Half an hour, without minutes 10 … 19. */
const minutes = Array.from({ length: 30 }, (_, m) => m).filter((m) => m < 10 || m >= 20);

function readingsAt(minute: number): readonly Reading[] {
  return [
    { name: 'berth_node_cpu_busy_ratio', labels: {}, value: minute / 100 },
    ...['cpu', 'memory', 'io'].map((resource, i) => ({
      name: 'berth_node_pressure_waiting_ratio',
      labels: { resource },
      value: i / 10,
    })),
    taskOf('ada', '1.s.0.1', 100),
    taskOf('bob', '2.s.0.1', 200),
    { name: 'berth_tenant_cpu_used', labels: { tenant: 'bob' }, value: 2 },
    { name: 'custom,"metric"', labels: { formula: '=1+1', text: 'a\nb' }, value: 0.5 },
  ];
}

async function openMetrics(t: TestContext) {
  const history = openHistory({
    file: ':memory:',
    onProblem: (problem) => assert.fail(String(problem)),
  });
  t.after(() => history.close());
  const live = new RecordedMetrics();
  for (const minute of minutes) {
    const at = timeMs(START + minute * MINUTE);
    history.record(at, readingsAt(minute));
    live.note(at, readingsAt(minute));
  }
  const now = () => timeMs(START + 29 * MINUTE + 30_000);
  const ada = { tenant: 'ada' as TenantId, role: 'user', sees: 'own' } as const;
  const site = await openSite(t, new ScenarioSite(), {
    metrics: new LiveMetricSite({ live, history, now }),
    holders: {
      ...noTokens.holders,
      identify: (token) => (token === ADA_TOKEN ? ada : undefined),
    },
  });
  const get = async (path: string, token?: string) =>
    site.ask('GET', `/api/v1/metrics${path}`, token === undefined ? {} : { token });
  const list = async (path = '', token?: string) =>
    metricListSchema.parse((await get(path, token)).json());
  const read = async (query: string, token?: string) =>
    metricHistorySchema.parse((await get(`/history?${query}`, token)).json());
  return { get, list, read };
}

test(
  'metrics are listed with their newest values, rates under their own name',
  bounded,
  async (t) => {
    const { list } = await openMetrics(t);
    const all = await list();
    assert.deepEqual(
      all.metrics.map(({ name }) => name),
      [
        'berth_node_cpu_busy_ratio',
        'berth_node_pressure_waiting_ratio',
        'berth_task_memory_bytes',
        'berth_tenant_cpu_used',
      ],
    );
    const [busy, waiting] = all.metrics;
    const { series, help, ...rest } = busy!;
    assert.deepEqual(rest, {
      name: 'berth_node_cpu_busy_ratio',
      kind: 'gauge',
      unit: 'ratio',
      source: 'measured',
      history: 'berth_node_cpu_busy_ratio',
      more: 0,
    });
    assert.deepEqual(series, [{ labels: {}, value: 0.29, at: START + 29 * MINUTE }]);
    assert.match(help, /Busy/);
    assert.deepEqual([waiting?.unit, waiting?.series.length], ['ratio', 3]);
    const [one, ...others] = (await list('?name=berth_node_pressure_waiting_ratio&series_max=2'))
      .metrics;
    assert.deepEqual([one?.series.length, one?.more, others], [2, 1, []]);
    assert.deepEqual((await list('?name=nothing')).metrics, []);
  },
);

test('history is a grid with holes where nothing was measured', bounded, async (t) => {
  const { read } = await openMetrics(t);
  const found = await read('name=berth_node_cpu_busy_ratio&window=30m&points=30');
  assert.equal(found.interval_ms, MINUTE);
  assert.deepEqual(
    found.at,
    Array.from({ length: 30 }, (_, m) => START + m * MINUTE),
  );
  const [series] = found.series;
  assert.deepEqual(
    series?.mean,
    Array.from({ length: 30 }, (_, m) => (m >= 10 && m < 20 ? null : m / 100)),
  );
  assert.deepEqual([series?.min, series?.max], [series?.mean, series?.mean]);
  const { average, peak, trough, direction, slope_per_hour } = series!.trend!;
  assert.ok(Math.abs(average - 0.145) < 1e-12 && Math.abs(slope_per_hour! - 0.6) < 1e-9);
  assert.deepEqual([peak, trough, direction], [0.29, 0, 'rising']);
  const coarse = await read('name=berth_node_cpu_busy_ratio&window=30m&points=3');
  assert.deepEqual(
    coarse.series[0]?.mean.map((v) => v && Number(v.toFixed(9))),
    [0.045, null, 0.245],
  );
  assert.deepEqual([coarse.series[0]?.min[2], coarse.series[0]?.max[2]], [0.2, 0.29]);
});

test('labels choose series, and it is said how many are left out', bounded, async (t) => {
  const { read } = await openMetrics(t);
  const name = 'name=berth_node_pressure_waiting_ratio';
  const keys = async (query: string) => {
    const { series, more } = await read(query);
    return [series.map(({ labels }) => labels['resource']), more];
  };
  assert.deepEqual(await keys(name), [['io', 'memory', 'cpu'], 0]);
  assert.deepEqual(await keys(`${name}&series=1`), [['io'], 2]);
  assert.deepEqual(await keys(`${name}&label=resource%3Dcpu`), [['cpu'], 0]);
  assert.deepEqual(await keys(`${name}&label=resource%3Dcpu&label=x%3Dy`), [[], 0]);
  // The name of the counter means its rate.
  const counted = await read('name=berth_node_pressure_waiting_seconds_total');
  assert.deepEqual([counted.name, counted.series.length], ['berth_node_pressure_waiting_ratio', 3]);
});

test('who sees only his own sees no series of others', bounded, async (t) => {
  const { list, read, get } = await openMetrics(t);
  const name = 'name=berth_task_memory_bytes';
  const whose = ({ series }: Awaited<ReturnType<typeof read>>) =>
    series.map(({ labels }) => labels['tenant']);
  assert.deepEqual(whose(await read(name)), ['bob', 'ada']);
  const own = await read(`${name}&series=1`, ADA_TOKEN);
  assert.deepEqual([whose(own), own.more], [['ada'], 0]);
  assert.deepEqual(whose(await read(`${name}&label=tenant%3Dbob`, ADA_TOKEN)), []);
  const listed = (await list('', ADA_TOKEN)).metrics;
  assert.ok(!listed.some((metric) => metric.name === 'berth_tenant_cpu_used'));
  const tasks = listed.find((metric) => metric.name === 'berth_task_memory_bytes');
  assert.deepEqual([tasks?.series.length, tasks?.more], [1, 0]);
  assert.equal((await read('name=berth_node_cpu_busy_ratio', ADA_TOKEN)).series.length, 1);
  const { text } = await get('/export?step=1s', ADA_TOKEN);
  assert.ok(text.includes('tenant=ada') && !text.includes('bob'));
});

test('a drift is asked of what one may see, by either name', bounded, async (t) => {
  const { get } = await openMetrics(t);
  const drift = async (query: string, token?: string) =>
    metricDriftSchema.parse((await get(`/drift?${query}`, token)).json());
  const spans = 'before=20m&after=10m';
  const all = await drift(`name=berth_task_memory_bytes&${spans}`);
  const own = await drift(`name=berth_task_memory_bytes&${spans}`, ADA_TOKEN);
  assert.equal(own.before.points, all.before.points / 2);
  const theirs = await drift(`name=berth_task_memory_bytes&label=tenant%3Dbob&${spans}`, ADA_TOKEN);
  assert.deepEqual([theirs.before, theirs.after], [own.before, own.after], 'not those of bob');
  assert.deepEqual([all.verdict, own.verdict], ['none', 'unknown']);
  assert.equal(all.after.to - all.before.from, 30 * MINUTE);
  assert.equal(all.before.to, all.after.from);
  const counted = await drift(`name=berth_node_pressure_waiting_seconds_total&${spans}`);
  assert.equal(counted.name, 'berth_node_pressure_waiting_ratio');
  assert.equal((await get('/drift?name=unheard_of')).status, 404);
  assert.equal((await get('/drift?name=berth_task_memory_bytes&before=soon')).status, 400);
});

test('an export looks for nothing where a series has no points, however far back it is asked for', (t) => {
  const history = openHistory({
    file: ':memory:',
    onProblem: (problem) => assert.fail(String(problem)),
  });
  t.after(() => history.close());
  for (const minute of minutes) {
    history.record(timeMs(START + minute * MINUTE), [{ name: 'cpu', labels: {}, value: minute }]);
  }
  const now = () => timeMs(START + 30 * MINUTE);
  const site = new LiveMetricSite({ live: new RecordedMetrics(), history, now });
  const asked = { names: [], sinceMs: 731 * 86_400_000, format: 'csv' } as const;
  const pieces = (step: '1s' | '1m' | '1h') => [...site.exported({ ...asked, step }, undefined)];
  // The header, and ten minutes of seconds, ten hours of minutes or 600 hours each.
  assert.deepEqual([pieces('1s').length, pieces('1m').length, pieces('1h').length], [4, 2, 2]);
  assert.deepEqual(
    (['1s', '1m', '1h'] as const).map((step) => pieces(step).join('').split('\n').length - 2),
    [20, 20, 1],
  );
});

test('an export has every point, and says what its columns mean', bounded, async (t) => {
  const { get } = await openMetrics(t);
  const csv = await get('/export?name=berth_node_cpu_busy_ratio&step=1m&since=1h');
  assert.match(String(csv.headers['content-type']), /^text\/csv/);
  const lines = csv.text.split('\r\n');
  assert.equal(lines[0], 'time,name,labels,unit,at,min,max,mean,last,count');
  assert.equal(lines.length, minutes.length + 2);
  assert.equal(
    lines[2],
    `2027-01-16T00:01:00Z,berth_node_cpu_busy_ratio,,ratio,${START + MINUTE},0.01,0.01,0.01,0.01,1`,
  );
  const strange = (await get('/export?name=custom%2C%22metric%22&step=1h')).text;
  assert.ok(strange.includes('"custom,""metric""","formula==1+1;text=a\nb",none'), strange);
  const json = (await get('/export?format=json&step=1s&since=1h')).json() as unknown as {
    schema: string;
    columns: Record<string, string>;
    series: { name: string; labels: object; unit: string; points: number[][] }[];
  };
  assert.equal(json.schema, 'berth-metrics-1');
  assert.deepEqual(Object.keys(json.columns), ['at', 'min', 'max', 'mean', 'last', 'count']);
  assert.equal(json.series.length, 8);
  const busy = json.series.find(({ name }) => name === 'berth_node_cpu_busy_ratio');
  assert.deepEqual(
    busy?.points,
    minutes.map((m) => [START + m * MINUTE, m / 100, m / 100, m / 100, m / 100, 1]),
  );
  assert.deepEqual((await get('/export?format=json&name=nothing')).json()['series'], []);
});

const wrong: Record<string, readonly [path: string, status: number, text: RegExp]> = {
  'an unknown name': ['/history?name=nothing', 404, /There is no metric \\"nothing\\"/],
  'no name': ['/history', 400, /name/],
  'a label without a value': ['/history?name=berth_tasks&label=x', 400, /not key=value/],
  'a window that is no span': ['/history?name=berth_tasks&window=soon', 400, /a span such as/],
  'a window without end': ['/history?name=berth_tasks&window=unlimited', 400, /at most 731d/],
  'too many points': ['/history?name=berth_tasks&points=2000&series=1000', 400, /at most 100000/],
  'an unknown step': ['/export?step=2s', 400, /step/],
  'an unknown format': ['/export?format=xml', 400, /format/],
};
test('what is asked wrongly is answered with what is wrong', bounded, async (t) => {
  const { get } = await openMetrics(t);
  for (const [sentence, [path, status, text]] of Object.entries(wrong)) {
    const answer = await get(path);
    assert.equal(answer.status, status, sentence);
    assert.match(answer.text, text, sentence);
  }
});
