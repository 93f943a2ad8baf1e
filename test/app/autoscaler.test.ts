import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Autoscaler } from '../../src/app/autoscaler.ts';
import { readMetric } from '../../src/app/read-metric.ts';
import { bytes, timeMs } from '../../src/base/units.ts';
import type { AutoscalingTerms, MetricTerms } from '../../src/model/autoscaling.ts';
import { cpu, depth, memory, scalingTerms } from '../builders/autoscaling.ts';
import { service, span } from '../builders/service.ts';
import { resources, step, workload } from '../builders/workload.ts';
import { ServiceBench } from '../engine/service-bench.ts';

const bounded = { timeout: 20_000 };

/** Looks every hundred milliseconds. */
const quick = (metrics: readonly MetricTerms[], changes: Partial<AutoscalingTerms> = {}) =>
  scalingTerms({
    metrics,
    minReplicas: 1,
    maxReplicas: 6,
    up: { replicas: 2, cooldownMs: span(300) },
    down: { replicas: 1, cooldownMs: span(600) },
    ...changes,
  });

/** A service of replicas that run and are ready; what they use, the test says. */
function open(t: TestContext, terms: AutoscalingTerms, count = 2) {
  const folder = mkdtempSync(join(tmpdir(), 'berth-scaled-'));
  const news = new EventEmitter();
  const bench = new ServiceBench(service(count, { autoscaling: terms, drainMs: span(0) }));
  const use = { milliCpu: 0, memory: 0 };
  const now = () => timeMs(Math.floor(performance.now()));
  const autoscaler: Autoscaler = new Autoscaler({
    engine: {
      get state() {
        return bench.engine.state;
      },
    },
    loop: {
      send: async (request) => {
        bench.now = now();
        const events = bench.send(request as Parameters<ServiceBench['send']>[0]);
        bench.obey();
        autoscaler.noteEvents(events);
        news.emit('scaled', bench.service.service!.replicas);
        return { kind: 'done' };
      },
    },
    now,
    useOf: () => ({
      cpuUs: Math.round(performance.now() * use.milliCpu),
      memory: bytes(Math.round(use.memory)),
    }),
    readMetric,
    folderOf: () => folder,
    onDecision: () => news.emit('decided'),
  });
  t.after(() => {
    autoscaler.close();
    rmSync(folder, { recursive: true });
  });
  bench.now = now();
  bench.obey();
  const decision = () => autoscaler.decisionOf(bench.service.id);
  /** Resolves with the reason once it matches. */
  const decided = async (pattern: RegExp): Promise<string> => {
    while (!pattern.test(decision()?.reason ?? '')) await once(news, 'decided');
    return decision()!.reason;
  };
  const scaled = async (): Promise<number> => (await once(news, 'scaled'))[0];
  return { bench, autoscaler, use, folder, news, decision, decided, scaled };
}

test(
  'what replicas use of the CPU is measured once they are ready for as long',
  bounded,
  async (t) => {
    const { autoscaler, use, decided, scaled } = open(t, quick([cpu(70)]));
    // Of 100 thousandths.
    use.milliCpu = 90;
    autoscaler.watchAll();
    await decided(/^cpu is unknown \(no replica was measured yet\): nothing is taken away$/);
    assert.equal(await scaled(), 3);
    assert.match(await decided(/asks 3$/), /^cpu at \d+ % of 70 % asks 3$/);
  },
);

test('one that has just come is set aside until it was measured', bounded, async (t) => {
  const { autoscaler, bench, decision, decided, news, scaled, use } = open(t, quick([cpu(70)]));
  use.milliCpu = 10;
  autoscaler.watchAll();
  await decided(/^cpu at \d+ % of 70 % asks 1/);
  const reasons: string[] = [];
  news.on('decided', () => reasons.push(decision()!.reason));
  bench.scale(3);
  bench.obey();
  assert.equal(await scaled(), 2);
  assert.ok(
    reasons.every((reason) => / asks 1(;|$)/.test(reason)),
    reasons.join('\n'),
  );
});

test('what was measured before it was ready tells nothing', bounded, async (t) => {
  const { autoscaler, bench, decided, use } = open(t, quick([cpu(70)]), 1);
  use.milliCpu = 10;
  autoscaler.watchAll();
  await decided(/asks 1/);
  bench.probe('1.web.0.1', false);
  await decided(/unknown/);
  bench.probe('1.web.0.1');
  const readyAt = performance.now();
  await decided(/asks 1/);
  const tookMs = performance.now() - readyAt;
  assert.ok(tookMs >= 300, `measured for ${tookMs} ms`);
});

test('memory, too, and at once', bounded, async (t) => {
  const { autoscaler, use, decided } = open(t, quick([memory(80)]));
  use.memory = 0.8 * 1024 ** 2;
  autoscaler.watchAll();
  await decided(/^memory at 80 % of 80 % asks 2$/);
});

test(
  'a number in a file of its folder; nothing is taken away once it is gone',
  bounded,
  async (t) => {
    const from = { kind: 'file', path: 'inbox' } as const;
    const metric: MetricTerms = { kind: 'custom', name: 'inbox', target: 100_000, from };
    const { autoscaler, bench, folder, decided, scaled } = open(t, quick([metric]));
    const file = join(folder, 'inbox');
    writeFileSync(file, '340\n');
    autoscaler.watchAll();
    assert.equal(await scaled(), 4);
    rmSync(file);
    const reason = 'inbox is unknown (it cannot be read: ENOENT): nothing is taken away';
    assert.equal(await decided(/ENOENT/), reason);
    writeFileSync(file, '0');
    await decided(/but up to 4 were asked for/);
    assert.equal(await scaled(), 3);
    assert.equal(bench.running.length, 3);
  },
);

test('jobs that wait count, and what waits of services does not', bounded, async (t) => {
  const { autoscaler, bench, decided, scaled } = open(t, quick([depth(10)]), 1);
  const large = step('s', { count: 25, request: resources({ cpu: 95_000 }) });
  bench.send({ kind: 'submit', tenant: 'eve' as never, spec: workload('w', large) });
  bench.send({ kind: 'submit', tenant: 'eve' as never, spec: service(100) });
  const waits = bench.engine.state.workload('3' as never)!.steps[0]!.queued;
  assert.ok(waits > 10, `${waits} replicas wait, too`);
  autoscaler.watchAll();
  assert.equal(await scaled(), 3);
  assert.equal(await decided(/asks 3$/), 'queue_depth at 24 of 10 a replica asks 3');
});

test('a queue that is not there is not known', bounded, async (t) => {
  const { autoscaler, decided } = open(t, quick([depth(10, 'nowhere')]));
  autoscaler.watchAll();
  await decided(/^queue_depth is unknown \(there is no queue nowhere\): nothing is taken away$/);
});

test('who is cancelled, or updated so that nothing follows, is let be', bounded, async (t) => {
  const { autoscaler, bench, decision, decided, use } = open(t, quick([memory(80)]));
  use.memory = 0.8 * 1024 ** 2;
  autoscaler.watchAll();
  await decided(/asks 2$/);
  autoscaler.noteEvents(bench.update(service(2)));
  assert.equal(decision(), undefined);
  autoscaler.noteEvents(bench.update(service(2, { autoscaling: quick([memory(40)]) })));
  await decided(/of 40 %/);
  autoscaler.noteEvents(bench.cancel());
  assert.equal(decision(), undefined);
});
