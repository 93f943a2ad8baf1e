import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bytes, timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import type { AttemptId } from '../../src/model/ids.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { bench } from '../builders/engine-bench.ts';
import { GIB, node, resources, step, workload } from '../builders/workload.ts';

test('a job is placed, runs and ends', () => {
  const b = bench(node('n'));
  assert.deepEqual(b.submit(workload('w', step('a'))), [
    'workload-submitted',
    'placed 1.a.0.1 on n',
  ]);
  assert.deepEqual(b.end('1.a.0.1'), [
    'ended 1.a.0.1 succeeded',
    'step a succeeded',
    'workload 1 succeeded',
  ]);
});

test('tasks beyond the node wait, and start as others end', () => {
  const b = bench(node('n', { cpu: 2000 }));
  assert.deepEqual(b.submit(workload('w', step('a', { count: 3 }))).slice(1), [
    'placed 1.a.0.1 on n',
    'placed 1.a.1.1 on n',
  ]);
  assert.deepEqual(
    b.engine.state.scheduler.refusal([...b.engine.state.workloads()][0]!.steps[0]!.tasks[2]!),
    {
      code: 'insufficient',
      resource: 'cpu',
      asked: 1000,
      free: 0,
      node: 'n',
    },
  );
  assert.deepEqual(b.end('1.a.1.1'), ['ended 1.a.1.1 succeeded', 'placed 1.a.2.1 on n']);
});

test('higher priority first, then age', () => {
  const b = bench(node('n', { cpu: 1000 }));
  b.submit(workload('running', step('a')));
  b.submit(workload('old', step('a')));
  b.submit({ ...workload('urgent', step('a')), priority: 5 });
  assert.ok(b.end('1.a.0.1').includes('placed 3.a.0.1 on n'));
  assert.ok(b.end('3.a.0.1').includes('placed 2.a.0.1 on n'));
});

test('maxParallel holds the rest back', () => {
  const b = bench(node('n', { cpu: 8000 }));
  const placed = b.submit(workload('w', step('a', { count: 3, maxParallel: 2 })));
  assert.equal(placed.filter((e) => e.startsWith('placed')).length, 2);
  assert.ok(b.end('1.a.0.1').includes('placed 1.a.2.1 on n'));
});

test('steps open when all they need has succeeded; a failure skips what depends on it', () => {
  const b = bench(node('n'));
  b.submit(
    workload(
      'w',
      step('a'),
      step('b'),
      step('c', { needs: ['a', 'b'] }),
      step('d', { needs: ['c'] }),
    ),
  );
  assert.deepEqual(b.end('1.a.0.1'), ['ended 1.a.0.1 succeeded', 'step a succeeded']);
  assert.deepEqual(b.end('1.b.0.1', 'failed'), [
    'ended 1.b.0.1 failed',
    'step b failed',
    'step c skipped',
    'step d skipped',
    'workload 1 failed',
  ]);
});

test('a failed task tries again after its back-off, which doubles', () => {
  const b = bench(node('n'));
  const retry = { ...step('x').retry, maxRetries: 2 };
  b.submit(workload('w', step('a', { retry })));
  assert.deepEqual(b.end('1.a.0.1', 'failed'), ['ended 1.a.0.1 failed, again at 1000']);
  assert.deepEqual(b.wait(999), []);
  assert.deepEqual(b.wait(1), ['retry-due', 'placed 1.a.0.2 on n']);
  assert.deepEqual(b.end('1.a.0.2', 'failed'), ['ended 1.a.0.2 failed, again at 3000']);
  b.wait(2000);
  assert.deepEqual(b.end('1.a.0.3', 'failed'), [
    'ended 1.a.0.3 failed',
    'step a failed',
    'workload 1 failed',
  ]);
});

