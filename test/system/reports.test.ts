import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { reportSchema } from '../../src/api/contract/report-documents.ts';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const terms = 'resources: {cpu: 100m, memory: 32Mi}\nresource_limits: {timeout: 60}\n';
const good = `name: good\nrun: sleep 0.2\ncount: 3\n${terms}`;
const bad = `name: bad\nrun: exit 3\n${terms}`;
const infers = `name: infers\nrun: 'echo "$BERTH_ATTEMPT_ID model_calls=40 tokens=900" >> "$BERTH_USAGE"; sleep 0.3'\n${terms.replace('timeout', 'max_model_calls: 100, timeout')}`;
const pipeline = `
name: chain
steps:
  - {id: ingest, run: sleep 0.2, resources: {cpu: 100m, memory: 32Mi}}
  - {id: train, needs: [ingest], run: sleep 0.4, resources: {cpu: 100m, memory: 32Mi}}
`;
const site = `
name: lab
time_zone: Europe/Berlin
monitoring:
  objectives:
    - {name: jobs succeed, objective: 99%, indicator: jobs}
    - {name: handoffs, objective: 95%, period: 1d, indicator: handoff, below: 30s}
  reports: [{every: day, at: "00:00"}]
`;
const day = 86_400_000;

test('a report tells what really happened, and a daemon that was away makes the one that was due', {
  skip: skipSystem,
  timeout: 240_000,
}, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  const BERTH_SITE = scratch.write('site.yaml', site);
  const BERTH_PRICES = join(import.meta.dirname, '../../examples/prices.yaml');
  Object.assign(process.env, { BERTH_SITE, BERTH_PRICES });
  t.after(() => {
    delete process.env['BERTH_SITE'];
    delete process.env['BERTH_PRICES'];
  });
  const daemon = await up(state);
  t.after(() => kill(daemon));
  for (const [stdin, code] of [
    [good, 0],
    [bad, 1],
    [infers, 0],
    [pipeline, 0],
  ] as const) {
    const ran = await runBerth(['run', '-', '--state', state], { stdin });
    assert.equal(ran.code, code, ran.stderr);
  }
  const found = reportSchema.parse(await berth(state, 'report', '--since', '1h'));
  assert.deepEqual(
    [found.workloads.succeeded, found.workloads.failed, found.workloads.running],
    [3, 1, 0],
  );
  assert.deepEqual(found.failures, [{ cause: 'failed', attempts: 1, example: '2.bad.0.1' }]);
  assert.equal(found.waiting.tasks, 7);
  assert.ok(found.waiting.max_ms! < 30_000);
  const stages = found.stages.map(({ step, runs }) => [step, runs]);
  assert.deepEqual(stages, [
    ['ingest', 1],
    ['train', 1],
  ]);
  const [ingest, train] = found.stages;
  assert.ok(ingest!.p50_ms! >= 200 && train!.p50_ms! >= 400, 'they slept so long');
  assert.ok(train!.handoff_p95_ms !== null && train!.share! > ingest!.share!);
  const total = (await berth(state, 'usage', '--since', '1h')).total;
  assert.deepEqual([found.cost.total, found.cost.total > 0], [total.cost, true]);
  assert.equal(found.cost.by_tenant[0]?.attempts, 7);
  assert.equal(found.efficiency.cpu_hours, total.cpu_hours);
  const cpu = found.current_status.find(({ resource }) => resource === 'cpu');
  assert.ok(cpu!.value! >= 0 && cpu!.value! <= 1);
  assert.ok(found.historical_trends.some(({ name }) => name === 'berth_node_cpu_busy_ratio'));
  assert.equal(found.reliability.nodes.failures, 0);
  assert.ok(found.reliability.nodes.up_hours > 0 && found.reliability.nodes.up_hours < 0.2);
  const kpis = new Map(found.kpis.map((one) => [one.name, one]));
  assert.deepEqual(
    [kpis.get('training_job_success_rate')?.value, kpis.get('training_job_success_rate')?.samples],
    [0.75, 4],
  );
  const perCall = kpis.get('cost_per_inference');
  assert.equal(perCall?.samples, 40);
  assert.ok(perCall!.value! > 0 && perCall!.value! < 0.001);
  const [jobs, handoffs] = found.objectives;
  assert.deepEqual([jobs?.good, jobs?.bad, handoffs?.good, handoffs?.bad], [3, 1, 1, 0]);
  assert.ok(jobs!.budget_left! < 0 && jobs!.windows.every(({ fires }) => fires));
  assert.equal(found.summary.state, 'critical');
  assert.ok(found.recommendations.some(({ source }) => source === 'objective'));
  assert.equal(found.metadata.site, 'lab');
  const sections = found.metadata.unknown.map(({ section }) => section);
  assert.ok(sections.includes('kpis.inference_latency_p99'), sections.join());

  const file = join(scratch.dir, 'report.html');
  const html = await runBerth(['report', '--html', file, '--state', state]);
  assert.equal(html.code, 0, html.stderr);
  assert.match(readFileSync(file, 'utf8'), /<svg role="img" aria-label="CPUs busy/);
  assert.equal((await runBerth(['kpi', '--state', state])).code, 0);

  const { reports, schedules } = await berth(state, 'report', 'list');
  assert.deepEqual([reports.length, schedules.length], [0, 1]);
  await kill(daemon);
  // As if it had been away over midnight.
  const schedule = join(state, 'reports', 'schedule.json');
  const due = JSON.parse(readFileSync(schedule, 'utf8')) as Record<string, number>;
  const [key] = Object.keys(due);
  writeFileSync(schedule, JSON.stringify({ [key!]: due[key!]! - 2 * day }));
  const again = await up(state);
  t.after(() => kill(again));
  let kept: { id: string }[] = [];
  for (let tries = 0; kept.length === 0 && tries < 100; tries++) {
    kept = (await berth(state, 'report', 'list')).reports;
  }
  assert.equal(kept.length, 1);
  const [{ id } = { id: '' }] = kept;
  assert.match(id, /^day-\d{4}-\d{2}-\d{2}-0000$/);
  assert.ok(existsSync(join(state, 'reports', `${id}.html`)));
  const shown = reportSchema.parse(await berth(state, 'report', 'show', id));
  assert.ok([23, 24, 25].includes(shown.duration_ms / 3_600_000));
  const after = reportSchema.parse(await berth(state, 'report', '--since', '1h'));
  assert.deepEqual(
    after.objectives.map(({ good: g, bad: b }) => [g, b]),
    [
      [3, 1],
      [1, 0],
    ],
    'read again from the journal',
  );
});
