import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { keepEvery } from '../../src/app/keep-every.ts';
import { alertHouse } from '../builders/alert-house.ts';
import { scalingTerms } from '../builders/autoscaling.ts';
import { berth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { service } from '../builders/service.ts';
import { parse, reported } from '../builders/site-text.ts';
import { resources, step, workload } from '../builders/workload.ts';
import { realRun } from './real-run.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';
import { document, readBlock } from './seed-runs.ts';

test(
  'what is not available yet is said in a run, and stays with its record',
  whereSeed,
  async (t) => {
    const { id, told, warnings, berth } = await realRun(
      t,
      document('monitoring', 'run: echo ran\n'),
    );
    const why = await berth('why', id);
    for (const sentence of [
      'monitoring.resources.metrics: belongs in the site document',
      'monitoring.resources.alerts: belongs in the site document',
      'monitoring.resources.collection_interval: belongs in the site document',
    ]) {
      for (const shown of [told, why.stdout.replaceAll(/\s+/g, ' '), warnings!.join()]) {
        assert.ok(shown.includes(sentence), `${sentence} in ${shown}`);
      }
    }
  },
);

test('as a site, `collection_interval` and `metrics` act, and the rest is said', whereSeed, () => {
  const parsed = parse(seedBlock('monitoring'));
  assert.ok(parsed.ok && parsed.site.sampleEveryMs === 10_000);
  assert.deepEqual(
    reported(seedBlock('monitoring')).map((line) => / (monitoring[\w.]*):/.exec(line)?.[1]),
    [],
  );
  assert.deepEqual(parsed.site.exportedAs, [
    'cpu_utilization',
    'memory_usage',
    'gpu_utilization',
    'disk_io',
    'network_throughput',
    'model_queue_depth',
  ]);
  // Of the samples of each second, which come a little early or late.
  const isKept = keepEvery(parsed.site.sampleEveryMs, 1_000);
  const kept = Array.from({ length: 61 }, (_, i) => 1_000 * i + (i % 3) * 100).filter(isKept);
  assert.equal(kept.length, 7);
  for (const [i, at] of kept.slice(1).entries()) assert.ok(at - kept[i]! > 9_000, kept.join());
});

test(
  '`collection_interval: 10`: a daemon keeps the use of its host every 10 s',
  whereSeed,
  async (t) => {
    const scratch = scratchState(t);
    const { state } = scratch;
    const site = scratch.write('site.yaml', seedBlock('monitoring'));
    const { url } = await berth(state, 'up', '-d', '--port', '0', '--site', site);
    const { token } = await berth(
      state,
      'token',
      'add',
      'wall',
      '--role',
      'viewer',
      '--sees',
      'all',
    );
    const headers = { authorization: `Bearer ${token}` };
    const end = performance.now() + 60_000;
    for (;;) {
      const answer = await fetch(`${url}/api/v1/usage?window=60s`, { headers });
      const text = await answer.text();
      assert.equal(answer.status, 200, text);
      const { at, cpu_ratio: cpu } = JSON.parse(text);
      const moments = at.filter((_: number, i: number) => cpu[i] !== null);
      if (moments.length >= 2) {
        for (let i = 1; i < moments.length; i++) assert.ok(moments[i] - moments[i - 1] >= 9_000);
        break;
      }
      assert.ok(performance.now() < end, `two samples in a minute: ${at}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    // What is measured seldom, at a moment of its own, is kept with the next.
    const asked = 'name=berth_node_filesystem_size_bytes&window=5m';
    const sizes = await fetch(`${url}/api/v1/metrics/history?${asked}`, { headers });
    assert.ok(((await sizes.json()) as { series: unknown[] }).series.length > 0);
  },
);

test('a short name that there is not is said, with its place and what is meant', () => {
  assert.deepEqual(
    reported('monitoring: {resources: {metrics: [cpu_utilisation, berth_tasks, disk_io]}}\n'),
    [
      '1:36 warning: monitoring.resources.metrics[0]: no metric has the short name "cpu_utilisation": did you mean cpu_utilization?',
    ],
  );
});

const wrong: Readonly<Record<string, readonly [from: string, to: string]>> = {
  'an interval of nothing': ['collection_interval: 10', 'collection_interval: 0'],
  'a metric that is no name': ['- disk_io', '- "disk io"'],
  'a condition that is none': ['"cpu_utilization > 90"', '"cpu_utilization is high"'],
  'a duration that is none': ['duration: 300', 'duration: long'],
  'an action that is no name': ['"scale_up"', '"scale up"'],
  'a key that there is not': ['duration: 300', 'lasting: 300'],
};

for (const [what, [from, to]] of Object.entries(wrong)) {
  test(`wrong in it, with its place: ${what}`, whereSeed, () => {
    const text = seedBlock('monitoring').replace(from, to);
    assert.notEqual(text, seedBlock('monitoring'));
    const parsed = parse(text);
    assert.ok(!parsed.ok);
    const line = text.split('\n').findIndex((one) => one.includes(to)) + 1;
    assert.deepEqual(
      parsed.issues.map((issue) => issue.line),
      [line],
      JSON.stringify(parsed.issues),
    );
  });
}

test('nothing of it changes how the job runs', whereSeed, () => {
  assert.equal(readBlock('monitoring', 'run: echo\n').spec.limits, undefined);
});

/** The rules of the seed alone, over a real engine; the test says what is measured. */
function seedHouse(t: TestContext) {
  const parsed = parse(seedBlock('monitoring'));
  assert.ok(parsed.ok);
  const { alerts } = parsed.site;
  assert.ok(alerts !== undefined);
  return alertHouse(t, {
    ...alerts,
    rules: alerts.rules.filter(({ origin }) => origin !== 'default'),
  });
}

test(
  '`high_cpu_usage`: above 90 % for 5 minutes a service gets a replica more',
  whereSeed,
  async (t) => {
    const house = seedHouse(t);
    const id = await house.submit(service(2, { autoscaling: scalingTerms() }));
    const replicas = () => house.engine.state.workload(id)!.service!.replicas;
    house.metrics.set('berth_node_cpu_busy_ratio', 0.91);
    await house.pass(300_000);
    assert.equal(replicas(), 2);
    await house.pass(2_000);
    assert.equal(replicas(), 3);
    const [alert] = house.alerts.list(undefined).alerts;
    assert.deepEqual([alert!.rule, alert!.state], ['high_cpu_usage', 'firing']);
  },
);

test(
  '`memory_pressure`: below 1Gi the task of least priority is stopped, to start again',
  whereSeed,
  async (t) => {
    const house = seedHouse(t);
    const job = (name: string, priority: number) => ({
      ...workload(name, step('run', { request: resources({ cpu: 1_000 }) })),
      priority,
    });
    await house.submit(job('important', 9));
    const low = await house.submit(job('low', 1));
    house.metrics.set('berth_node_memory_available_bytes', 2 ** 30);
    await house.pass(10_000);
    const stopped = () =>
      [...house.engine.state.runningAttempts()].flatMap(({ id, stop }) =>
        stop === undefined ? [] : [`${id} ${stop}`],
      );
    assert.deepEqual(stopped(), []);
    house.metrics.set('berth_node_memory_available_bytes', 2 ** 30 - 1);
    await house.pass(10_000);
    assert.deepEqual(stopped(), [`${low}.run.0.1 evicted`]);
  },
);

test(
  'for real: a daemon with the rules of the seed evicts a task, and says so',
  whereSeed,
  async (t) => {
    const scratch = scratchState(t);
    const { state } = scratch;
    // As if this machine had no memory left.
    const block = seedBlock('monitoring').replace(
      'memory_available < 1Gi',
      'memory_available < 900Ti',
    );
    assert.notEqual(block, seedBlock('monitoring'));
    const site = scratch.write('site.yaml', block);
    const job = scratch.write('job.yaml', 'name: low\nrun: sleep 600\n');
    // It runs before the first look, and is adopted by the daemon that looks.
    await berth(state, 'up', '-d', '--port', '0');
    await berth(state, 'submit', job);
    await berth(state, 'down');
    await berth(state, 'up', '-d', '--port', '0', '--site', site);
    const end = performance.now() + 60_000;
    for (;;) {
      const { alerts } = await berth(state, 'alerts');
      const pressure = alerts.find(({ rule }: { rule: string }) => rule === 'memory_pressure');
      const outcome: string = pressure?.acted[0]?.outcome ?? '';
      if (outcome !== '' && outcome !== 'under way') {
        assert.match(outcome, /^evicted 1\.\w+\.0\.1$/);
        assert.match(pressure.sentence, /memory_available < 900Ti: .* now/);
        break;
      }
      assert.ok(performance.now() < end, `it acts within a minute: ${JSON.stringify(alerts)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  },
);