test('after an out-of-memory kill the next attempt gets more, within the node', () => {
  const b = bench(node('n', { memory: 3 * GIB }));
  const { retry, limits } = step('x');
  b.submit(
    workload(
      'w',
      step('a', {
        request: resources({ memory: GIB }),
        limits: { ...limits, memory: GIB as Bytes },
        retry: { ...retry, maxRetries: 3, memoryGrowth: 20_000 as never },
      }),
    ),
  );
  assert.ok(
    b.end('1.a.0.1', 'oom-killed').includes('ended 1.a.0.1 oom-killed, again at 1000 with 2Gi'),
  );
  b.wait(1000);
  const placed = b.engine.state.attempt('1.a.0.2' as AttemptId)!;
  assert.equal(placed.placement.memoryLimit, 2 * GIB);
  assert.equal(placed.placement.held.memory, 2 * GIB, 'what it grew to is held, not only allowed');
  assert.ok(
    b.end('1.a.0.2', 'oom-killed').includes('ended 1.a.0.2 oom-killed, again at 3000 with 3Gi'),
    'capped by the node',
  );
});

test('a request that no node could hold is refused at submit', () => {
  const b = bench(node('n'));
  assert.deepEqual(b.submit(workload('w', step('a', { request: resources({ cpu: 3000 }) }))), [
    'refused never-fits',
  ]);
  assert.equal(b.engine.state.workloadsEver, 0);
});

test('cancel stops what runs, drops what waits, and ends once', () => {
  const b = bench(node('n', { cpu: 1000 }));
  b.submit(workload('w', step('a', { count: 2 }), step('b', { needs: ['a'] })));
  assert.deepEqual(b.cancel('1'), [
    'cancel-requested',
    'step b cancelled',
    'stop 1.a.0.1 cancelled',
  ]);
  assert.deepEqual(b.cancel('1'), []);
  assert.deepEqual(b.end('1.a.0.1', 'cancelled'), [
    'ended 1.a.0.1 cancelled',
    'step a cancelled',
    'workload 1 cancelled',
  ]);
  assert.deepEqual(b.cancel('1'), ['refused already-ended']);
});

test('reports that come twice, late or for strangers change nothing', () => {
  const b = bench(node('n'));
  b.submit(workload('w', step('a')));
  b.end('1.a.0.1');
  for (const id of ['1.a.0.1', '1.a.0.2', '9.z.0.1', 'nonsense']) assert.deepEqual(b.end(id), []);
});

test('a node that leaves takes its tasks along; they are lost and retried elsewhere', () => {
  const b = bench(node('n1', { cpu: 1000 }), node('n2', { cpu: 1000 }));
  b.submit(workload('w', step('a', { retry: { ...step('x').retry, maxRetries: 1 } })));
  assert.deepEqual(b.leave('n1'), ['ended 1.a.0.1 lost, again at 1000', 'node-left']);
  assert.deepEqual(b.wait(1000), ['retry-due', 'placed 1.a.0.2 on n2']);
});

test('GPUs: shares pack on one device, whole devices need empty ones', () => {
  const b = bench(node('n', { cpu: 64_000, memory: 64 * GIB, gpus: 2 }));
  const gpu = (milli: number) => workload('w', step('a', { request: resources({ gpu: milli }) }));
  b.submit(gpu(500));
  b.submit(gpu(500));
  b.submit(gpu(1000));
  const devices = [...b.engine.state.runningAttempts()].map((a) => a.placement.gpus.join());
  assert.deepEqual(devices, ['n-gpu0', 'n-gpu0', 'n-gpu1']);
  assert.deepEqual(b.submit(gpu(100)), ['workload-submitted']);
  assert.deepEqual(b.end('3.a.0.1').at(-1), 'placed 4.a.0.1 on n');
});

test('a node that joins wakes what waits', () => {
  const b = bench(node('n', { cpu: 1000 }));
  b.submit(workload('w', step('a', { count: 2 })));
  assert.deepEqual(b.join(node('m', { cpu: 1000 })), ['node-joined', 'placed 1.a.1.1 on m']);
});

