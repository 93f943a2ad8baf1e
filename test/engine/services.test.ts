import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptIsReady } from '../../src/engine/service-record.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import type { Event } from '../../src/model/messages.ts';
import { percent, replicas, service, span } from '../builders/service.ts';
import { newEngine, ServiceBench } from './service-bench.ts';

const kinds = (events: readonly Event[]): string[] => events.map(({ kind }) => kind);

const readyIds = (bench: ServiceBench): string[] =>
  [...bench.engine.state.runningAttempts()]
    .filter((attempt) => attemptIsReady(attempt) && attempt.task.retiringSince === undefined)
    .map(({ id }) => id)
    .sort();

test('as many replicas as were asked for are started', () => {
  const bench = new ServiceBench(service(3));
  assert.deepEqual(bench.running, ['1.web.0.1', '1.web.1.1', '1.web.2.1']);
});

test('a replica is ready when its readiness probe says so, and no longer when it does not', () => {
  const bench = new ServiceBench(service(1));
  bench.start('1.web.0.1');
  assert.deepEqual(readyIds(bench), []);
  bench.probe('1.web.0.1');
  assert.deepEqual(readyIds(bench), ['1.web.0.1']);
  assert.deepEqual(bench.probe('1.web.0.1'), [], 'saying it again changes nothing');
  bench.probe('1.web.0.1', false);
  assert.deepEqual(readyIds(bench), []);
});

test('a probe that the service does not have, or of what has not started, is not heard', () => {
  const bench = new ServiceBench(service(1));
  assert.deepEqual(bench.probe('1.web.0.1'), []);
  bench.start('1.web.0.1');
  assert.deepEqual(bench.probe('1.web.0.1', true, 'startup'), []);
});

test('a replica whose liveness probe fails is stopped as unhealthy and started again', () => {
  const bench = new ServiceBench(service(1));
  bench.obey();
  const stopped = bench.probe('1.web.0.1', false, 'liveness');
  assert.deepEqual(kinds(stopped), ['task-probed', 'stop-ordered']);
  const [ended] = bench.end('1.web.0.1', 'cancelled');
  assert.ok(ended?.kind === 'task-ended' && ended.end.cause === 'unhealthy');
  bench.wait(1_000);
  assert.deepEqual(bench.running, ['1.web.0.2']);
});

test('a replica that ends is started again for ever, each time after twice the wait', () => {
  const bench = new ServiceBench(service(1));
  const waits: number[] = [];
  for (let i = 0; i < 30; i++) {
    const [id] = bench.running;
    bench.start(id!);
    const [ended] = bench.end(id!, i % 2 === 0 ? 'failed' : 'succeeded');
    assert.ok(ended?.kind === 'task-ended' && ended.retry !== undefined);
    waits.push(ended.retry.dueAt - bench.now);
    bench.wait(ended.retry.dueAt - bench.now);
  }
  assert.deepEqual(
    waits.slice(0, 8),
    [1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1_000),
  );
  assert.equal(bench.service.state, 'active');
  assert.ok(bench.service.steps[0]!.tasks[0]!.attempts.length <= 20, 'old attempts are forgotten');
  assert.equal(bench.engine.state.attempt('1.web.0.1' as never), undefined);
});

test('a replica that ran well begins with the first wait again', () => {
  const bench = new ServiceBench(service(1));
  for (let i = 0; i < 3; i++) {
    bench.start(bench.running[0]!);
    bench.end(bench.running[0]!);
    bench.wait(10_000);
  }
  bench.start(bench.running[0]!);
  bench.wait(300_000);
  const [ended] = bench.end(bench.running[0]!);
  assert.ok(ended?.kind === 'task-ended');
  assert.equal(ended.retry!.dueAt - bench.now, 1_000);
});

test('scaling down drains replicas before they are stopped; those that are not ready go first', () => {
  const bench = new ServiceBench(service(3));
  bench.obey((id) => id !== '1.web.1.1');
  assert.deepEqual(kinds(bench.scale(2)), ['service-scaled', 'replica-retired']);
  assert.deepEqual(readyIds(bench), ['1.web.0.1', '1.web.2.1']);
  assert.deepEqual(bench.wait(4_999), []);
  const [stop] = bench.wait(1);
  assert.ok(stop?.kind === 'stop-ordered' && stop.attempt === '1.web.1.1');
  bench.obey();
  assert.deepEqual(bench.running, ['1.web.0.1', '1.web.2.1']);
  bench.scale(4);
  assert.deepEqual(bench.running, ['1.web.0.1', '1.web.2.1', '1.web.1.2', '1.web.3.1']);
});

test('a rolling update replaces one after the other, with none less ready on the way', () => {
  let least = 3;
  let look = (): void => {};
  const bench = new ServiceBench(service(3), () => look());
  bench.obey();
  look = () => {
    least = Math.min(least, readyIds(bench).length);
  };
  bench.update(service(3));
  assert.deepEqual(bench.running.slice(3), ['1.web-r2.0.1']);
  bench.settle(60_000);
  assert.deepEqual(readyIds(bench), ['1.web-r2.0.1', '1.web-r2.1.1', '1.web-r2.2.1']);
  assert.equal(least, 3);
  assert.equal(bench.service.service!.rollout, undefined);
  assert.equal(bench.service.steps[0]!.state, 'succeeded');
});

test('a blue-green update keeps all of the old until all of the new are ready, and then none', () => {
  const bench = new ServiceBench(service(3));
  bench.obey();
  bench.update(service(3, { update: { strategy: 'blue-green' } }));
  bench.obey((id) => id !== '1.web-r2.1.1');
  bench.wait(30_000);
  assert.equal(readyIds(bench).filter((id) => id.startsWith('1.web.')).length, 3);
  const events = bench.probe('1.web-r2.1.1');
  assert.equal(events.filter(({ kind }) => kind === 'replica-retired').length, 3);
  bench.settle(10_000);
  assert.deepEqual(bench.running, ['1.web-r2.0.1', '1.web-r2.1.1', '1.web-r2.2.1']);
});

