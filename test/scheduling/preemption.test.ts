import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spanMs, timeMs } from '../../src/base/units.ts';
import type { QueueName } from '../../src/model/ids.ts';
import type { Preemption } from '../../src/model/preemption.ts';
import type { Resources } from '../../src/model/resources.ts';
import { type QueueConfig, queueConfig } from '../../src/model/scheduling-config.ts';
import { decidePreemption, type PreemptionAsk } from '../../src/scheduling/preemption.ts';
import { QueueTree } from '../../src/scheduling/queue-tree.ts';
import { entitlementShare, QueueReclaim } from '../../src/scheduling/reclaim.ts';
import type { Candidate } from '../../src/scheduling/scheduler.ts';
import { vectorOf } from '../../src/scheduling/usage-account.ts';
import { guarantee } from '../builders/site.ts';
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

/** What a task of one CPU in the queue `poor` may take back on ten CPUs, by what runs in the cluster. */
function poorAsks(cluster: Cluster, ...queues: QueueConfig[]): PreemptionAsk<Candidate> {
  const known = queues.length > 0 ? queues : [queueConfig('rich'), queueConfig('poor')];
  const tree = new QueueTree(queueConfig('root', { children: known }));
  const leafOf = ({ queue, tenant }: Candidate) => tree.leafOf(queue, tenant)!;
  for (const { running } of cluster.occupancy.all()) {
    tree.hold(leafOf(running.task), vectorOf(running.held), 1);
  }
  const task = candidate(99, { queue: 'poor' as QueueName });
  const reclaim = new QueueReclaim(task, vectorOf(cpus(1)), leafOf, [10_000, 0, 0]);
  return asking(cpus(1), 1, { task, reclaim });
}

function shared(rich: number, poor: number, size = 10_000): Cluster {
  const cluster = new Cluster(node('n0', { cpu: size }));
  for (let i = 0; i < rich; i++) cluster.run('n0', cpus(1), { queue: 'rich' as QueueName });
  for (let i = 0; i < poor; i++) cluster.run('n0', cpus(1), { queue: 'poor' as QueueName });
  return cluster;
}

test('reclaim takes from the queue with more, and the record shows the shares before and after', () => {
  const cluster = shared(8, 2);
  const { rule, victims } = preempted(cluster, poorAsks(cluster));
  assert.equal(victims[0]?.queue, 'rich');
  assert.deepEqual(rule, {
    kind: 'share',
    taker: 'poor',
    giver: 'rich',
    takerBefore: 200_000_000,
    takerAfter: 300_000_000,
    giverBefore: 800_000_000,
    giverAfter: 700_000_000,
  });
});

test('kueue#3779, #14543, #2821: reclaim between queues that are nearly even stops, and does not swing back', () => {
  for (const [rich, poor, want] of [
    [6, 4, 'preempt'],
    [5, 5, 'no-help'],
    [5, 4, 'no-help'],
  ] as const) {
    const cluster = shared(rich, poor, (rich + poor) * 1000);
    assert.equal(decide(cluster, poorAsks(cluster)).kind, want, `${rich} to ${poor}`);
  }
});

const guaranteed = (cpu: number) => guarantee({ cpu });
const takes: Record<string, { rich?: object; poor?: object; want: boolean }> = {
  'a queue below its guarantee takes back what it lent': {
    poor: { guaranteed: guaranteed(6) },
    want: true,
  },
  'a queue that does not reclaim takes nothing': { poor: { reclaim: 'disabled' }, want: false },
  'a queue that lends for good gives nothing': { rich: { reclaim: 'disabled' }, want: false },
  'a queue within its guarantee gives nothing': {
    rich: { guaranteed: guaranteed(8) },
    want: false,
  },
  'a queue that holds a task more than its guarantee gives that one': {
    rich: { guaranteed: guaranteed(7) },
    poor: { guaranteed: guaranteed(3) },
    want: true,
  },
  'a queue of which all may be taken gives of its guarantee': {
    rich: { guaranteed: guaranteed(8), reclaim: 'always' },
    want: true,
  },
  'a queue with four times the weight may hold four times as much': {
    rich: { weight: 4 },
    want: false,
  },
};
for (const [name, { rich, poor, want }] of Object.entries(takes)) {
  test(`reclaim: ${name}`, () => {
    const cluster = shared(8, 2);
    const ask = poorAsks(cluster, queueConfig('rich', rich), queueConfig('poor', poor));
    assert.equal(decide(cluster, ask).kind, want ? 'preempt' : 'no-help');
  });
}

test('reclaim compares where the branches part: a rich cousin of a poor family gives nothing', () => {
  const family = queueConfig('family', { children: [queueConfig('rich'), queueConfig('idle')] });
  const cluster = shared(4, 1);
  for (let i = 0; i < 5; i++) cluster.run('n0', cpus(1), { queue: 'sibling' as QueueName });
  const other = [queueConfig('poor'), queueConfig('sibling')];
  const ask = poorAsks(cluster, family, queueConfig('others', { children: other }));
  // Together the others hold 6, the family 4: what is short in theirs comes from theirs.
  assert.deepEqual(
    preempted(cluster, ask).victims.map(({ queue }) => queue),
    ['sibling'],
  );
});

test('a guarantee of GPUs brings as large a part of the CPU and memory that they need', () => {
  const tree = new QueueTree(
    queueConfig('root', {
      children: [queueConfig('a', { guaranteed: guarantee({ gpu: 4 }) }), queueConfig('b')],
    }),
  );
  const [a, b] = tree.leaves;
  const site = [64_000, 1_000, 8_000] as const;
  assert.equal(entitlementShare(a!, [32_000, 500, 4_000], site), 0);
  assert.equal(entitlementShare(a!, [48_000, 500, 4_000], site), 250_000_000);
  assert.equal(entitlementShare(b!, [32_000, 500, 4_000], site), 500_000_000);
  const cpuOnly = new QueueTree(queueConfig('root', { guaranteed: guarantee({ cpu: 64 }) })).root;
  assert.equal(entitlementShare(cpuOnly, [0, 0, 8_000], site), 1_000_000_000);
});

test('of an elastic gang the extra member is stopped before anybody of a lower priority', () => {
  const cluster = new Cluster(...[0, 1, 2, 3].map((i) => node(`n${i}`, { cpu: 1000 })));
  const one = gang('7.s', 2, 3);
  for (let i = 0; i < 3; i++) cluster.run(`n${i}`, cpus(1), { gang: one, priority: 5 });
  cluster.run('n3', cpus(1), { priority: 0 });
  const { victims } = preempted(cluster, asking(cpus(1), 1));
  assert.deepEqual(
    victims.map(({ priority }) => priority),
    [5],
  );
  const both = preempted(cluster, asking(cpus(1), 2));
  assert.deepEqual(both.victims.map(({ priority }) => priority).sort(), [0, 5]);
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
