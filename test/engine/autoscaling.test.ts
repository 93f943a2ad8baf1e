import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceScaling } from '../../src/autoscaling/service-scaling.ts';
import { timeMs } from '../../src/base/units.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import type { Event } from '../../src/model/messages.ts';
import { cpu, scalingTerms } from '../builders/autoscaling.ts';
import { service, span } from '../builders/service.ts';
import { newEngine, ServiceBench } from './service-bench.ts';
import { ServiceChecker } from './service-checker.ts';

const LOOK_MS = 5_000;
const HOUR = 3_600_000;

const scaled = (count = 2, terms = scalingTerms()) =>
  service(count, { autoscaling: terms, drainMs: span(0) });

/** How many replicas the load takes at their target, hour by hour of a day. */
const day = [1, 1, 1, 2, 3, 6, 10, 14, 17, 18, 18, 16, 15, 17, 18, 16, 12, 9, 7, 5, 4, 3, 2, 1];

/** A keeper that knows the load; each replica that is ready takes its part. */
class Follower {
  readonly bench: ServiceBench;
  scaling = new ServiceScaling();

  constructor(bench: ServiceBench) {
    this.bench = bench;
  }

  look(load: number): Event[] {
    const { replicas, scalings } = this.bench.service.service!;
    const ready = [...this.bench.engine.state.runningAttempts()].filter(
      ({ health, stop }) => health?.readySince !== undefined && stop === undefined,
    ).length;
    const use = Math.round((load * 70_000) / Math.max(1, ready));
    const { to, reason } = this.scaling.look({
      at: timeMs(this.bench.now),
      terms: scalingTerms(),
      replicas,
      changedAt: scalings.at(-1)?.at,
      measured: [{ kind: 'use', replicas: new Array(ready).fill({ isReady: true, use }) }],
    });
    if (to === replicas) return [];
    const auto = { from: replicas, reason };
    return this.bench.send({ kind: 'scale', workload: '1' as never, replicas: to, auto });
  }
}

const scalingsOf = (events: readonly Event[]) =>
  events.flatMap((event) => (event.kind === 'service-scaled' ? [event] : []));

test('replicas follow a day of load, in steps of two a minute up and one in five minutes down', () => {
  const spec = scaled();
  const checker = new ServiceChecker(spec);
  const bench = new ServiceBench(spec, (event) => checker.record(event));
  const follower = new Follower(bench);
  const borne: number[] = [];
  for (const load of day) {
    for (const end = bench.now + HOUR; bench.now < end; bench.wait(LOOK_MS)) {
      bench.obey();
      follower.look(load);
      if (end - bench.now === HOUR - 600_000) borne.push(load / bench.running.length);
    }
  }
  assert.ok(
    borne.every((part) => part <= 1.1),
    `in ten minutes: ${borne}`,
  );
  assert.equal(checker.ready, checker.wanted);
  let [before, last] = [2, Number.NEGATIVE_INFINITY];
  for (const { at, replicas, auto } of scalingsOf(bench.journal)) {
    assert.equal(auto!.from, before);
    const step = replicas - before;
    assert.ok(step === 1 || step === 2 ? at - last >= 60_000 : step === -1 && at - last >= 300_000);
    assert.match(auto!.reason, /^cpu at \d+ % of 70 % asks \d+/);
    [before, last] = [replicas, at];
  }
  assert.ok(scalingsOf(bench.journal).length > 20, 'it went up and down');
  assert.ok(
    bench.running.length >= 2 && bench.running.length <= 3,
    `${bench.running.length} at night`,
  );
});

