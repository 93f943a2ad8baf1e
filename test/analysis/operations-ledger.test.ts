import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KpiCounts, kpisOf, statusOf } from '../../src/analysis/kpis.ts';
import { type Occurrence, OperationsLedger } from '../../src/analysis/operations-ledger.ts';
import { reliabilityOf } from '../../src/analysis/reliability.ts';
import { ReportBook } from '../../src/analysis/report-book.ts';
import { Spells } from '../../src/analysis/spells.ts';
import { Prng } from '../../src/base/prng.ts';
import { timeMs } from '../../src/base/units.ts';
import { attemptIsReady } from '../../src/engine/service-record.ts';
import type { AttemptId, NodeId, WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import { dollars, HOUR, money, paidSite } from '../builders/money.ts';
import { probe, service, span } from '../builders/service.ts';
import { config, node, queueConfig, Site } from '../builders/site.ts';
import { step, workload } from '../builders/workload.ts';
import { ServiceBench } from '../engine/service-bench.ts';

const begin = Date.parse('2026-01-01T08:00:00Z');
const MINUTE = 60_000;

const isOf = (event: Event, id: WorkloadId): boolean =>
  'attempt' in event
    ? event.attempt.startsWith(`${id}.`)
    : 'task' in event
      ? event.task.startsWith(`${id}.`)
      : 'workload' in event && event.workload === id;

/** What is told of a journal from a moment on; what was before is asked for. */
function told(journal: readonly Event[], from = 0): Occurrence[] {
  const found: Occurrence[] = [];
  const ledger = new OperationsLedger({
    from,
    tell: (one) => found.push(one),
    before: (id) => journal.filter((event) => isOf(event, id)),
  });
  for (const event of journal) if (event.at >= from) ledger.read(event);
  return found;
}

test('waiting is counted from when a task could be placed, and from the end of what its step needs', () => {
  const s = new Site(config([queueConfig('default')]), node('n', { cpu: 1_000 }));
  s.submitSpec(
    workload(
      'p',
      step('a'),
      step('b', { needs: ['a' as never] }),
      step('c', { needs: ['b' as never] }),
    ),
  );
  s.now += 5 * MINUTE;
  s.pass();
  s.now += 20 * MINUTE;
  // It takes the node before the second step can.
  s.submit({ cpu: 1, priority: 10 });
  s.end('1.a.0.1' as AttemptId);
  s.pass();
  s.now += 2 * MINUTE;
  s.end('2.s.0.1' as AttemptId);
  s.pass();
  s.end('1.b.0.1' as AttemptId);
  s.pass();
  const waits = told(s.journal).flatMap((one) =>
    one.kind === 'task-placed' ? [[one.step, one.waitMs / MINUTE, one.isHandoff]] : [],
  );
  assert.deepEqual(waits, [
    ['a', 5, false],
    ['s', 0, false],
    ['b', 2, true],
    ['c', 0, true],
  ]);
});

test('what began before the window has its name and its waiting all the same', () => {
  const s = paidSite(money());
  s.submit({ tenant: 'ada', cpu: 1 });
  s.now += MINUTE;
  s.pass();
  s.now += HOUR;
  s.end('1.s.0.1' as AttemptId, 'failed');
  s.pass();
  const found = told(s.journal, begin + 30 * MINUTE).filter(({ at }) => at >= begin + 30 * MINUTE);
  const ended = found.find((one) => one.kind === 'workload-ended');
  assert.ok(ended?.kind === 'workload-ended');
  assert.deepEqual(
    [ended.whose.name, ended.whose.tenant, ended.state, ended.tookMs / MINUTE],
    ['w', 'ada', 'failed', 61],
  );
});

test('a cause is counted once for each attempt, and what was stopped is no failure', () => {
  const s = paidSite(money());
  for (const tenant of ['ada', 'ben', 'eve']) s.submit({ tenant, cpu: 1 });
  s.pass();
  s.end('1.s.0.1' as AttemptId, 'oom-killed');
  s.end('2.s.0.1' as AttemptId, 'timed-out');
  s.cancel(3);
  s.end('3.s.0.1' as AttemptId, 'cancelled');
  s.pass();
  const book = new ReportBook({ from: begin, to: begin + HOUR });
  for (const one of told(s.journal)) book.add(one);
  assert.deepEqual(
    book.failures().map(({ cause, attempts }) => [cause, attempts]),
    [
      ['oom-killed', 1],
      ['timed-out', 1],
    ],
  );
  assert.deepEqual(book.ended, { succeeded: 0, failed: 2, cancelled: 1 });
});

test('the cost of an inference is all that the workloads cost that told of calls', () => {
  const s = paidSite(money());
  s.submit({ tenant: 'ada', cpu: 2 });
  s.submit({ tenant: 'ben', cpu: 4 });
  s.pass();
  const use = (modelCalls: number): void => {
    const at = timeMs(s.now);
    const attempt = '1.s.0.1' as AttemptId;
    const { events } = s.engine.decide({ kind: 'report-use', at, attempt, used: { modelCalls } });
    for (const event of events) {
      s.engine.apply(event);
      s.journal.push(event);
    }
  };
  use(300);
  s.now += HOUR / 2;
  use(1_000);
  s.now += HOUR / 2;
  s.end('1.s.0.1' as AttemptId);
  s.end('2.s.0.1' as AttemptId);
  const counts = new KpiCounts({ from: begin, to: begin + 2 * HOUR });
  for (const one of told(s.journal)) counts.add(one);
  const { calls, charged, isUnpriced } = counts.counts();
  assert.deepEqual([calls, charged, isUnpriced], [1_000, dollars(2), false]);
});

test('a node that leaves is down until it is back, and one that was announced is not', () => {
  const s = paidSite(money());
  const from = s.now;
  s.now += 10 * HOUR;
  s.leave('n');
  s.now += HOUR;
  s.join({ ...node('n', { cpu: 1_000 }), labels: { spot: 'true' } });
  s.now += 9 * HOUR;
  const spot = { kind: 'spot-notice' as const, node: 'n' as NodeId };
  const notice = s.engine.decide({ ...spot, at: s.at, deadline: timeMs(s.now + MINUTE) });
  for (const event of notice.events) {
    s.engine.apply(event);
    s.journal.push(event);
  }
  s.leave('n');
  s.now += 5 * HOUR;
  // It joined at 0, as builders have it.
  const [first] = told(s.journal.slice(0, 1));
  assert.ok(first?.kind === 'node' && first.state === 'up');
  const whole = new Spells({ from, to: s.now });
  whole.add({ ...first, at: from });
  for (const one of told(s.journal.slice(1))) whole.add(one);
  const { nodes, fleet } = whole.reliability([]);
  assert.deepEqual(
    [nodes.failures, nodes.repairs, nodes.upMs / HOUR, nodes.downMs / HOUR],
    [1, 1, 19, 1],
  );
  assert.equal(nodes.mtbf.value! / HOUR, 19);
  assert.equal(nodes.mttr.value! / HOUR, 1);
  assert.equal(fleet.failures, 1);
});

test('tasks that a restart of the machine lost are one failure, of which nobody knows when it was over', () => {
  const s = paidSite(money());
  s.submit({ tenant: 'ada', cpu: 1, count: 3 });
  s.pass();
  s.now += HOUR;
  for (const id of [...s.running.keys()]) s.end(id, 'lost');
  s.now += HOUR;
  const spells = new Spells({ from: begin, to: s.now });
  for (const one of told(s.journal)) spells.add(one);
  const { nodes } = spells.reliability(['n']);
  assert.deepEqual([nodes.failures, nodes.repairs], [1, 0]);
  assert.equal(nodes.mttr.value, undefined);
});

/** By the engine itself. */
function isUp(bench: ServiceBench): boolean {
  const { state, cancelledBy, service: known } = bench.service;
  if (state !== 'active' || cancelledBy !== undefined || known!.replicas === 0) return false;
  return [...bench.engine.state.runningAttempts()].some(
    (one) => attemptIsReady(one) && one.task.retiringSince === undefined,
  );
}

test('a service is up exactly when the engine has a replica that is ready, whatever happens to it', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const prng = new Prng(seed);
    const startup = prng.chance(40) ? { startup: probe } : {};
    const bench = new ServiceBench(
      service(prng.between(1, 3), { ...startup, drainMs: span(prng.pick([0, 2_000])) }),
    );
    let state = 'off';
    const ledger = new OperationsLedger({
      from: 0,
      tell: (one) => {
        if (one.kind === 'service') state = one.state;
      },
    });
    let read = 0;
    for (let i = 0; i < 80; i++) {
      disturb(bench, prng);
      for (; read < bench.journal.length; read++) ledger.read(bench.journal[read]!);
      assert.equal(state === 'up', isUp(bench), `seed ${seed}, step ${i}: ${state}`);
    }
    // Whoever begins in the middle comes to the same.
    const late = told(bench.journal, bench.now / 2).filter((one) => one.kind === 'service');
    const last = late.at(-1);
    if (last?.kind === 'service') assert.equal(last.state, state, `seed ${seed}`);
  }
});