test('a canary is held before the others follow', () => {
  const bench = new ServiceBench(service(10));
  bench.obey();
  const canary = { replicas: percent(20), holdMs: span(10_000) };
  bench.update(service(10, { update: { strategy: 'canary', canary } }));
  bench.obey();
  assert.equal(bench.running.filter((id) => id.includes('-r2')).length, 2);
  assert.deepEqual(bench.wait(9_999), []);
  assert.equal(bench.wait(1)[0]?.kind, 'canary-passed');
  bench.settle(120_000);
  assert.equal(readyIds(bench).length, 10);
  assert.ok(readyIds(bench).every((id) => id.includes('-r2')));
});

test('a canary that fails once gives way at once', () => {
  const bench = new ServiceBench(service(3));
  bench.obey();
  bench.update(service(3, { update: { strategy: 'canary' } }));
  bench.start('1.web-r2.0.1');
  const events = bench.end('1.web-r2.0.1');
  const back = events.find((event) => event.kind === 'service-rolled-back');
  assert.equal(back?.reason, '1.web-r2.0.1 ended: failed');
  bench.settle(10_000);
  assert.deepEqual(readyIds(bench), ['1.web.0.1', '1.web.1.1', '1.web.2.1']);
  assert.equal(bench.service.steps[1]!.state, 'failed');
});

test('a revision of which nothing becomes ready gives way when its deadline is over', () => {
  const bench = new ServiceBench(service(3));
  bench.obey();
  bench.update(service(3));
  bench.settle(59_000, () => false);
  assert.equal(bench.service.service!.target, 2);
  bench.settle(30_000, () => false);
  assert.equal(bench.service.service!.target, 1);
  assert.match(bench.service.service!.rolledBack!.reason, /within 1m/);
  assert.deepEqual(bench.running, ['1.web.0.1', '1.web.1.1', '1.web.2.1']);
});

test('without rollback the new revision is tried on, and the old one goes on', () => {
  const bench = new ServiceBench(service(3));
  bench.obey();
  bench.update(service(3, { update: { rollback: false } }));
  bench.settle(300_000, () => false);
  assert.equal(bench.service.service!.target, 2);
  assert.equal(readyIds(bench).length, 3);
});

test('a cancelled service is drained, then stopped, and ends as cancelled', () => {
  const bench = new ServiceBench(service(2));
  bench.obey();
  assert.deepEqual(kinds(bench.cancel()), ['cancel-requested']);
  assert.deepEqual(kinds(bench.wait(5_000)), ['stop-ordered', 'stop-ordered']);
  bench.obey();
  assert.equal(bench.service.state, 'cancelled');
  assert.equal(bench.engine.state.tasksActive, 0);
});

test('every attempt gets ports of its own, and other ones the next time', () => {
  const bench = new ServiceBench(service(50, { ports: ['http', 'admin'] }));
  const ports = [...bench.engine.state.runningAttempts()].flatMap(({ placement }) =>
    Object.values(placement.ports!),
  );
  assert.equal(new Set(ports).size, 100);
  assert.ok(ports.every((port) => port >= 20_000 && port <= 29_999));
  const first = bench.engine.state.attempt('1.web.0.1' as never)!.placement.ports!;
  bench.end('1.web.0.1', 'start-failed');
  bench.wait(1_000);
  const second = bench.engine.state.attempt('1.web.0.2' as never)!.placement.ports!;
  assert.notEqual(first['http'], second['http']);
});

test('what is no service is neither scaled nor updated, and a service is not taken elsewhere', () => {
  const bench = new ServiceBench({ ...service(1), kind: 'job' });
  const id = '1' as never;
  const at = 0 as never;
  const refusal = (command: object): unknown => {
    const { answer } = bench.engine.decide({ at, workload: id, ...command } as never);
    return answer.kind === 'refused' && answer.refusal.code;
  };
  assert.equal(refusal({ kind: 'scale', replicas: 2 }), 'not-a-service');
  assert.equal(refusal({ kind: 'scale', replicas: 2, workload: '9' }), 'no-such-workload');
  const other = new ServiceBench(service(1));
  const spec = { ...service(1), queue: 'night' };
  const { answer } = other.engine.decide({ kind: 'update', at, workload: id, spec } as never);
  assert.ok(answer.kind === 'refused' && answer.refusal.code === 'other-queue');
});

test('an update in the middle of another leaves the revision in between', () => {
  const bench = new ServiceBench(service(3));
  bench.obey();
  bench.update(service(3));
  bench.settle(3_000);
  bench.update(service(3, { update: { maxSurge: replicas(2) } }));
  bench.settle(60_000);
  assert.deepEqual(readyIds(bench), ['1.web-r3.0.1', '1.web-r3.1.1', '1.web-r3.2.1']);
});

test('a snapshot in the middle of an update goes on as it would have', () => {
  const bench = new ServiceBench(service(3));
  bench.obey();
  bench.update(service(4, { update: { strategy: 'canary' } }));
  bench.settle(12_000);
  const copy = newEngine();
  restoreSnapshot(copy.state, takeSnapshot(bench.engine.state));
  assert.equal(takeSnapshot(copy.state), takeSnapshot(bench.engine.state));
  bench.engine = copy;
  bench.settle(60_000);
  assert.equal(readyIds(bench).length, 4);
  assert.ok(readyIds(bench).every((id) => id.includes('-r2')));
});
