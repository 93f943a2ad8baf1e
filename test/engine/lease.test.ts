import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spanMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { bench } from '../builders/engine-bench.ts';
import { node, resources, step, workload } from '../builders/workload.ts';

const TTL_MS = 1_000;

function lease(cpu = 1000, changes: Partial<Parameters<typeof step>[1]> = {}) {
  const held = { kind: 'held', ttlMs: spanMs(TTL_MS) } as const;
  const one = step('lease', { run: held, request: resources({ cpu }), ...changes });
  return { ...workload('lease', one), kind: 'lease' as const };
}

test('a lease that is given back makes room for the one that waits', () => {
  const { submit, told } = bench(node('n', { cpu: 1000 }));
  assert.deepEqual(submit(lease()), ['workload-submitted', 'placed 1.lease.0.1 on n']);
  assert.deepEqual(submit(lease()), ['workload-submitted']);
  assert.deepEqual(told('release-lease', '1'), [
    'ended 1.lease.0.1 succeeded',
    'step lease succeeded',
    'workload 1 succeeded',
    'placed 2.lease.0.1 on n',
  ]);
});

test('a holder that is not heard of loses it, one that is heard of keeps it', () => {
  const { submit, told, wait } = bench(node('n', { cpu: 2000 }));
  submit(lease());
  submit(lease());
  assert.deepEqual(wait(TTL_MS - 1), []);
  assert.deepEqual(told('renew-lease', '2'), ['lease-renewed']);
  assert.deepEqual(wait(1), ['ended 1.lease.0.1 lost', 'step lease failed', 'workload 1 failed']);
  assert.deepEqual(wait(TTL_MS - 2), []);
  assert.equal(wait(1)[0], 'ended 2.lease.0.1 lost');
});

test('after a time in which nobody could be heard, all are counted from its end', () => {
  const limits = { ...step('x').limits, wallMs: spanMs(1_500), graceMs: spanMs(200) };
  const { submit, cancel, down, wait } = bench(node('n', { cpu: 3000 }));
  submit(workload('long', step('long')));
  submit(lease());
  submit(lease(1000, { limits }));
  submit(lease(3000));
  cancel('3');
  const renewed = ['lease-renewed', 'lease-renewed'];
  const ended = ['ended 3.lease.0.1 cancelled', 'step lease cancelled', 'workload 3 cancelled'];
  assert.deepEqual(down(5 * TTL_MS), [...renewed, ...ended]);
  assert.deepEqual(wait(TTL_MS - 1), []);
  assert.deepEqual(wait(1), [
    'ended 2.lease.0.1 lost',
    'step lease failed',
    'workload 2 failed',
    'cancel-requested',
    'step lease cancelled',
    'workload 4 cancelled',
  ]);
});

test('a downtime makes nobody hold it for longer than was said', () => {
  const limits = { ...step('x').limits, wallMs: spanMs(1_500) };
  const { submit, down } = bench(node('n', { cpu: 1000 }));
  submit(lease(1000, { limits }));
  assert.deepEqual(down(1_500).slice(0, 2), ['lease-renewed', 'ended 1.lease.0.1 timed-out']);
});

test('one who waits and is not heard of leaves the queue', () => {
  const { submit, wait } = bench(node('n', { cpu: 1000 }));
  submit(workload('long', step('long')));
  submit(lease());
  assert.deepEqual(wait(TTL_MS), [
    'cancel-requested',
    'step lease cancelled',
    'workload 2 cancelled',
  ]);
});

test('whoever is told to stop has the time of grace, and renewing does not help', () => {
  const limits = { ...step('x').limits, graceMs: spanMs(200) };
  const { submit, told, wait, cancel } = bench(node('n', { cpu: 1000 }));
  submit(lease(1000, { limits }));
  assert.deepEqual(cancel('1'), ['cancel-requested', 'stop 1.lease.0.1 cancelled']);
  assert.deepEqual(told('renew-lease', '1'), []);
  assert.deepEqual(wait(199), []);
  assert.equal(wait(1)[0], 'ended 1.lease.0.1 cancelled');
});

test('nobody holds it for longer than was said, heard of or not', () => {
  const limits = { ...step('x').limits, wallMs: spanMs(1_500) };
  const { submit, told, wait } = bench(node('n', { cpu: 1000 }));
  submit(lease(1000, { limits }));
  wait(900);
  told('renew-lease', '1');
  assert.deepEqual(wait(599), []);
  assert.equal(wait(1)[0], 'ended 1.lease.0.1 timed-out');
});

test('what is no lease, or has ended, is neither renewed nor given back', () => {
  const { submit, told, end } = bench(node('n', { cpu: 1000 }));
  submit(workload('job', step('job')));
  assert.deepEqual(told('release-lease', '1'), ['refused no-such-workload']);
  assert.deepEqual(told('renew-lease', '7'), ['refused no-such-workload']);
  end('1.job.0.1');
  submit(lease());
  told('release-lease', '2');
  assert.deepEqual(told('renew-lease', '2'), ['refused already-ended']);
});

test('whatever holders do, nobody has too much, replay and snapshot agree, and all ends when they fall silent', () => {
  const act = fc.oneof(
    fc.record({ kind: fc.constant('submit' as const), cpu: fc.integer({ min: 1, max: 3 }) }),
    fc.record({
      kind: fc.constantFrom('renew', 'release', 'cancel'),
      id: fc.integer({ min: 1, max: 9 }),
    }),
    fc.record({ kind: fc.constantFrom('wait', 'down'), ms: fc.integer({ min: 1, max: 700 }) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const { engine, journal, submit, told, wait, down, cancel } = bench(node('n', { cpu: 3000 }));
      for (const one of acts) {
        if ('cpu' in one) submit(lease(one.cpu * 1000));
        else if ('ms' in one) (one.kind === 'wait' ? wait : down)(one.ms);
        else if (one.kind === 'cancel') cancel(`${one.id}`);
        else told(one.kind === 'renew' ? 'renew-lease' : 'release-lease', `${one.id}`);
        const held = [...engine.state.runningAttempts()].map((a) => a.placement.held.cpu);
        assert.ok(held.reduce((a, b) => a + b, 0) <= 3000);
        const due = engine.nextTimer();
        if (held.length > 0) assert.ok(due !== undefined, 'what is held ends by itself');
      }
      const make = () =>
        new Engine(
          { tasksMax: 1_000, endedMax: 10 },
          { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
        );
      const replayed = make();
      for (const event of journal) replayed.apply(event);
      const restored = make();
      restoreSnapshot(restored.state, takeSnapshot(engine.state));
      assert.equal(takeSnapshot(replayed.state), takeSnapshot(engine.state));
      assert.equal(takeSnapshot(restored.state), takeSnapshot(engine.state));
      assert.equal(restored.nextTimer(), engine.nextTimer());
      for (let i = 0; i < 30 && engine.state.tasksActive > 0; i++) wait(20_000);
      assert.equal(engine.state.tasksActive, 0);
    }),
    { numRuns: 300 },
  );
});