function disturb(bench: ServiceBench, prng: Prng): void {
  const { running } = bench;
  const id = running.length > 0 && prng.chance(85) ? prng.pick(running) : undefined;
  if (id === undefined) {
    const what = prng.below(12);
    if (what === 0) bench.scale(prng.between(0, 3));
    else if (what === 1) bench.update(service(prng.between(1, 3)));
    else if (what === 2 && prng.chance(10)) bench.cancel();
    else bench.wait(prng.between(0, 4_000));
    return;
  }
  const attempt = bench.engine.state.attempt(id)!;
  const what = prng.below(100);
  if (attempt.stop !== undefined) bench.end(id, 'cancelled');
  else if (attempt.startedAt === undefined) bench.start(id);
  else if (what < 30) bench.probe(id, true, prng.pick(['startup', 'readiness'] as const));
  else if (what < 60) bench.probe(id, prng.chance(70));
  else if (what < 70) bench.probe(id, false, 'liveness');
  else if (what < 80) bench.end(id, 'failed');
  else bench.wait(prng.between(0, 2_000));
}

const directions: readonly (readonly [
  value: number | undefined,
  better: 'higher' | 'lower',
  want: string,
])[] = [
  [0.85, 'higher', 'good'],
  [0.84, 'higher', 'warning'],
  [0.7, 'higher', 'warning'],
  [0.69, 'higher', 'critical'],
  [undefined, 'higher', 'unknown'],
];
for (const [value, better, want] of directions) {
  test(`${value} where ${better} is better is ${want}, and its mirror is where lower is`, () => {
    const bounds = { target: 0.85, critical: 0.7 };
    assert.equal(statusOf(value, { better, ...bounds }), want);
    const mirrored = value === undefined ? undefined : -value;
    assert.equal(statusOf(mirrored, { better: 'lower', target: -0.85, critical: -0.7 }), want);
  });
}

