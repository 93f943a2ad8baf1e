import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spanMs, timeMs } from '../../src/base/units.ts';
import type { QueueName } from '../../src/model/ids.ts';
import type { Preemption } from '../../src/model/preemption.ts';
import type { Resources } from '../../src/model/resources.ts';
import { decidePreemption, type PreemptionAsk } from '../../src/scheduling/preemption.ts';
import type { Candidate } from '../../src/scheduling/scheduler.ts';
import { node, resources } from '../builders/workload.ts';
import { asking, Cluster, candidate, gang, HOUR } from './cluster.ts';

const gpus = (count: number): Resources => resources({ cpu: 0, memory: 0, gpu: count * 1000 });
const cpus = (count: number): Resources => resources({ cpu: count * 1000, memory: 0 });

function decide(cluster: Cluster, ask: PreemptionAsk<Candidate>) {
  return decidePreemption(cluster.table, cluster.occupancy, ask);
}

function preempted(cluster: Cluster, ask: PreemptionAsk<Candidate>): Preemption {
  const verdict = decide(cluster, ask);
  assert.ok(verdict.kind === 'preempt', `${verdict.kind}`);
  return verdict.preemption;
}

const victimsOf = (preemption: Preemption): string[] =>
  preemption.victims.map(({ attempt }) => attempt).sort();

const stops = {
  preemptible: true,
  checkpointMs: undefined,
  restartMs: spanMs(0),
  minRunMs: spanMs(0),
};
const terms = (changes: Partial<NonNullable<Candidate['stops']>>) => ({
  stops: { ...stops, ...changes } as NonNullable<Candidate['stops']>,
});

for (const [name, size, members] of [
  ['one node of 100 GPUs and one task of 64', 100, [64_000, 1]],
  ['25 nodes of 4 GPUs and a gang of 16 × 4', 4, [4_000, 16]],
  ['25 nodes of 4 GPUs and a gang of 64 × 1', 4, [1_000, 64]],
] as const) {
  test(`the allocation paradox: 64 of 100 GPUs, 20 free, takes 11 victims of 4 GPUs — ${name}`, () => {
    const nodes = Array.from({ length: 100 / size }, (_, i) => node(`n${i}`, { gpus: size }));
    const cluster = new Cluster(...nodes);
    for (let i = 0; i < 20; i++) cluster.run(size === 100 ? 'n0' : `n${i}`, gpus(4), {}, i * 1000);
    const [gpu, count] = members;
    const preemption = preempted(cluster, asking(resources({ cpu: 0, memory: 0, gpu }), count));
    assert.equal(preemption.victims.length, 11);
  });
}

test('the lowest priority is stopped, whatever it costs', () => {
  const cluster = new Cluster(node('n0', { cpu: 2000 }));
  const old = cluster.run('n0', cpus(1), { priority: 0 }, 0);
  cluster.run('n0', cpus(1), { priority: 5 }, HOUR - 1000);
  assert.deepEqual(victimsOf(preempted(cluster, asking(cpus(1), 1))), [old]);
});

test('among equals it is who loses least since the last checkpoint, not who made least progress', () => {
  const cluster = new Cluster(node('n0', { cpu: 32_000 }));
  const saved = cluster.run('n0', cpus(16), terms({ checkpointMs: spanMs(599_000) }), 0);
  cluster.run('n0', cpus(16), {}, HOUR - 60_000);
  assert.deepEqual(victimsOf(preempted(cluster, asking(cpus(16), 1))), [saved]);
});

test('the price of each option is in the record, and the cheapest was chosen', () => {
  const cluster = new Cluster(node('n0', { cpu: 32_000 }));
  cluster.run('n0', cpus(16), {}, 0);
  cluster.run('n0', cpus(16), { estimateMs: spanMs(3 * HOUR) }, HOUR / 2);
  const { options, chosen, rule } = preempted(cluster, asking(cpus(16), 1));
  assert.deepEqual(
    options.map(({ strategy, lost, total }) => [strategy, lost, total]),
    [
      ['least-cost', 1_800_000, 1_800_000],
      ['preempt_oldest', 3_600_000, 3_600_000],
      ['preempt_least_progress', 3_600_000, 3_600_000],
      ['wait_for_completion', 0, 9_000_000],
    ],
  );
  assert.equal(chosen, 'least-cost');
  assert.deepEqual(rule, { kind: 'priority', preemptor: 10, victim: 0 });
});

