import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explaining, explainWorkload } from '../../src/api/views/explain.ts';
import { spanMs, timeMs } from '../../src/base/units.ts';
import type { NodeId, WorkloadId } from '../../src/model/ids.ts';
import type { Rates } from '../../src/model/money.ts';
import type { SchedulingConfig } from '../../src/model/scheduling-config.ts';
import { HOUR, money } from '../builders/money.ts';
import {
  dollars,
  plainNode,
  policy,
  quote,
  spotNode,
  spotStage,
  suitable,
} from '../builders/spot-stage.ts';
import { resources, step, workload } from '../builders/workload.ts';

const sentence = (s: ReturnType<typeof spotStage>, id: string): string =>
  explainWorkload(explaining(s.engine.state, s.at), s.engine.state.workload(id as WorkloadId)!)
    .sentence;

test('ten that may be on spot nodes: seven are, and the rest on demand', () => {
  const s = spotStage({ spot: policy() }, plainNode('d', 20_000), spotNode('s', 20_000));
  s.submit(suitable('batch_processing', 10));
  const nodes = Object.values(s.where());
  assert.equal(nodes.filter((id) => id === 's').length, 7);
  assert.equal(nodes.filter((id) => id === 'd').length, 3);
  s.checkCopies();
});

test('what waits behind the share starts there once others run on demand', () => {
  const s = spotStage({ spot: policy({ percentage: 50 }) }, plainNode('d', 1000), spotNode('s'));
  s.submit(suitable('batch_processing', 3));
  assert.deepEqual(Object.values(s.where()), ['d', 's']);
  assert.deepEqual(s.refusal('1.batch_processing.2'), {
    code: 'spot',
    node: 's',
    obstacle: { why: 'share', onSpot: 1, running: 2, percentage: 50 },
  });
  assert.match(sentence(s, '1'), /1 of the 2 running tasks .* at most 50 % may be; s has room/);
  s.end('1.batch_processing.1.1');
  assert.deepEqual(Object.values(s.where()), ['d', 's'], 'the third took the place of the second');
  s.checkCopies();
});

const backfill = (kind: SchedulingConfig['backfill']['kind']) => ({
  backfill: { kind, depth: 100 },
});
const schedulings: Record<string, Partial<SchedulingConfig>> = {
  'queues that are shared': {},
  'easy backfill': backfill('easy'),
  'backfill, shortest first': backfill('easy-shortest-first'),
  'conservative backfill': backfill('conservative'),
  'planned together': { plan: 'optimal' },
};

for (const [what, scheduling] of Object.entries(schedulings)) {
  test(`${what}: the share, the preference, and who waits for the share to move`, () => {
    const half = policy({ percentage: 50 });
    const s = spotStage({ spot: half, scheduling }, plainNode('d', 1000), spotNode('s'));
    s.submit(suitable('batch_processing', 3));
    assert.deepEqual(Object.values(s.where()), ['d', 's'], 'the second starts once the first runs');
    s.end('1.batch_processing.1.1');
    assert.deepEqual(Object.values(s.where()), ['d', 's']);
    const u = spotStage({ spot: half, scheduling }, plainNode('d', 2000), spotNode('s'));
    const job = (id: string, cpu: number, hours: number) =>
      workload('w', step(id, { request: resources({ cpu }), estimateMs: spanMs(hours * HOUR) }));
    u.submit(job('training', 1000, 10));
    u.submit(job('batch_processing', 2000, 10));
    assert.deepEqual(Object.keys(u.where()), ['1.training.0'], 'alone it would be all of them');
    u.submit(job('batch_processing', 1000, 1));
    assert.equal(u.where()['3.batch_processing.0'], 'd');
    assert.equal(u.where()['2.batch_processing.0'], 's', 'at once, although nothing was freed');
    const all = policy({ percentage: 100 });
    const t = spotStage({ spot: all, scheduling }, plainNode('d', 1000), spotNode('s', 16_000));
    t.submit(suitable());
    assert.deepEqual(Object.values(t.where()), ['s'], 'although the other is the better fit');
    t.price(quote(3));
    t.submit(suitable('batch_processing', 2));
    assert.deepEqual(Object.values(t.where()), ['s', 'd']);
    t.price(quote(1));
    assert.deepEqual(Object.values(t.where()), ['s', 'd', 's']);
    t.checkCopies();
  });
}