test('what was not measured is unknown and says why; what never failed for long enough is good', () => {
  const window = { from: 0, to: 3_000 * HOUR };
  const facts = {
    counts: { succeeded: 0, failed: 0, cancelled: 0, calls: 0, charged: 0, isUnpriced: false },
    cpu: undefined,
    gpu: undefined,
    latency: undefined,
    fleet: reliabilityOf({ upMs: 3_000 * HOUR, downMs: 0 }, [], window),
    bounds: {},
  };
  const kpis = kpisOf(facts);
  assert.deepEqual(
    kpis.map(({ name, value, status }) => [name, value, status]),
    [
      ['cluster_utilization', undefined, 'unknown'],
      ['inference_latency_p99', undefined, 'unknown'],
      ['training_job_success_rate', undefined, 'unknown'],
      ['cost_per_inference', undefined, 'unknown'],
      ['mtbf_hours', undefined, 'good'],
      ['mttr_minutes', undefined, 'unknown'],
    ],
  );
  assert.ok(kpis.every(({ sentence }) => sentence.length > 10));
  const seen = kpisOf({
    ...facts,
    counts: { ...facts.counts, succeeded: 19, failed: 1, calls: 1_000, charged: 2_000_000 },
    cpu: { mean: 0.9, count: 10 },
    gpu: { mean: 0.7, count: 5 },
    bounds: { cost_per_inference: { target: 0.002, critical: 0.01 } },
  });
  assert.deepEqual(
    seen.slice(0, 4).map(({ value, status, samples }) => [value, status, samples]),
    [
      [0.8, 'warning', 15],
      [undefined, 'unknown', 0],
      [0.95, 'good', 20],
      [0.002, 'good', 1_000],
    ],
  );
});

test('calls beyond the last bound are critical, though nobody knows by how much', () => {
  const facts = {
    counts: { succeeded: 0, failed: 0, cancelled: 0, calls: 0, charged: 0, isUnpriced: false },
    cpu: undefined,
    gpu: undefined,
    fleet: reliabilityOf({ upMs: 0, downMs: 0 }, [], { from: 0, to: 1 }),
    bounds: {},
  };
  const latencyOf = (latency: Parameters<typeof kpisOf>[0]['latency']) =>
    kpisOf({ ...facts, latency })[1];
  const beyond = latencyOf({ value: undefined, low: 10_000, high: undefined, samples: 9 });
  assert.deepEqual([beyond?.value, beyond?.status], [undefined, 'critical']);
  assert.match(beyond?.sentence ?? '', /9 calls that tasks timed; it is above 10000 ms/);
  const fine = latencyOf({ value: 20, low: 10, high: 25, samples: 500 });
  assert.deepEqual([fine?.status, fine?.samples], ['good', 500]);
  // Less than a bound that is low enough says nothing bad.
  const vague = latencyOf({ value: undefined, low: 10, high: undefined, samples: 1 });
  assert.equal(vague?.status, 'unknown');
});

test('calls of which something has no known price cost an unknown amount, not nothing', () => {
  const fleet = reliabilityOf({ upMs: 0, downMs: 0 }, [], { from: 0, to: 1 });
  const [, , , cost] = kpisOf({
    counts: { succeeded: 0, failed: 0, cancelled: 0, calls: 7, charged: 5, isUnpriced: true },
    cpu: undefined,
    gpu: undefined,
    latency: undefined,
    fleet,
    bounds: {},
  });
  assert.deepEqual([cost?.value, cost?.status, cost?.samples], [undefined, 'unknown', 7]);
});
