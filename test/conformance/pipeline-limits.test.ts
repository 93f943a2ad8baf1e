import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanMs, TimeMs } from '../../src/base/units.ts';
import type { WorkloadId } from '../../src/model/ids.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { bench } from '../builders/engine-bench.ts';
import { dollars, money, paidSite, rates } from '../builders/money.ts';
import { node } from '../builders/workload.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

/** The block as it is written, of a pipeline of such a step. */
function limited(step: string): WorkloadSpec {
  const text = `${seedBlock('pipeline-limits')}steps:\n  - {id: a, run: x, ${step}}\n`;
  const parsed = parseDocument(text, { fileName: 'p.yaml' });
  assert.ok(parsed.ok, JSON.stringify(parsed.ok || parsed.issues));
  assert.deepEqual(parsed.warnings, [], 'nothing of it is ignored');
  return parsed.spec;
}
const small = 'resources: {cpu: 100m, memory: 64Mi}';

function run(step: string) {
  const b = bench(node('n', { cpu: 1_000_000, memory: 2 ** 50 }));
  const seen = b.submit(limited(step));
  const workload = () => b.engine.state.workload('1' as WorkloadId)!;
  return { ...b, placed: seen.filter((line) => line.startsWith('placed')).length, workload };
}

test('max_concurrent_tasks, max_cpu and max_memory hold what runs at once', whereSeed, () => {
  assert.equal(run(`count: 30, ${small}`).placed, 20);
  assert.equal(run('count: 12, resources: {cpu: 1, memory: 64Mi}').placed, 8);
  assert.equal(run('count: 12, resources: {cpu: 100m, memory: 5Gi}').placed, 6);
});

test('max_retries holds the retries of all tasks together', whereSeed, () => {
  const b = run(`count: 5, retry: {max_retries: 5}, ${small}`);
  for (let i = 0; i < 5; i++) b.end(`1.a.${i}.1`, 'failed');
  const { retried, limitReached, state } = b.workload();
  assert.deepEqual([retried, limitReached?.limit, state], [3, 'retries', 'failed']);
});

test('max_execution_time stops it after an hour', whereSeed, () => {
  const b = run(small);
  assert.deepEqual(b.wait(3_599_999), []);
  assert.deepEqual(b.wait(1), ['limit-reached', 'stop 1.a.0.1 over-limit']);
  b.end('1.a.0.1', 'cancelled');
  assert.deepEqual(
    [b.workload().state, b.workload().limitReached?.limit],
    ['failed', 'execution-time'],
  );
});

for (const [limit, key, most] of [
  ['model-calls', 'modelCalls', 1_000],
  ['tokens', 'tokens', 1_000_000],
] as const) {
  test(`one more than ${most} ${limit} ends it`, whereSeed, () => {
    const b = run(`count: 2, ${small}`);
    b.uses('1.a.0.1', { [key]: most - 1 });
    assert.deepEqual(b.uses('1.a.1.1', { [key]: 1 }), ['attempt-used']);
    assert.ok(b.uses('1.a.1.1', { [key]: 2 }).includes('limit-reached'));
    b.end('1.a.0.1', 'cancelled');
    b.end('1.a.1.1', 'cancelled');
    assert.deepEqual([b.workload().state, b.workload().limitReached?.limit], ['failed', limit]);
  });
}

test('max_cost ends it when 50 dollars are spent, and no later', whereSeed, () => {
  const dear = { ...rates, cpuHour: dollars(100) };
  const config = money([], { prices: { rates: [dear], models: [] }, sliceMs: 60_000 as SpanMs });
  const site = paidSite(config);
  assert.equal(site.submitSpec(limited('resources: {cpu: 1, memory: 64Mi}')), undefined);
  site.pass();
  const workload = () => site.engine.state.workload('1' as WorkloadId)!;
  let minutes = 0;
  for (; workload().overBudget === undefined && minutes < 60; minutes++) {
    site.now = (site.now + 60_000) as TimeMs;
    site.pass();
  }
  assert.ok(minutes >= 28 && minutes <= 30, `${minutes} minutes at 100 dollars an hour`);
  site.endAll();
  site.pass();
  assert.equal(workload().state, 'failed');
  assert.ok(workload().spent.charged <= dollars(50) && workload().spent.charged > dollars(45));
});