test('waiting for a second is cheaper than an hour of work', () => {
  const cluster = new Cluster(node('n0', { cpu: 1000 }));
  cluster.run('n0', cpus(1), { estimateMs: spanMs(HOUR + 1000) }, 0);
  const verdict = decide(cluster, asking(cpus(1), 1));
  assert.ok(verdict.kind === 'wait');
  assert.equal(verdict.until, HOUR + 1000);
});

test('a broken promise makes waiting dear', () => {
  const cluster = new Cluster(node('n0', { cpu: 16_000 }));
  cluster.run('n0', cpus(16), { estimateMs: spanMs(HOUR + 60_000) }, 0);
  const promise = { withinMs: spanMs(1_800_000), perSecond: 5_000, maxMs: spanMs(HOUR) };
  const options = { minRunMs: spanMs(0), perQueueHour: 10, promise };
  assert.equal(decide(cluster, asking(cpus(16), 1)).kind, 'wait');
  assert.equal(decide(cluster, asking(cpus(16), 1, { options })).kind, 'preempt');
});

const refusals: Record<
  string,
  { changes: Partial<Candidate>; ask?: Partial<PreemptionAsk<Candidate>> }
> = {
  'an equal': { changes: { priority: 10 } },
  'who may not be stopped': { changes: terms({ preemptible: false }) },
  'who has not had its minimum run time (kueue#9876, #8522, kai#136)': {
    changes: terms({ minRunMs: spanMs(HOUR + 1) }),
  },
  'anybody of a queue whose budget is used up': { changes: {}, ask: { budget: () => 0 } },
};
for (const [name, { changes, ask }] of Object.entries(refusals)) {
  test(`nobody stops ${name}`, () => {
    const cluster = new Cluster(node('n0', { cpu: 1000 }));
    cluster.run('n0', cpus(1), changes);
    assert.equal(decide(cluster, asking(cpus(1), 1, ask)).kind, 'no-help');
  });
}

test('who is protected for a while only says until when', () => {
  const cluster = new Cluster(node('n0', { cpu: 1000 }));
  cluster.run('n0', cpus(1), terms({ minRunMs: spanMs(HOUR + 5) }));
  assert.deepEqual(decide(cluster, asking(cpus(1), 1)), {
    kind: 'no-help',
    until: timeMs(HOUR + 5),
  });
});

test('kueue#5243: GPUs freed on four nodes where nothing runs are not freed at all', () => {
  const nodes = [0, 1, 2, 3].map((i) => node(`n${i}`, { gpus: 8 }));
  const cluster = new Cluster(...nodes);
  for (const { id } of nodes) {
    cluster.run(id, gpus(6), { priority: 100 });
    for (let i = 0; i < 2; i++) cluster.run(id, gpus(1));
  }
  assert.equal(decide(cluster, asking(gpus(8), 1)).kind, 'no-help');
});

test('kueue#5243: they are freed on one node where that helps', () => {
  const nodes = [0, 1, 2, 3].map((i) => node(`n${i}`, { gpus: 8 }));
  const cluster = new Cluster(...nodes);
  for (const { id } of nodes) for (let i = 0; i < 4; i++) cluster.run(id, gpus(2));
  const { victims, claims } = preempted(cluster, asking(gpus(8), 1));
  assert.deepEqual(claims, [{ node: 'n0', members: 1 }]);
  assert.equal(victims.length, 4);
});

test('kueue#6763: the order in which tasks are known does not change who is stopped', () => {
  const build = (order: readonly number[]): string[] => {
    const cluster = new Cluster(...[0, 1, 2].map((i) => node(`n${i}`, { cpu: 4000 })));
    const rows = order.map((i) => ({ i, row: i % 3 }));
    for (const { i, row } of rows) {
      const task = candidate(i, {});
      const held = cpus(1);
      cluster.table.take(row, held, []);
      const attempt = `${task.id}.1` as never;
      cluster.occupancy.add({ attempt, task, row, held, gpus: [], placedAt: timeMs(0) });
    }
    return victimsOf(preempted(cluster, asking(cpus(2), 3)));
  };
  const first = build([...Array(12).keys()]);
  assert.equal(first.length, 6);
  fc.assert(
    fc.property(fc.shuffledSubarray([...Array(12).keys()], { minLength: 12 }), (order) => {
      assert.deepEqual(build(order), first);
    }),
    { numRuns: 30 },
  );
});