test('who may be there and who may not are told apart, however alike they ask', () => {
  const labels = [{ operator: 'does-not-exist', key: 'x' }] as const;
  const constraints = { gpuModels: [], gpuMemory: 0 as never, labels };
  const s = spotStage({ spot: policy({ percentage: 100 }) }, plainNode('d'), spotNode('s'));
  s.submit(workload('w', step('batch_processing', { constraints })));
  s.submit(workload('w', step('training', { constraints })));
  assert.deepEqual(Object.values(s.where()), ['s', 'd']);
});

test('what only a spot node could hold is taken while that is too dear, and waits', () => {
  const s = spotStage({ spot: policy() }, plainNode('d', 4000), spotNode('s', 16_000));
  s.price(quote(9));
  const request = resources({ cpu: 8000 });
  assert.deepEqual(s.submit(workload('w', step('batch_processing', { request }))), ['submitted 1']);
  assert.match(sentence(s, '1'), /the spot price is 9\.0× its base/);
  assert.ok(s.price(quote(1)).includes('placed 1.batch_processing.0.1 on s'));
  assert.deepEqual(
    s.submit(workload('w', step('training', { request }))),
    ['refused never-fits'],
    'what may not be there never fits',
  );
});

test('the share does not keep out who has nowhere else to go', () => {
  const large = workload(
    'w',
    step('batch_processing', { request: { ...step('x').request, cpu: 8000 as never } }),
  );
  const s = spotStage({ spot: policy() }, plainNode('d', 4000), spotNode('s', 16_000));
  s.submit(large);
  assert.deepEqual(s.where(), { '1.batch_processing.0': 's' });
  const alone = spotStage({ spot: policy() }, spotNode('s'));
  alone.submit(suitable());
  assert.deepEqual(alone.where(), { '1.batch_processing.0': 's' });
  const none = spotStage({ spot: policy({ percentage: 0 }) }, spotNode('s'));
  none.submit(suitable());
  assert.deepEqual(none.where(), {}, 'none is none');
});

test('a gang that only spot nodes could hold never fits: none of it may be there', () => {
  const s = spotStage({ spot: policy() }, plainNode('d', 3000), spotNode('s'), spotNode('t'));
  const gang = (gangMin: number) =>
    s.submit(workload('w', step('batch_processing', { count: gangMin, gangMin })));
  assert.deepEqual(gang(4), ['refused gang-never-fits']);
  gang(3);
  assert.deepEqual(Object.values(s.where()), ['d', 'd', 'd']);
  const without = spotStage({}, plainNode('d', 3000), spotNode('s'));
  without.submit(workload('w', step('a', { count: 4, gangMin: 4 })));
  assert.equal(Object.values(without.where()).length, 4, 'where the site says nothing of them');
});

test('who may be on spot nodes: by id, by name, by task_type, by its own word; else never', () => {
  const site = () =>
    spotStage({ spot: policy({ percentage: 100 }) }, plainNode('d'), spotNode('s'));
  const job = (changes: object, id = 'x') => ({ ...workload('w', step(id)), ...changes });
  const cases: Record<string, [ReturnType<typeof job>, 's' | 'd']> = {
    'by the id of the step': [job({}, 'batch_processing'), 's'],
    'by the id, written with a hyphen': [job({}, 'data-preprocessing'), 's'],
    'by the name of the workload': [job({ name: 'batch_processing' }), 's'],
    'by its label task_type': [job({ labels: { task_type: 'data_preprocessing' } }), 's'],
    'by its own word': [job({ spot: true }), 's'],
    'not against its own word': [job({ spot: false }, 'batch_processing'), 'd'],
    'not by another label': [job({ labels: { kind: 'batch_processing' } }), 'd'],
    'not otherwise': [job({}), 'd'],
  };
  for (const [what, [spec, want]] of Object.entries(cases)) {
    const s = site();
    s.submit(spec);
    assert.deepEqual(Object.values(s.where()), [want], what);
  }
  const gang = site();
  gang.submit({ ...workload('w', step('batch_processing', { count: 2, gangMin: 2 })), spot: true });
  assert.deepEqual(Object.values(gang.where()), ['d', 'd'], 'tasks that start together never');
});

test('an unsuitable task waits rather than go to a spot node, and says so', () => {
  const s = spotStage({ spot: policy() }, plainNode('d', 1000), spotNode('s'));
  s.submit(workload('w', step('training', { count: 2 })));
  assert.deepEqual(Object.values(s.where()), ['d']);
  const refusal = s.refusal('1.training.1');
  assert.deepEqual(refusal, { code: 'spot', node: 's', obstacle: { why: 'unsuitable' } });
});

