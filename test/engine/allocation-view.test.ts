import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, timeMs } from '../../src/base/units.ts';
import { allocationView } from '../../src/engine/allocation-view.ts';
import { noConstraints } from '../../src/model/constraints.ts';
import { bench } from '../builders/engine-bench.ts';
import { GIB, node, resources, step, workload } from '../builders/workload.ts';

const nothing = { at: timeMs(1000), measurements: [], movesMax: 10 };
const small = { request: resources({ memory: 0 }) };

test('GPUs by tier, and how broken up what is free is', () => {
  const large = node('large', { cpu: 4000, gpus: 2 });
  const b = bench(node('small', { cpu: 2000, gpus: 1 }), {
    ...large,
    gpus: large.gpus.map((gpu) => ({ ...gpu, memory: bytes(80 * GIB) })),
  });
  b.submit(workload('w', step('s', { request: resources({ memory: 0, gpu: 500 }) })));
  const view = allocationView(b.engine.state, nothing);
  assert.deepEqual(view.pools, [
    { tier: 'training-high-end', devices: 2, held: 0, free: 2000 },
    { tier: 'training-mid-range', devices: 1, held: 500, free: 500 },
  ]);
  // 1,000 and 4,000 milli-CPU are free: a fifth is not on the largest.
  assert.deepEqual([view.fragmentation.cpu, view.fragmentation.gpu], [2000, 2000]);
});

test('what is not there has no fragmentation', () => {
  const b = bench(node('a'));
  assert.equal(allocationView(b.engine.state, nothing).fragmentation.gpu, undefined);
});

test('the node that costs least to empty, and where what runs there goes', () => {
  const b = bench(node('a', { cpu: 2000 }), node('b', { cpu: 2000 }));
  b.submit(workload('w', step('s', { ...small, count: 3 })));
  b.end('1.s.0.1');
  const { consolidation } = allocationView(b.engine.state, nothing);
  assert.ok(consolidation);
  assert.equal(consolidation.moves.length, 1);
  assert.ok(consolidation.gained > consolidation.moved);
  assert.equal(b.engine.state.table.freeCpu(0), 1000, 'nothing is taken');
});

test('nothing moves where its constraints, or the node, forbid it', () => {
  const stays = {
    ...small,
    constraints: { ...noConstraints, labels: [{ operator: 'exists', key: 'ssd' } as const] },
  };
  const ssd = { ...node('a', { cpu: 2000 }), labels: { ssd: '' } };
  const b = bench(ssd, node('b', { cpu: 2000 }));
  b.submit(workload('w', step('s', { ...stays, count: 1 })));
  b.submit(
    workload(
      'other',
      step('s', {
        ...small,
        count: 2,
        constraints: { ...noConstraints, labels: [{ operator: 'does-not-exist', key: 'ssd' }] },
      }),
    ),
  );
  b.end('2.s.0.1');
  assert.equal(allocationView(b.engine.state, nothing).consolidation, undefined);
});

test('hot nodes and tasks that hold too much, by what was measured', () => {
  const b = bench(node('a', { cpu: 2000 }));
  b.submit(workload('w', step('s', { ...small, count: 2 })));
  const measured = (attempt: string, used: number | undefined) =>
    ({ attempt, node: 'a', resource: 'cpu', held: 1000, used }) as never;
  const { findings } = allocationView(b.engine.state, {
    ...nothing,
    measurements: [measured('1.s.0.1', 100), measured('1.s.1.1', undefined)],
  });
  assert.deepEqual(
    findings.map(({ kind, subject }) => [kind, subject]),
    [['over-allocated', '1.s.0.1']],
  );
});