test('volcano#3291, #2337: what is free is used before anybody is stopped', () => {
  const cluster = new Cluster(node('n0', { cpu: 2000 }), node('n1', { cpu: 2000 }));
  cluster.run('n0', cpus(1));
  cluster.run('n0', cpus(1));
  const { victims, claims } = preempted(cluster, asking(cpus(1), 3));
  assert.equal(victims.length, 1);
  assert.deepEqual(claims, [
    { node: 'n1', members: 2 },
    { node: 'n0', members: 1 },
  ]);
});

test('volcano#2772: a gang of two finds two victims', () => {
  const cluster = new Cluster(node('n0', { cpu: 1000 }), node('n1', { cpu: 1000 }));
  cluster.run('n0', cpus(1));
  cluster.run('n1', cpus(1));
  assert.equal(preempted(cluster, asking(cpus(1), 2)).victims.length, 2);
});

test('what stops already is waited for, and nobody else stops', () => {
  const cluster = new Cluster(node('n0', { cpu: 2000 }));
  cluster.occupancy.stop(cluster.run('n0', cpus(1)));
  cluster.run('n0', cpus(1));
  assert.equal(decide(cluster, asking(cpus(1), 1)).kind, 'wait');
  assert.equal(preempted(cluster, asking(cpus(1), 2)).victims.length, 1);
});

test('a gang is stopped as a whole', () => {
  const cluster = new Cluster(...[0, 1, 2].map((i) => node(`n${i}`, { cpu: 1000 })));
  const one = gang('7.s', 3, 3);
  for (let i = 0; i < 3; i++) cluster.run(`n${i}`, cpus(1), { gang: one });
  assert.equal(preempted(cluster, asking(cpus(1), 1)).victims.length, 3);
});

test('of an elastic gang only what is beyond its minimum is stopped', () => {
  const cluster = new Cluster(...[0, 1, 2].map((i) => node(`n${i}`, { cpu: 1000 })));
  const one = gang('7.s', 2, 3);
  for (let i = 0; i < 3; i++) cluster.run(`n${i}`, cpus(1), { gang: one });
  assert.equal(preempted(cluster, asking(cpus(1), 1)).victims.length, 1);
  assert.equal(preempted(cluster, asking(cpus(1), 2)).victims.length, 3);
});

test('a gang with one member that may not be stopped is left alone', () => {
  const cluster = new Cluster(...[0, 1].map((i) => node(`n${i}`, { cpu: 1000 })));
  const one = gang('7.s', 2, 2);
  cluster.run('n0', cpus(1), { gang: one });
  cluster.run('n1', cpus(1), { gang: one, ...terms({ preemptible: false }) });
  assert.equal(decide(cluster, asking(cpus(1), 1)).kind, 'no-help');
});

test('a gang that must share a rack gets victims in one rack', () => {
  const nodes = [0, 1, 2, 3].map((i) => ({
    ...node(`n${i}`, { cpu: 1000 }),
    labels: { rack: i % 2 === 0 ? 'a' : 'b' },
  }));
  const cluster = new Cluster(...nodes);
  cluster.run('n0', cpus(1), {}, 0);
  for (let i = 1; i < 4; i++) cluster.run(`n${i}`, cpus(1), {}, HOUR - i * 1000);
  const topology = { label: 'rack', required: true };
  const { claims } = preempted(cluster, asking(cpus(1), 2, { topology }));
  assert.deepEqual(claims.map((claim) => claim.node).sort(), ['n1', 'n3']);
});

test('kueue#7101: whoever was stopped often is stopped last', () => {
  const cluster = new Cluster(node('n0', { cpu: 32_000 }));
  cluster.run('n0', cpus(16), { preempted: 3 }, HOUR - 60_000);
  const other = cluster.run('n0', cpus(16), {}, HOUR - 600_000);
  assert.deepEqual(victimsOf(preempted(cluster, asking(cpus(16), 1))), [other]);
});

/** Shares of one resource of which there are ten. */
const shares = (used: Record<string, number>) => ({
  share: (queue: QueueName) => (used[queue] ?? 0) * 1000,
  shareAfter: (queue: QueueName, gained: readonly Resources[], lost: readonly Resources[]) =>
    ((used[queue] ?? 0) + (sum(gained) - sum(lost)) / 1000) * 1000,
});
const sum = (list: readonly Resources[]): number => list.reduce((all, { cpu }) => all + cpu, 0);

