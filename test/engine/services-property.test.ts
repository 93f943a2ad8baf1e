import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { scalingTerms } from '../builders/autoscaling.ts';
import { percent, probe, replicas, service, span } from '../builders/service.ts';
import { newEngine, ServiceBench } from './service-bench.ts';
import { ServiceChecker } from './service-checker.ts';

const SEEDS = 150;
const STEPS = 120;

function drawService(prng: Prng): WorkloadSpec {
  const share = () =>
    prng.chance(50) ? replicas(prng.between(0, 3)) : percent(prng.pick([0, 10, 25, 50, 100]));
  return service(prng.between(1, 8), {
    ports: prng.pick([[], ['http'], ['http', 'admin']]),
    ...(prng.chance(30) ? { startup: probe } : {}),
    drainMs: span(prng.pick([0, 2_000])),
    ...(prng.chance(30) ? { autoscaling: scalingTerms({ minReplicas: 1, maxReplicas: 6 }) } : {}),
    restart: {
      backoffMs: span(prng.pick([0, 500])),
      backoffMaxMs: span(4_000),
      resetAfterMs: span(30_000),
    },
    update: {
      strategy: prng.pick(['rolling', 'blue-green', 'canary'] as const),
      maxSurge: share(),
      maxUnavailable: share(),
      canary: { replicas: prng.chance(50) ? replicas(2) : percent(30), holdMs: span(3_000) },
      rollback: prng.chance(70),
      deadlineMs: span(20_000),
    },
  });
}

/** What the autoscaler wants, now and then of a moment ago. */
function autoscale(bench: ServiceBench, prng: Prng): void {
  const { replicas } = bench.service.service!;
  const auto = { from: prng.chance(80) ? replicas : replicas + 1, reason: 'cpu' };
  const wanted = prng.between(0, 8);
  bench.send({ kind: 'scale', workload: bench.service.id, replicas: wanted, auto });
}

/** Whatever may happen to a replica, or be asked of the service. */
function disturb(bench: ServiceBench, prng: Prng): void {
  const running = bench.running;
  const id = running.length > 0 && prng.chance(80) ? prng.pick(running) : undefined;
  if (id === undefined) {
    const what = prng.below(10);
    if (what === 0) bench.scale(prng.between(0, 8));
    else if (what === 2) autoscale(bench, prng);
    else if (what === 1) bench.update(drawService(prng));
    else bench.wait(prng.between(0, 4_000));
    return;
  }
  const attempt = bench.engine.state.attempt(id)!;
  const what = prng.below(100);
  if (attempt.stop !== undefined) bench.end(id, 'cancelled');
  else if (what < 8) bench.end(id, prng.pick(['failed', 'succeeded', 'lost', 'start-failed']));
  else if (what < 45) bench.start(id);
  else if (what < 75) {
    bench.probe(id, true, 'startup');
    bench.probe(id, true);
  } else if (what < 85) bench.probe(id, false);
  else if (what < 90) bench.probe(id, false, 'liveness');
  else bench.wait(prng.between(0, 2_000));
}

/** Everything works from now on. */
function heal(bench: ServiceBench, ms: number): void {
  for (const end = bench.now + ms; bench.now < end; bench.wait(1_000)) {
    for (let rounds = 0; rounds < 100; rounds++) {
      const before = bench.journal.length;
      for (const id of bench.running) {
        const attempt = bench.engine.state.attempt(id);
        if (attempt === undefined || attempt.end !== undefined) continue;
        if (attempt.stop !== undefined) bench.end(id, 'cancelled');
        else if (attempt.startedAt === undefined) bench.start(id);
        else {
          bench.probe(id, true, 'startup');
          bench.probe(id, true);
        }
      }
      if (bench.journal.length === before) break;
    }
  }
}

function run(seed: number): number {
  const prng = new Prng(seed);
  const spec = drawService(prng);
  const checker = new ServiceChecker(spec);
  const bench = new ServiceBench(spec, (event) => checker.record(event));
  for (let i = 0; i < STEPS; i++) {
    disturb(bench, prng);
    if (i % 40 !== 39) continue;
    const text = takeSnapshot(bench.engine.state);
    const replayed = newEngine();
    for (const event of bench.journal) replayed.apply(event);
    assert.equal(takeSnapshot(replayed.state), text, 'replay rebuilds the state');
    const restored = newEngine();
    restoreSnapshot(restored.state, text);
    assert.equal(takeSnapshot(restored.state), text, 'a snapshot restores the state');
    bench.engine = prng.chance(50) ? replayed : restored;
  }
  heal(bench, 200_000);
  assert.equal(bench.service.service!.rollout, undefined, 'the update comes to its end');
  assert.equal(checker.ready, checker.wanted, 'all are ready once everything works');
  assert.ok(
    checker.present.every((task) => task.split('.')[1] === checker.target),
    'all are of one revision',
  );
  bench.cancel();
  heal(bench, 10_000);
  assert.equal(bench.service.state, 'cancelled');
  assert.deepEqual(bench.running, []);
  assert.equal(bench.engine.state.tasksActive, 0);
  return checker.retiredReady;
}

test(`services keep what they promise, whatever happens (${SEEDS} seeds)`, () => {
  let retired = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      retired += run(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
  }
  assert.ok(retired > SEEDS, 'ready replicas were taken away');
});
