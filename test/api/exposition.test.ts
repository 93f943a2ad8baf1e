import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveExposition } from '../../src/app/live-exposition.ts';
import { timeMs } from '../../src/base/units.ts';
import type { TenantId } from '../../src/model/ids.ts';
import { families } from '../../src/telemetry/families.ts';
import type { Reading } from '../../src/telemetry/metric.ts';
import { openSite } from './open-site.ts';

const readings: readonly Reading[] = [
  { name: 'berth_node_cpu_busy_ratio', labels: {}, value: 0.25 },
  { name: 'berth_task_processes', labels: { tenant: 'ada', workload: '1' }, value: 3 },
  { name: 'berth_task_processes', labels: { tenant: 'bob', workload: '2' }, value: 4 },
  { name: 'berth_gpu_busy_ratio', labels: { gpu: 'GPU-7', index: '0' }, value: 0.5 },
  { name: 'ml_jobs_total', labels: { status: 'failed', user: 'bob' }, value: 1 },
];
const source = {
  families: () => families,
  latest: () => readings.map((one) => ({ ...one, at: timeMs(0) })),
};
const exposition = new LiveExposition(source, ['cpu_utilization', 'disk_io']);
const seriesOf = (text: string): string[] => text.split('\n').filter((line) => /^[a-z]/.test(line));

test('a scraper reads what is measured, with names that the site asks for', async (t) => {
  const { ask } = await openSite(t, undefined, { exposition });
  const answer = await ask('GET', '/metrics');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.deepEqual(seriesOf(answer.text), [
    'berth_gpu_busy_ratio{gpu="GPU-7",index="0"} 0.5',
    'berth_node_cpu_busy_ratio 0.25',
    'berth_task_processes{tenant="ada",workload="1"} 3',
    'berth_task_processes{tenant="bob",workload="2"} 4',
    'cpu_utilization 25',
    'gpu_utilization_percent{gpu_id="0"} 50',
    'ml_jobs_total{status="failed",user="bob"} 1',
  ]);
  const open = await ask('GET', '/metrics', {
    headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' },
  });
  assert.match(String(open.headers['content-type']), /^application\/openmetrics-text/);
  assert.match(open.text, /\n# EOF\n$/);
});

test('nobody reads it without a token, or under a strange name', async (t) => {
  const { ask } = await openSite(t, undefined, { exposition });
  assert.equal((await ask('GET', '/metrics', { token: null })).status, 401);
  assert.equal((await ask('GET', '/metrics', { token: 'berth_wrong' })).status, 401);
  const strange = await ask('GET', '/metrics', { headers: { host: 'evil.example' } });
  assert.equal(strange.status, 403);
  assert.ok(!strange.text.includes('berth_node'));
});

test('whoever sees only his own reads no series of others', async (t) => {
  const holders = {
    tenantOfRunning: () => undefined,
    identify: (token: string) =>
      ({
        'ada-own': { tenant: 'ada' as TenantId, role: 'viewer', sees: 'own' },
        'ada-all': { tenant: 'ada' as TenantId, role: 'viewer', sees: 'all' },
        admin: { tenant: 'eve' as TenantId, role: 'admin', sees: 'own' },
      })[token] as never,
  };
  const { ask } = await openSite(t, undefined, { exposition, holders });
  const own = seriesOf((await ask('GET', '/metrics', { token: 'ada-own' })).text);
  assert.ok(own.some((line) => line.includes('ada')) && own.some((line) => /^cpu_ut/.test(line)));
  assert.deepEqual(
    own.filter((line) => line.includes('bob')),
    [],
  );
  const all = seriesOf((await ask('GET', '/metrics', { token: 'ada-all' })).text);
  assert.equal(all.filter((line) => line.includes('bob')).length, 2);
  assert.deepEqual(seriesOf((await ask('GET', '/metrics', { token: 'admin' })).text), all);
});