function shared(rich: number, poor: number): Cluster {
  const cluster = new Cluster(node('n0', { cpu: 10_000 }));
  for (let i = 0; i < rich; i++) cluster.run('n0', cpus(1), { queue: 'rich' as QueueName });
  for (let i = 0; i < poor; i++) cluster.run('n0', cpus(1), { queue: 'poor' as QueueName });
  return cluster;
}
const poorAsks = (used: Record<string, number>) =>
  asking(cpus(1), 1, { task: candidate(99, { queue: 'poor' as QueueName }), shares: shares(used) });

test('reclaim takes from the queue with more, and the record shows the shares before and after', () => {
  const { rule, victims } = preempted(shared(8, 2), poorAsks({ rich: 8, poor: 2 }));
  assert.equal(victims[0]?.queue, 'rich');
  assert.deepEqual(rule, {
    kind: 'share',
    taker: 'poor',
    giver: 'rich',
    takerBefore: 2000,
    takerAfter: 3000,
    giverBefore: 8000,
    giverAfter: 7000,
  });
});

test('kueue#3779, #14543, #2821: reclaim between queues that are nearly even stops, and does not swing back', () => {
  assert.equal(decide(shared(6, 4), poorAsks({ rich: 6, poor: 4 })).kind, 'preempt');
  assert.equal(decide(shared(5, 5), poorAsks({ rich: 5, poor: 5 })).kind, 'no-help');
  const odd = new Cluster(node('n0', { cpu: 9_000 }));
  for (let i = 0; i < 5; i++) odd.run('n0', cpus(1), { queue: 'rich' as QueueName });
  for (let i = 0; i < 4; i++) odd.run('n0', cpus(1), { queue: 'poor' as QueueName });
  assert.equal(decide(odd, poorAsks({ rich: 5, poor: 4 })).kind, 'no-help');
});

test('any cluster: victims suffice, none is needless, and the table is as it was', () => {
  const task = fc.record({
    row: fc.nat(3),
    gpu: fc.constantFrom(250, 500, 1000, 2000),
    priority: fc.nat(3),
    at: fc.nat(3_000_000),
  });
  fc.assert(
    fc.property(
      fc.array(task, { maxLength: 24 }),
      fc.constantFrom(500, 1000, 2000, 4000),
      fc.integer({ min: 1, max: 5 }),
      (tasks, gpu, members) => {
        const cluster = new Cluster(...[0, 1, 2, 3].map((i) => node(`n${i}`, { gpus: 4 })));
        const { table, occupancy } = cluster;
        for (const { row, gpu: held, priority, at } of tasks) {
          const ask = resources({ cpu: 0, memory: 0, gpu: held });
          if (table.fits(row, ask)) cluster.run(`n${row}`, ask, { priority }, at);
        }
        const before = [0, 1, 2, 3].map((row) => [...table.freeGpu(row)]);
        const ask = resources({ cpu: 0, memory: 0, gpu });
        const preemptor = candidate(999, { priority: 2 });
        const verdict = decide(cluster, asking(ask, members, { task: preemptor }));
        assert.deepEqual(
          [0, 1, 2, 3].map((row) => [...table.freeGpu(row)]),
          before,
        );
        const seats = (gone: ReadonlySet<string>): number => {
          const copy = new Cluster(...[0, 1, 2, 3].map((i) => node(`n${i}`, { gpus: 4 })));
          for (const { running } of occupancy.all()) {
            if (!gone.has(running.attempt))
              copy.table.take(running.row, running.held, running.gpus);
          }
          return [0, 1, 2, 3].reduce(
            (all, row) => all + copy.table.slots(row, ask, undefined, 99),
            0,
          );
        };
        const low = [...occupancy.all()].filter(({ running }) => running.task.priority < 2);
        const all = new Set<string>(low.map(({ running }) => running.attempt));
        if (verdict.kind !== 'preempt') {
          assert.ok(
            seats(new Set()) >= members || seats(all) < members,
            'victims would have helped',
          );
          return;
        }
        const gone = new Set<string>(victimsOf(verdict.preemption));
        assert.ok([...gone].every((attempt) => all.has(attempt)));
        assert.ok(seats(gone) >= members, 'it fits once they have stopped');
        for (const spared of gone) {
          const fewer = new Set([...gone].filter((attempt) => attempt !== spared));
          assert.ok(seats(fewer) < members, `${spared} need not have stopped`);
        }
      },
    ),
    { numRuns: 300 },
  );
});