test('it is told how much less would find room on demand', () => {
  const s = spotStage({ spot: policy() }, plainNode('d', 1500), spotNode('s', 8000));
  s.submit(workload('w', step('training')));
  s.submit(workload('w', step('training')));
  const [reason] = explainWorkload(
    explaining(s.engine.state, s.at),
    s.engine.state.workload('2' as WorkloadId)!,
  ).steps[0]!.reasons;
  assert.equal(reason!.code, 'spot');
  assert.match(reason!.change!, /^would start now with at most 0\.5 CPU/);
});

test('a site that says nothing of spot nodes: who asks for them goes there first, others anywhere', () => {
  const s = spotStage({}, plainNode('d', 1000), spotNode('s', 2000));
  s.submit({ ...workload('w', step('x')), spot: true });
  assert.deepEqual(s.where(), { '1.x.0': 's' });
  s.submit(workload('w', step('y', { count: 2 })));
  assert.deepEqual(new Set(Object.values(s.where())), new Set(['s', 'd']));
});

test('spot nodes that are switched off take nothing', () => {
  const s = spotStage({ spot: policy({ enabled: false }) }, spotNode('s'), plainNode('d', 1000));
  s.submit({ ...suitable('batch_processing', 2), spot: true });
  assert.deepEqual(Object.values(s.where()), ['d']);
  assert.match(sentence(s, '1'), /the site does not use spot nodes/);
});

test('above the ceiling nothing starts there: it goes on demand, or waits, and comes back below', () => {
  const s = spotStage({ spot: policy({ percentage: 100 }) }, plainNode('d', 1000), spotNode('s'));
  s.price(quote(2));
  s.submit(suitable());
  assert.deepEqual(s.where(), { '1.batch_processing.0': 's' }, 'twice the base is not above twice');
  s.price(quote(2.3));
  assert.deepEqual(s.where(), { '1.batch_processing.0': 's' }, 'what runs there runs on');
  s.submit(suitable());
  assert.equal(s.where()['2.batch_processing.0'], 'd');
  assert.match(
    sentence(s, '2'),
    /^1 running, placed on demand: the spot price is 2\.3× its base, \$2\.30? an hour/,
  );
  s.submit(suitable());
  assert.equal(s.where()['3.batch_processing.0'], undefined);
  assert.match(sentence(s, '3'), /^the spot price is 2\.3× its base, .*; s has room/);
  s.checkCopies();
  assert.ok(s.price(quote(1.9)).includes('placed 3.batch_processing.0.1 on s'));
  s.checkCopies();
});

test('never more than the same node costs on demand', () => {
  const s = spotStage({ spot: policy({ percentage: 100 }) }, plainNode('d'), spotNode('s'));
  s.price(quote(1.5, { onDemand: dollars(1.4) }));
  s.submit(suitable());
  assert.deepEqual(Object.values(s.where()), ['d']);
  s.price(quote(1.4, { onDemand: dollars(1.4) }));
  s.submit(suitable());
  assert.equal(s.where()['2.batch_processing.0'], 's');
});

test('each type of node has its own price', () => {
  const site = spotStage(
    { spot: policy({ percentage: 100 }) },
    spotNode('a', 4000, 'g5'),
    spotNode('b', 4000, 'p4'),
    spotNode('c', 1000),
  );
  site.price(quote(9, { type: 'g5' }), quote(1, { type: 'p4' }), quote(9));
  site.submit(suitable('batch_processing', 5));
  assert.deepEqual(new Set(Object.values(site.where())), new Set(['b']));
  assert.equal(Object.keys(site.where()).length, 4);
});

test('the same prices again are no news', () => {
  const s = spotStage({ spot: policy() }, spotNode('s'));
  assert.deepEqual(s.price(quote(1), quote(2, { type: 'x' })), [
    'spot prices any 1000000, x 2000000',
  ]);
  assert.deepEqual(s.price(quote(1), quote(2, { type: 'x' })), []);
  assert.deepEqual(s.price(), ['spot prices ']);
});

test('a notice: the task starts again on another node, and no retry is charged', () => {
  const s = spotStage({ spot: policy({ percentage: 100 }) }, plainNode('d'), spotNode('s'));
  s.submit(suitable());
  assert.deepEqual(s.notice('s'), ['spot s', 'stop 1.batch_processing.0.1']);
  const seen = s.end('1.batch_processing.0.1', 'preempted');
  assert.deepEqual(seen, [
    'ended 1.batch_processing.0.1 preempted, again in 0s',
    'due 1.batch_processing.0',
    'placed 1.batch_processing.0.2 on d',
  ]);
  assert.equal(s.engine.state.workload('1' as WorkloadId)!.retried, 0);
  s.checkCopies();
});

