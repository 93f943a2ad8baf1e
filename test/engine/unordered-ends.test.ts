import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndCause, StopReason } from '../../src/model/attempt.ts';
import type { AttemptId } from '../../src/model/ids.ts';
import { bench } from '../builders/engine-bench.ts';
import { node, step, workload } from '../builders/workload.ts';

/** One runs; another of its step, and one of the other workload, wait for its place. */
function crowd(maxRetries: number, maxParallel: number) {
  const b = bench(node('n', { cpu: 1000 }));
  const retry = { ...step('x').retry, maxRetries };
  b.submit(workload('first', step('s', { count: 3, maxParallel, retry })));
  b.submit(workload('second', step('s', { count: 2, maxParallel: 1, retry })));
  const toItsEnd = (): string[] => {
    for (let round = 0; round < 20; round++) {
      for (const { id } of [...b.engine.state.runningAttempts()]) b.end(id);
      b.wait(60_000);
    }
    return Array.from(b.engine.state.workloads(), ({ state }) => state);
  };
  const endOf = (id: string) => b.engine.state.attempt(id as AttemptId)?.end;
  return { ...b, toItsEnd, endOf };
}

const ordered: readonly EndCause[] = ['cancelled', 'preempted', 'over-limit', 'over-budget'];

for (const cause of ordered) {
  for (const maxParallel of [1, 2, 3]) {
    test(`an end as ${cause} that nobody ordered is a loss, with ${maxParallel} at once`, () => {
      const b = crowd(1, maxParallel);
      assert.equal(b.end('1.s.0.1', cause)[0], 'ended 1.s.0.1 lost, again at 1000');
      const why = `Its driver says that it was stopped (${cause}): nobody had ordered that.`;
      assert.equal(b.endOf('1.s.0.1')?.message, why);
      assert.deepEqual(b.toItsEnd(), ['succeeded', 'succeeded']);
    });
  }

  test(`who may not try again fails when he ends as ${cause} without an order`, () => {
    const b = crowd(0, 2);
    const said = ['ended 1.s.0.1 lost', 'step s failed', 'workload 1 failed'];
    assert.deepEqual(b.end('1.s.0.1', cause), [...said, 'placed 2.s.0.1 on n']);
    assert.deepEqual(b.toItsEnd(), ['failed', 'succeeded']);
  });
}

test('a driver ends it by its limit of time without any order', () => {
  const b = crowd(0, 2);
  assert.equal(b.end('1.s.0.1', 'timed-out')[0], 'ended 1.s.0.1 timed-out');
  assert.deepEqual(b.toItsEnd(), ['failed', 'succeeded']);
});

const stops: Partial<Record<StopReason, string>> = {
  preempted: 'ended 1.s.0.1 preempted, again at 0',
  moved: 'ended 1.s.0.1 preempted, again at 0',
  evicted: 'ended 1.s.0.1 preempted, again at 0',
  unhealthy: 'ended 1.s.0.1 unhealthy, again at 1000',
  overused: 'ended 1.s.0.1 overused, again at 1000',
};

for (const [reason, said] of Object.entries(stops) as [StopReason, string][]) {
  test(`one that was ${reason} before it was begun ends as its order says`, () => {
    const b = crowd(1, 2);
    b.order('1.s.0.1', reason);
    assert.equal(b.end('1.s.0.1', 'cancelled')[0], said);
    assert.deepEqual(b.toItsEnd(), ['succeeded', 'succeeded']);
  });
}