test('the steps come at their second', () => {
  const bench = new ServiceBench(scaled());
  const follower = new Follower(bench);
  const run = (load: number, ms: number): [number, number][] => {
    const began = bench.now;
    const from = bench.journal.length;
    for (; bench.now < began + ms; bench.wait(LOOK_MS)) {
      bench.obey();
      follower.look(load);
    }
    return scalingsOf(bench.journal.slice(from)).map(({ at, replicas }) => [
      (at - began) / 1_000,
      replicas,
    ]);
  };
  run(2, 600_000);
  assert.deepEqual(run(8, 600_000), [
    [0, 4],
    [60, 6],
    [120, 8],
  ]);
  assert.deepEqual(run(5, 1_200_000), [
    [300, 7],
    [600, 6],
    [900, 5],
  ]);
});

test('a cooldown outlives the daemon: by the journal and by a snapshot', () => {
  const bench = new ServiceBench(scaled());
  bench.obey();
  const before = new Follower(bench);
  assert.equal(scalingsOf(before.look(8)).length, 1);
  bench.obey();
  bench.now += 30_000;
  const replayed = newEngine();
  for (const event of bench.journal) replayed.apply(event);
  const restored = newEngine();
  restoreSnapshot(restored.state, takeSnapshot(bench.engine.state));
  for (const engine of [replayed, restored]) {
    bench.engine = engine;
    const after = new Follower(bench);
    assert.deepEqual(after.look(8), [], 'thirty seconds are not sixty');
  }
  bench.now += 30_000;
  assert.equal(scalingsOf(new Follower(bench).look(8)).length, 1);
});

test('a snapshot of before there was autoscaling is read', () => {
  const bench = new ServiceBench(service(2));
  bench.scale(3);
  const saved = JSON.parse(takeSnapshot(bench.engine.state));
  delete saved.workloads[0].service.scalings;
  const engine = newEngine();
  restoreSnapshot(engine.state, JSON.stringify(saved));
  bench.engine = engine;
  assert.deepEqual(bench.service.service!.scalings, []);
  bench.scale(4);
  assert.equal(bench.service.service!.scalings.length, 1);
});

test('the last ten changes are remembered, whoever asked for them', () => {
  const bench = new ServiceBench(scaled());
  for (let i = 0; i < 12; i++) bench.scale(3 + (i % 2));
  const { scalings } = bench.service.service!;
  assert.equal(scalings.length, 10);
  assert.deepEqual(scalings.at(-1), { at: 0, from: 3, to: 4 });
});

test('somebody who scales it stays within its bounds, and starts its cooldown', () => {
  const bench = new ServiceBench(scaled());
  const ask = (replicas: number) =>
    bench.engine.decide({ kind: 'scale', at: timeMs(0), workload: '1' as never, replicas }).answer;
  for (const replicas of [0, 1, 21]) {
    const answer = ask(replicas);
    assert.ok(answer.kind === 'refused');
    const facts = { workload: '1', asked: replicas, min: 2, max: 20 };
    assert.deepEqual(answer.refusal, { code: 'outside-autoscaling', ...facts });
  }
  bench.scale(5);
  bench.obey();
  assert.equal(bench.running.length, 5);
  assert.deepEqual(new Follower(bench).look(8), []);
});

test('what the autoscaler went by and is not so any more is not done', () => {
  const bench = new ServiceBench(scaled());
  bench.scale(5);
  const auto = { from: 2, reason: 'cpu' };
  assert.deepEqual(bench.send({ kind: 'scale', workload: '1' as never, replicas: 4, auto }), []);
});

test('an update leaves the number of replicas as it is, but for other bounds', () => {
  const bench = new ServiceBench(scaled());
  bench.scale(9);
  bench.update(scaled(2));
  assert.equal(bench.service.service!.replicas, 9);
  bench.settle(60_000);
  bench.update(scaled(2, scalingTerms({ metrics: [cpu(50)], maxReplicas: 6 })));
  assert.equal(bench.service.service!.replicas, 6);
  bench.settle(60_000);
  assert.equal(bench.running.length, 6);
  bench.update(service(3));
  assert.equal(bench.service.service!.replicas, 3, 'no longer autoscaled: as the document says');
});