test('a notice where the site says that it fails', () => {
  const s = spotStage(
    { spot: policy({ percentage: 100, onInterruption: 'fail' }) },
    plainNode('d'),
    spotNode('s'),
  );
  s.submit(
    workload('w', step('batch_processing', { retry: { ...step('x').retry, maxRetries: 3 } })),
  );
  s.notice('s');
  const seen = s.end('1.batch_processing.0.1', 'preempted');
  assert.deepEqual(seen, [
    'ended 1.batch_processing.0.1 failed',
    'step 1.batch_processing failed',
    'workload 1 failed',
  ]);
  assert.match(sentence(s, '1'), /Spot notice: s is taken away\./);
  // Its own failures are tried again as ever.
  s.send({ kind: 'join-node', node: spotNode('s') });
  s.submit(
    workload('w', step('batch_processing', { retry: { ...step('x').retry, maxRetries: 3 } })),
  );
  assert.match(s.end('2.batch_processing.0.1', 'failed')[0]!, /failed, again in 1s/);
});

const rates: Rates = {
  validFrom: timeMs(0),
  cpuHour: dollars(1),
  memoryHour: dollars(0),
  gpuHour: {},
};

test('what runs is settled at the price that held, to the micro-dollar', () => {
  const s = spotStage(
    {
      spot: policy({ percentage: 100 }),
      money: money([], { prices: { rates: [rates], models: [] }, sliceMs: spanMs(10 * HOUR) }),
    },
    plainNode('d', 1000),
    spotNode('s', 1000),
  );
  const at = (price: number) => quote(price, { base: dollars(0.3), onDemand: dollars(1) });
  s.price(at(0.3));
  s.submit(suitable());
  s.submit(suitable());
  assert.deepEqual(Object.values(s.where()), ['s', 'd']);
  s.wait(HOUR);
  s.price(at(0.5));
  s.wait(HOUR / 2);
  s.price(at(0.7));
  s.wait(HOUR / 4);
  s.end('1.batch_processing.0.1');
  s.end('2.batch_processing.0.1');
  const spent = (id: string) => s.engine.state.workload(id as WorkloadId)!.spent;
  assert.equal(spent('1').charged, 300_000 + 250_000 + 175_000);
  assert.equal(spent('2').charged, 1_750_000, 'the price of spot nodes is not that of others');
  assert.equal(spent('1').reserved, 0);
  s.checkCopies();
});

test('without a price on demand, the factor of the price file is for the base', () => {
  const factored = { ...rates, spotFactor: 4_000 as never };
  const s = spotStage(
    {
      spot: policy({ percentage: 100 }),
      money: money([], { prices: { rates: [factored], models: [] } }),
    },
    spotNode('s', 1000),
  );
  s.submit(suitable());
  const perHour = () => s.engine.state.workload('1' as WorkloadId)!.spent.perHour;
  assert.equal(perHour(), 400_000, 'while nobody tells a price');
  s.price(quote(1.5));
  assert.equal(perHour(), 600_000);
});

test('nobody is lined up in advance for a place whose price or share may have changed by then', () => {
  const lined = (name: string): boolean => {
    const s = spotStage({ spot: policy({ percentage: 100 }), lineMs: 100 }, plainNode('d', 1000));
    s.submit(suitable(name, 20));
    for (let i = 0; i < 4; i++) {
      s.wait(10);
      s.end(`1.${name}.${i}.1`);
    }
    return s.journal.some(({ kind }) => kind === 'attempts-lined-up');
  };
  assert.equal(lined('batch_processing'), false);
  assert.equal(lined('training'), true, 'as all others are');
});

test('a node that stops being a spot node counts no longer as one', () => {
  const s = spotStage({ spot: policy({ percentage: 50 }) }, plainNode('d', 1000), spotNode('s'));
  s.submit(suitable('batch_processing', 2));
  assert.deepEqual(s.engine.state.table.spot.count, { onSpot: 1, running: 2 });
  s.send({ kind: 'join-node', node: plainNode('s') });
  assert.deepEqual(s.engine.state.table.spot.count, { onSpot: 0, running: 2 });
  s.checkCopies();
  s.send({ kind: 'leave-node', node: 'd' as NodeId });
  assert.deepEqual(s.engine.state.table.spot.count, { onSpot: 0, running: 1 });
});