test('replay and snapshot rebuild the state exactly, in the middle of things', () => {
  const b = bench(node('n', { cpu: 2000, gpus: 1 }));
  const retry = { ...step('x').retry, maxRetries: 2 };
  b.submit(
    workload('one', step('a', { count: 5, maxParallel: 3, retry }), step('b', { needs: ['a'] })),
  );
  b.submit(workload('two', step('a', { request: resources({ gpu: 500 }) })));
  b.submit(workload('three', step('a'), step('b', { needs: ['a'] })));
  b.end('1.a.0.1', 'failed');
  b.end('1.a.1.1');
  b.cancel('3');
  const replayed = new Engine(
    { tasksMax: 1_000, endedMax: 10 },
    { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
  );
  for (const event of b.journal) replayed.apply(event);
  const text = takeSnapshot(b.engine.state);
  assert.equal(takeSnapshot(replayed.state), text);
  const restored = new Engine(
    { tasksMax: 1_000, endedMax: 10 },
    { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
  );
  restoreSnapshot(restored.state, text);
  assert.equal(takeSnapshot(restored.state), text);
  for (let row = 0; row < 1; row++) {
    assert.equal(restored.state.table.freeCpu(row), b.engine.state.table.freeCpu(row));
    assert.deepEqual(restored.state.table.freeGpu(row), b.engine.state.table.freeGpu(row));
  }
  for (const at of [0, 1000, 5000]) {
    assert.deepEqual(
      restored.next(timeMs(at)),
      b.engine.next(timeMs(at)),
      `the same future at ${at}`,
    );
  }
});

test('ended workloads beyond the limit retire, the first that ended first', () => {
  const b = bench(node('n'));
  for (let i = 1; i <= 11; i++) {
    b.submit(workload('w', step('a')));
    b.end(`${i}.a.0.1`);
  }
  assert.deepEqual(
    [...b.engine.state.workloads()].map((w) => w.id),
    ['2', '3', '4', '5', '6', '7', '8', '9', '10', '11'],
  );
});

test('a task that tries again keeps its place among maxParallel', () => {
  const b = bench(node('n', { cpu: 8000 }));
  const retry = { ...step('x').retry, maxRetries: 2 };
  b.submit(workload('w', step('a', { count: 4, maxParallel: 2, retry })));
  assert.deepEqual(b.end('1.a.0.1', 'failed'), ['ended 1.a.0.1 failed, again at 1000']);
  assert.deepEqual(b.wait(1000), ['retry-due', 'placed 1.a.0.2 on n']);
});

test('a step that was cancelled stays so when what it needs succeeds after all', () => {
  const b = bench(node('n'));
  b.submit(workload('w', step('a'), step('b', { needs: ['a'] })));
  b.cancel('1');
  assert.deepEqual(b.end('1.a.0.1'), [
    'ended 1.a.0.1 succeeded',
    'step a succeeded',
    'workload 1 cancelled',
  ]);
});

const outOfMemory = (memory: number, gpu: number) => {
  const { retry, limits } = step('x');
  return workload(
    'w',
    step('a', {
      request: resources({ memory: memory * GIB, gpu }),
      limits: { ...limits, memory: (memory * GIB) as Bytes },
      retry: { ...retry, maxRetries: 3, memoryGrowth: 20_000 as never },
    }),
  );
};

test('memory grows no further than a node that has the rest of what is asked', () => {
  const b = bench(node('gpu', { memory: 3 * GIB, gpus: 1 }), node('large', { memory: 64 * GIB }));
  b.submit(outOfMemory(2, 1000));
  assert.ok(
    b.end('1.a.0.1', 'oom-killed').includes('ended 1.a.0.1 oom-killed, again at 1000 with 3Gi'),
  );
});

test('memory never shrinks, even when the large node is gone', () => {
  const b = bench(node('large', { memory: 64 * GIB }));
  b.submit(outOfMemory(8, 0));
  b.join(node('small', { memory: 4 * GIB }));
  assert.deepEqual(b.leave('large'), ['ended 1.a.0.1 lost, again at 1000', 'node-left']);
  b.join(node('large', { memory: 64 * GIB }));
  b.wait(1000);
  b.join(node('large', { memory: 6 * GIB }));
  assert.ok(
    b.end('1.a.0.2', 'oom-killed').includes('ended 1.a.0.2 oom-killed, again at 3000 with 8Gi'),
  );
});

test('a request of nothing fits a node that has less than nothing left', () => {
  const b = bench(node('n', { cpu: 2000, memory: 4 * GIB }));
  b.submit(workload('w', step('a', { request: resources({ memory: 4 * GIB }) })));
  b.join(node('n', { cpu: 2000, memory: GIB }));
  assert.deepEqual(b.submit(workload('w', step('a', { request: resources({ memory: 0 }) }))), [
    'workload-submitted',
    'placed 2.a.0.1 on n',
  ]);
});
