import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import type { NodeId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { bench } from '../builders/engine-bench.ts';
import { node, resources, step, workload } from '../builders/workload.ts';

const fresh = () =>
  new Engine(
    { tasksMax: 1_000, endedMax: 10 },
    { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
  );

function replay(journal: readonly Event[]): Engine {
  const engine = fresh();
  for (const event of journal) engine.apply(event);
  return engine;
}

test('retries that are due in another order after a replay than in life are found first', () => {
  const b = bench(node('n', { cpu: 8000 }));
  const retry = { ...step('x').retry, maxRetries: 3 };
  for (const name of ['one', 'two', 'three']) b.submit(workload(name, step('a', { retry })));
  b.end('1.a.0.1', 'failed');
  b.wait(1000);
  b.end('2.a.0.1', 'failed');
  b.end('1.a.0.2', 'failed');
  assert.equal(b.engine.nextTimer(), 2000);
  assert.equal(replay(b.journal).nextTimer(), 2000);
});

test('a restored engine takes running attempts in the order in which they were placed', () => {
  const b = bench(node('n', { cpu: 20_000, memory: 2 ** 40 }));
  b.submit(workload('wide', step('a', { count: 11 })));
  const leave = { kind: 'leave-node', at: timeMs(5), node: 'n' as NodeId } as const;
  const restored = fresh();
  restoreSnapshot(restored.state, takeSnapshot(b.engine.state));
  assert.deepEqual(restored.decide(leave), b.engine.decide(leave));
});

test('a GPU that goes and comes back is still held by what runs on it', () => {
  const b = bench(node('n', { cpu: 8000, gpus: 1 }));
  const request = resources({ gpu: 1000 });
  b.submit(workload('w', step('a', { request })));
  b.join(node('n', { cpu: 8000, gpus: 0 }));
  b.join(node('n', { cpu: 8000, gpus: 1 }));
  assert.deepEqual(b.submit(workload('next', step('a', { request }))), ['workload-submitted']);
  b.end('1.a.0.1');
  assert.deepEqual(b.engine.state.table.freeGpu(0), [0], 'and free once for the next');
});

test('a restored engine knows what is held of a resource that its node no longer has', () => {
  const licences = [['licence', 2]] as [string, number][];
  const b = bench(node('first'), node('n', { custom: licences }));
  const request = { ...resources(), custom: licences };
  b.submit(workload('w', step('a', { request })));
  b.join(node('n'));
  const restored = fresh();
  restoreSnapshot(restored.state, takeSnapshot(b.engine.state));
  for (const { table } of [b.engine.state, restored.state]) {
    assert.deepEqual(
      [0, 1].map((row) => [table.freeCpu(row), table.freeCustom(row, 'licence')]),
      [
        [2000, 0],
        [1000, -2],
      ],
    );
  }
});
