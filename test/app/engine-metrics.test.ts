import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countTasks, EngineMetrics } from '../../src/app/engine-metrics.ts';
import type { EndCause } from '../../src/model/attempt.ts';
import type { AttemptId } from '../../src/model/ids.ts';
import { seriesKey } from '../../src/telemetry/metric.ts';
import { config, node, queueConfig, Site } from '../builders/site.ts';
import { step, workload } from '../builders/workload.ts';

const queues = config([queueConfig('fast'), queueConfig('slow')]);

/** A site, its metrics, and what was told them of it. */
function open() {
  const site = new Site(queues, node('n', { cpu: 2_000 }));
  const calibration = { inside: 0, of: 0 };
  const metrics = new EngineMetrics({
    engine: site.engine,
    root: queues.root,
    now: () => site.at,
    ahead: { calibration },
  });
  let heard = 0;
  const hear = (): void => {
    metrics.noteEvents(site.journal.slice(heard));
    heard = site.journal.length;
  };
  const started = (attempt: AttemptId): void => {
    const { events } = site.engine.decide({
      kind: 'report-started',
      at: site.at,
      attempt,
      pid: 1,
    });
    for (const event of events) site.engine.apply(event);
    metrics.noteEvents(events);
  };
  const read = (name: string): Record<string, number> =>
    Object.fromEntries(
      metrics
        .latest(name)
        .filter(({ value }) => value !== 0)
        .map(({ labels, value }) => [seriesKey('', labels), value]),
    );
  return { site, metrics, hear, started, read, calibration };
}

test('how many starts lay in their interval is known once some were foretold and came', () => {
  const { metrics, calibration } = open();
  const told = () => metrics.latest('berth_start_interval_inside_ratio').map(({ value }) => value);
  assert.deepEqual(told(), []);
  Object.assign(calibration, { inside: 3, of: 4 });
  assert.deepEqual(told(), [0.75]);
  assert.deepEqual(
    metrics.latest('berth_start_intervals').map(({ value }) => value),
    [4],
  );
});

test('attempts and jobs are counted by how they end, and for whom', () => {
  const { site, hear, read } = open();
  const ends: readonly [tenant: string, cause: EndCause][] = [
    ['ada', 'succeeded'],
    ['ada', 'oom-killed'],
    ['bob', 'succeeded'],
    ['bob', 'succeeded'],
  ];
  for (const [tenant, cause] of ends) {
    site.submit({ queue: 'fast', tenant });
    for (const attempt of site.pass()) site.end(attempt, cause);
    site.pass();
  }
  hear();
  assert.deepEqual(read('berth_attempts_total'), {
    '{cause="succeeded",tenant="ada"}': 1,
    '{cause="oom-killed",tenant="ada"}': 1,
    '{cause="succeeded",tenant="bob"}': 2,
  });
  assert.deepEqual(read('ml_jobs_total'), {
    '{status="succeeded",user="ada"}': 1,
    '{status="failed",user="ada"}': 1,
    '{status="succeeded",user="bob"}': 2,
  });
});

test('waiting is from when a task could have started, also of its second attempt', () => {
  const { site, hear, started, read } = open();
  site.submit({ queue: 'slow', cpu: 2, retries: 1, gib: 1 });
  site.submit({ queue: 'slow', cpu: 2 });
  const [first] = site.pass();
  started(first!);
  site.now = 30_000;
  site.end(first!, 'oom-killed');
  const [second] = site.pass();
  started(second!);
  site.now = 40_000;
  site.end(second!);
  const [third] = site.pass();
  started(third!);
  hear();
  assert.deepEqual(
    [first, second, third].map((id) => id?.split('.')[0]),
    ['1', '2', '1'],
  );
  // At once; 30 s behind the first; 10 s from the end of its first attempt.
  assert.deepEqual(read('berth_task_waiting_seconds_sum'), { '{queue="slow"}': 40 });
  assert.deepEqual(read('berth_task_waiting_seconds_bucket'), {
    '{le="0.1",queue="slow"}': 1,
    '{le="1",queue="slow"}': 1,
    '{le="5",queue="slow"}': 1,
    '{le="15",queue="slow"}': 2,
    ...Object.fromEntries(
      ['60', '300', '900', '3600', '14400', '86400', '+Inf'].map((le) => [
        `{le="${le}",queue="slow"}`,
        3,
      ]),
    ),
  });
  assert.deepEqual(read('berth_attempt_duration_seconds_sum'), { '{queue="slow"}': 40 });
});

test('tasks are counted where they stand, and every queue has its zeros', () => {
  const { site } = open();
  site.submitSpec(
    {
      ...workload('w', step('a', { count: 3 }), step('b', { needs: ['a'], count: 2 })),
      queue: 'slow' as never,
    },
    { queue: 'slow' },
  );
  site.pass();
  const tell = (): Record<string, number> =>
    Object.fromEntries(
      countTasks(site.engine, queues.root).map(({ name, labels, value }) => [
        seriesKey(name.replace('berth_', ''), labels),
        value,
      ]),
    );
  const now = tell();
  assert.deepEqual(
    ['blocked', 'waiting', 'running', 'succeeded'].map((state) => now[`tasks{state="${state}"}`]),
    [2, 1, 2, 0],
  );
  assert.equal(now['queue_tasks{queue="slow",state="running"}'], 2);
  assert.equal(now['queue_tasks{queue="fast",state="running"}'], 0);
  assert.equal(now['workloads{state="active"}'], 1);
  assert.equal(now['service_tasks{state="waiting"}'], 0);
  site.endAll();
  site.pass();
  site.endAll();
  site.pass();
  site.endAll();
  site.pass();
  assert.equal(tell()['tasks{state="succeeded"}'], 5);
  assert.equal(tell()['queue_tasks{queue="slow",state="running"}'], 0);
  assert.equal(tell()['workloads{state="succeeded"}'], 1);
});

test('a step that needs another one waits from when that has ended', () => {
  const { site, hear, started, read } = open();
  site.submitSpec(
    {
      ...workload('w', step('a'), step('b', { needs: ['a'] })),
      queue: 'fast' as never,
    },
    { queue: 'fast' },
  );
  const [first] = site.pass();
  started(first!);
  site.now = 30_000;
  site.end(first!);
  const [second] = site.pass();
  started(second!);
  hear();
  assert.equal(second, '1.b.0.1');
  assert.deepEqual(read('berth_task_waiting_seconds_count'), { '{queue="fast"}': 2 });
  assert.deepEqual(read('berth_task_waiting_seconds_sum'), {});
});
