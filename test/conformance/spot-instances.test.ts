import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spanMs } from '../../src/base/units.ts';
import type { AttemptId, TenantId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import type { SpotPolicy } from '../../src/model/spot.ts';
import type { StepSpec } from '../../src/model/workload.ts';
import { Loop } from '../../src/runtime/loop.ts';
import type { Driver, Saving } from '../../src/runtime/ports.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { silentDriver } from '../builders/silent-driver.ts';
import { parse } from '../builders/site-text.ts';
import { plainNode, quote, spotNode, spotStage, suitable } from '../builders/spot-stage.ts';
import { mood, runSpotWeek } from '../builders/spot-week.ts';
import { step, workload } from '../builders/workload.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

/** The block as it is written, as the site document. */
function policyOf(text = seedBlock('spot-instances')): SpotPolicy {
  const parsed = parse(text);
  assert.ok(parsed.ok, JSON.stringify(!parsed.ok && parsed.issues));
  assert.deepEqual(parsed.warnings, [], 'nothing of it is left for later');
  return parsed.site.scheduling.spot!;
}

const site = (spot: SpotPolicy) =>
  spotStage({ spot }, plainNode('d', 20_000), spotNode('s', 20_000));

test('enabled: spot nodes are used; switched off they are not', whereSeed, () => {
  const used = site(policyOf());
  used.submit(suitable('batch_processing', 10));
  assert.ok(Object.values(used.where()).includes('s'));
  const off = site(
    policyOf(seedBlock('spot-instances').replace('enabled: true', 'enabled: false')),
  );
  off.submit(suitable('batch_processing', 10));
  assert.deepEqual(new Set(Object.values(off.where())), new Set(['d']));
});

test('percentage: 70 of 100 that may be on spot nodes are there', whereSeed, () => {
  const s = spotStage(
    { spot: policyOf() },
    ...['d', 'e'].map((id) => plainNode(id, 200_000)),
    ...['s', 't'].map((id) => spotNode(id, 200_000)),
  );
  s.submit(suitable('batch_processing', 60));
  s.submit(suitable('data_preprocessing', 40));
  const both = Object.values(s.where());
  assert.equal(both.length, 100);
  assert.equal(both.filter((id) => id === 's' || id === 't').length, 70);
});

test('suitable_tasks: those three, and no others', whereSeed, () => {
  for (const name of ['batch_processing', 'data_preprocessing', 'non_critical_analysis']) {
    const s = site(policyOf());
    s.submit(suitable(name, 2));
    assert.ok(Object.values(s.where()).includes('s'), name);
    s.submit(workload('w', step('training', { count: 4 })));
    const others = Object.entries(s.where()).filter(([id]) => id.startsWith('2.'));
    assert.deepEqual(new Set(others.map(([, node]) => node)), new Set(['d']));
  }
});

test(
  'max_price_increase: above twice the base they fall back, and come back below',
  whereSeed,
  () => {
    const s = site(policyOf());
    s.submit(suitable('batch_processing', 10));
    const onSpot = () => Object.values(s.where()).filter((id) => id === 's').length;
    assert.equal(onSpot(), 7);
    s.price(quote(2.01));
    s.submit(suitable('batch_processing', 10));
    assert.equal(onSpot(), 7);
    s.price(quote(2));
    s.submit(suitable('batch_processing', 10));
    assert.equal(onSpot(), 17);
  },
);

/** What a driver is told when a node of such a site is taken away, and what comes of it. */
async function interrupted(spot: SpotPolicy) {
  const s = spotStage({ spot }, spotNode('s'));
  const checkpoint = { signal: 'SIGUSR1', timeoutMs: spanMs(60_000) } as const;
  const own: Partial<StepSpec> = { execution: { checkpoint } };
  const told: { saving: Saving | undefined }[] = [];
  const driver: Driver = {
    ...silentDriver,
    stop: (_attempt, _reason, _grace, saving) => void told.push({ saving }),
  };
  const journal: Event[] = [];
  const loop = new Loop(
    { baseEnv: {}, workRoot: '/work', nodePath: '/node' },
    {
      engine: s.engine,
      clock: { now: () => s.at, alarm: () => {} },
      journal: { append: async (events) => void journal.push(...events) },
      driver,
      onBatch: () => {},
      onFatal: (error) => {
        throw error;
      },
    },
  );
  const tenant = 'tester' as TenantId;
  const spec = workload('w', step('batch_processing', own as object));
  await loop.send({ kind: 'submit', tenant, spec });
  const { node } = [...s.engine.state.runningAttempts()][0]!.placement;
  await loop.send({ kind: 'spot-notice', node, deadline: (s.now + 120_000) as never });
  const attempt = '1.batch_processing.0.1' as AttemptId;
  await loop.send({ kind: 'join-node', node: plainNode('d') });
  await loop.send({ kind: 'report-ended', attempt, end: endedBy('preempted') });
  await loop.close();
  return { told, placed: s.where(), workload: [...s.engine.state.workloads()][0]! };
}

test(
  'on_interruption: it saves its work and tries again; or tries again; or fails',
  whereSeed,
  async () => {
    const text = seedBlock('spot-instances');
    const saved = await interrupted(policyOf());
    assert.equal(saved.told[0]!.saving?.terms.signal, 'SIGUSR1', 'it is asked to save its work');
    assert.ok(saved.told[0]!.saving.withinMs <= 120_000);
    assert.deepEqual(saved.placed, { '1.batch_processing.0': 'd' });
    assert.equal(saved.workload.retried, 0);
    const again = await interrupted(policyOf(text.replace('checkpoint_and_retry', 'retry')));
    assert.equal(again.told[0]!.saving, undefined, 'it is not asked to');
    assert.deepEqual(again.placed, { '1.batch_processing.0': 'd' });
    const ended = await interrupted(policyOf(text.replace('checkpoint_and_retry', 'fail')));
    assert.equal(ended.workload.state, 'failed');
  },
);

test('all of it on a market for two days: nothing is lost, and it costs less', whereSeed, () => {
  const done = runSpotWeek({
    seed: 7,
    policy: policyOf(),
    onDemandNodes: 4,
    spotNodes: 4,
    jobs: 60,
    arriveMs: 48 * 3_600_000,
    suitable: 100,
    mood: mood({ jumpsPerMillion: 20_000 }),
    takenPerMillion: 1_000,
  });
  assert.ok(done.interruptions > 0 && done.placedOnSpot > 0 && done.placedElsewhere > 0);
  assert.ok(done.charged < done.onDemand, `${done.charged} of ${done.onDemand}`);
});

test('the cost-optimized pipeline goes to spot nodes first by its own word', whereSeed, () => {
  const parsed = parseDocument(`${seedBlock('cost-optimized-pipeline')}\nrun: 'true'\n`, {
    fileName: 'cost-optimized.yaml',
  });
  assert.ok(parsed.ok, JSON.stringify(!parsed.ok && parsed.issues));
  assert.equal(parsed.spec.spot, true);
  const named = parsed.warnings.filter(({ path }) => /use_spot_instances/.test(String(path)));
  assert.deepEqual(named, [], 'nothing of it is said to do nothing');
  const s = spotStage({}, plainNode('d'), spotNode('s'));
  s.submit(parsed.spec);
  // At midnight of the first day, in its hours: it waits for others like it.
  s.wait(60_000);
  assert.deepEqual(Object.values(s.where()), ['s']);
});
