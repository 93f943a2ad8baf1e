import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KpiList } from '../../src/api/contract/telemetry-documents.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';
import { printResult } from '../../src/cli/printer.ts';
import { registry } from '../../src/cli/registry.ts';
import { report } from '../builders/report.ts';
import { TestDaemon } from './test-daemon.ts';
import { testWorld } from './test-world.ts';

const bounded = { timeout: 20_000 };
const id = 'week-2026-11-23-0600';

const kpis: KpiList = {
  from: 0,
  to: 1,
  complete: false,
  kpis: [
    {
      name: 'training_job_success_rate',
      title: 'Jobs that succeed',
      unit: 'ratio',
      value: 0.75,
      low: 0.356,
      high: null,
      target: 0.95,
      critical: 0.9,
      better: 'higher',
      status: 'critical',
      samples: 4,
      sentence: '3 of 4 jobs and pipelines succeeded.',
    },
    {
      name: 'mttr_minutes',
      title: 'Mean time to recovery (min)',
      unit: 'none',
      value: null,
      low: null,
      high: null,
      target: 15,
      critical: 60,
      better: 'lower',
      status: 'unknown',
      samples: 0,
      sentence: 'Nothing failed in that time.',
    },
  ],
  objectives: [
    {
      name: 'jobs',
      objective: 0.95,
      period_ms: 86_400_000,
      counted: 'jobs',
      good: 9,
      bad: 1,
      budget_left: -1,
      windows: [
        {
          long_ms: 120_000,
          short_ms: 10_000,
          burn_long: 20,
          burn_short: 20,
          threshold: 14.4,
          fires: true,
          severity: 'critical',
        },
      ],
    },
  ],
};

async function run(line: string) {
  await using daemon = await TestDaemon.open();
  const answer = (path: string, type: string, body: string): void => {
    daemon.answers.set(path, { status: 200, type, body });
  };
  const json = 'application/json';
  const isPage = line.includes('--html');
  const made = isPage ? '<!doctype html>\n' : JSON.stringify(report());
  answer('/api/v1/kpis', json, JSON.stringify(kpis));
  answer('/api/v1/report', json, made);
  answer(`/api/v1/reports/${id}`, json, isPage ? made : JSON.stringify(report({ id })));
  const kept = { id, every: 'week', from: 0, to: 1, generated_at: 0, state: 'good' };
  const schedules = [{ every: 'week', next_at: 1, problem: 'no room' }];
  answer('/api/v1/reports', json, JSON.stringify({ now: 1, reports: [kept], schedules }));
  const parsed = parseCommandLine(line.split(' '), registry);
  assert.ok(parsed.kind === 'command');
  const world = testWorld({ ...parsed.flags, state: daemon.stateDir }, { width: 140 });
  const result = await parsed.command.run(parsed.operands, parsed.values, world);
  await printResult(world.terminal, result, world.settings.json.value);
  return { out: world.out.text, err: world.err.text, saved: world.saved };
}

test('kpi shows figures and objectives, and says when history is short', bounded, async () => {
  const { out, err } = await run('kpi');
  assert.match(out, /training_job_success_rate +75% +35\.6% \.\. +>= 95% +critical +3 of 4/);
  assert.match(out, /mttr_minutes +— +<= 15 +unknown +Nothing failed/);
  assert.match(out, /jobs +95% +1d 00h +9 jobs +1 job +-100% +20x in 2m 00s/);
  assert.match(err, /since 1970-01-01 00:00 UTC only/);
});

test('kpi --csv leaves what is unknown empty', bounded, async () => {
  const { out } = await run('kpi --csv');
  assert.deepEqual(out.trimEnd().split('\n'), [
    'name,unit,value,low,high,target,critical,status,samples',
    'training_job_success_rate,ratio,0.75,0.356,,0.95,0.9,critical,4',
    'mttr_minutes,none,,,,15,60,unknown,0',
  ]);
});

test('report has its sections on the terminal, with what is unknown', bounded, async () => {
  const { out } = await run('report');
  for (const title of ['Summary', 'Now', 'Use over time', 'Failures by cause', 'Not known']) {
    assert.ok(out.includes(`\n${title}\n`), title);
  }
  assert.match(out, /oom-killed +4 +3\.s\.0\.1/);
  assert.match(out, /nodes +0 +at least 56\.1 h +— +100%/);
  assert.match(out, /gpu +GPUs busy +—/);
  assert.match(out, /alerts: no rules are watched/);
});

test('report --html writes the page, or prints it', bounded, async () => {
  const { out, saved } = await run('report --html week.html');
  assert.equal(out, 'week.html\n');
  assert.equal(saved.get('week.html'), '<!doctype html>\n');
  assert.equal((await run('report --html -')).out, '<!doctype html>\n');
  assert.equal((await run(`report show ${id} --html -`)).out, '<!doctype html>\n');
});

test('report --json is the document', bounded, async () => {
  const { out } = await run('report --json');
  assert.deepEqual(JSON.parse(out), report());
});

test('report list and show', bounded, async () => {
  const { out } = await run('report list');
  assert.match(out, /week-2026-11-23-0600 +good +now/);
  assert.match(out, /next one of a week is due now\. It could not be made: no room/);
  assert.match((await run(`report show ${id}`)).out, /^lab, 2026-11-16 06:00 to 2026-11-23 06:00/);
});
