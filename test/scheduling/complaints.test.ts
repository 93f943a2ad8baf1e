import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BasisPoints, spanMs, timeMs } from '../../src/base/units.ts';
import type { QueueName } from '../../src/model/ids.ts';
import { refusalMeaning, refusalTraits } from '../../src/model/refusal.ts';
import { planRoom } from '../../src/scheduling/consolidation.ts';
import { config, guarantee, limit, node, order, queueConfig, Site } from '../builders/site.ts';
import { GIB, resources, step, workload } from '../builders/workload.ts';
import { Cluster, HOUR } from './cluster.ts';

/**
 * What users of other schedulers complained about, each by the number of its thread; `docs/policies.md` lists
 * where the others are tested.
 */

const cpus = (count: number) => resources({ cpu: count * 1000, memory: 0 });
const gpus = (count: number) => resources({ cpu: 0, memory: 0, gpu: count * 1000 });
const one = (changes: Parameters<typeof queueConfig>[1] = {}) =>
  config([queueConfig('default', changes)]);

test('kueue#324, #10852: why it waits is one code, the one that must change first, with its figures', () => {
  const queue = queueConfig('default', { runningMax: 1, limit: limit({ cpu: 1 }) });
  const site = new Site(config([queue]), node('n', { cpu: 1000 }));
  site.submit({});
  site.submit({});
  site.pass();
  // Neither the cap, nor the limit, nor the node lets it start.
  const { code, ...facts } = site.why(2)!;
  assert.equal(code, 'queue-cap');
  assert.deepEqual(facts, {
    queue: 'default',
    what: 'running',
    count: 1,
    asked: 1,
    max: 1,
  });
  assert.deepEqual(Object.keys(refusalTraits).sort(), Object.keys(refusalMeaning).sort());
});

test('odh-dashboard#9053: what can never fit is refused at once, and does not wait as if it could', () => {
  const site = new Site(one(), node('n', { cpu: 8000, gpus: 8 }));
  assert.deepEqual(site.submit({ gpu: 9 }), {
    code: 'never-fits',
    step: 's',
    resource: 'gpu',
    asked: 9000,
    largest: 8000,
    node: 'n',
  });
  assert.equal(site.engine.state.tasksActive, 0);
});

test('kueue#4329: a quota that the nodes cannot hold in one piece takes nothing from others while it waits', () => {
  const queues = [
    queueConfig('owner', { guaranteed: guarantee({ gpu: 8 }) }),
    queueConfig('default'),
  ];
  const site = new Site(
    config(queues),
    ...[0, 1].map((i) => node(`n${i}`, { cpu: 64_000, gpus: 8 })),
  );
  // Four are free on one node and three on the other: less than one piece of eight.
  site.submit({ queue: 'default', gpu: 4 });
  site.submit({ queue: 'default', gpu: 5 });
  site.pass();
  site.submit({ queue: 'owner', gpu: 8 });
  site.pass();
  assert.equal(site.why(3)?.code, 'insufficient');
  site.submit({ queue: 'default', gpu: 4 });
  site.submit({ queue: 'default', gpu: 3 });
  site.pass();
  assert.deepEqual(site.held('queue'), { default: 4 }, 'what is free is used meanwhile');
});

/** A gang of four, at least three, one CPU each. */
const elastic = workload('gang', step('s', { count: 4, gangMin: 3, request: cpus(1) }));

test('volcano#5805: a gang that fell below its minimum starts again as one when the node is back', () => {
  const site = new Site(
    one({ order: order('drf') }),
    node('n0', { cpu: 2000 }),
    node('n1', { cpu: 2000 }),
  );
  const retry = { ...step('s').retry, maxRetries: 3 };
  const gang = { ...elastic, steps: [{ ...elastic.steps[0]!, retry }] };
  site.submitSpec(gang, { tenant: 'gang' });
  assert.equal(site.pass().length, 4);
  site.leave('n1');
  site.now += 1_000;
  site.pass();
  // Two alone are of no use: they are not left to run and hold what the others need.
  for (const id of [...site.running.keys()]) {
    assert.equal(site.engine.state.attempt(id)!.stop, 'preempted');
    site.end(id, 'preempted');
  }
  site.submit({ tenant: 'other', count: 3 });
  site.join(node('n1', { cpu: 2000 }));
  site.now += 10_000;
  site.pass();
  assert.deepEqual(site.held('tenant'), { gang: 3, other: 1 }, 'its minimum at once');
});

test('volcano#4812, PR#3951: two gangs that both wait for each other to give way do not lock each other out', () => {
  const site = new Site(one(), node('n0', { cpu: 3000 }), node('n1', { cpu: 3000 }));
  const four = (name: string) =>
    workload(name, step('s', { count: 4, gangMin: 4, request: cpus(1) }));
  site.submitSpec(four('a'), { tenant: 'a' });
  site.submitSpec(four('b'), { tenant: 'b' });
  site.pass();
  assert.deepEqual(site.held('tenant'), { a: 4 }, 'one whole gang, not halves of two');
  assert.equal(site.why(2)?.code, 'gang-no-room');
  site.endAll();
  site.pass();
  assert.deepEqual(site.held('tenant'), { b: 4 });
});

test('kai#1369: shares of GPUs count towards a limit as what they are', () => {
  const site = new Site(one({ limit: limit({ gpu: 1 }) }), node('n', { cpu: 64_000, gpus: 8 }));
  site.submit({ gpu: 0.5, cpu: 0, count: 8 });
  site.pass();
  assert.equal(site.running.size, 2);
  assert.equal(site.why(1)?.code, 'queue-limit');
});

test('kueue#11078, #9210: to make room a job is moved in part; what does not help stays where it runs', () => {
  const cluster = new Cluster(...[0, 1, 2].map((i) => node(`n${i}`, { gpus: 4 })));
  const mine = cluster.run('n0', gpus(1), { age: 7 });
  cluster.run('n1', gpus(2), { age: 7 });
  cluster.run('n2', gpus(3), { age: 7 });
  const ask = { at: timeMs(HOUR), movesMax: 4, mayMove: () => true };
  const plan = planRoom(cluster.table, cluster.occupancy, gpus(4), ask);
  assert.deepEqual(
    plan?.moves.map(({ attempt }) => attempt),
    [mine],
  );
});

test('nomad#12792, #9845, #16285: what is more urgent is placed first, however many came before', () => {
  const site = new Site(one(), node('n', { cpu: 1000 }));
  for (let i = 0; i < 100; i++) site.submit({ tenant: 'early' });
  site.submit({ tenant: 'urgent', priority: 1 });
  assert.deepEqual(site.placedBy('tenant'), ['urgent']);
  site.restart();
  site.endAll();
  assert.deepEqual(site.placedBy('tenant'), ['early']);
});

test('nomad#13933: tasks for one zone start although the first of the queue waits for another', () => {
  const zone = (id: string, name: string) => ({
    ...node(id, { cpu: 1000 }),
    labels: { zone: name },
  });
  const site = new Site(one(), zone('a', 'a'), zone('b', 'b'));
  const inZone = (name: string) => ({
    gpuModels: [],
    gpuMemory: 0 as never,
    labels: [{ operator: 'in' as const, key: 'zone', values: [name] }],
  });
  const task = (name: string, count: number) =>
    workload(name, step('s', { count, request: cpus(1), constraints: inZone(name) }));
  site.submitSpec({ ...task('a', 50), priority: 5 }, { tenant: 'a' });
  site.submitSpec(task('b', 1), { tenant: 'b' });
  site.pass();
  assert.deepEqual(site.held('tenant'), { a: 1, b: 1 });
});

test('nomad#27102: two tasks of two GPUs both fit on a node of four', () => {
  const site = new Site(one(), node('n', { cpu: 8000, gpus: 4 }));
  site.submit({ gpu: 2, count: 2 });
  const devices = site.pass().flatMap((id) => site.engine.state.attempt(id)!.placement.gpus);
  assert.equal(new Set(devices).size, 4);
});

test('nomad#17278, #15980: what a task gives back wakes what fits now, not only what was tried last', () => {
  const site = new Site(one(), node('n', { cpu: 4000 }));
  site.submit({ cpu: 2, count: 2 });
  const [first] = site.pass();
  site.submit({ tenant: 'large', cpu: 4 });
  site.submit({ tenant: 'small', cpu: 2 });
  assert.deepEqual(site.pass(), []);
  site.end(first!);
  assert.deepEqual(site.placedBy('tenant'), ['small']);
});

test('nomad#1554, #3363, #419: a step starts when all that it needs has succeeded', () => {
  const site = new Site(one(), node('n', { cpu: 8000 }));
  const diamond = [
    step('a'),
    step('b', { needs: ['a'] }),
    step('c', { needs: ['a'] }),
    step('d', { needs: ['b', 'c'] }),
  ];
  site.submitSpec(workload('diamond', ...diamond));
  const rounds: string[][] = [];
  for (let ids = site.pass(); ids.length > 0; ids = site.pass()) {
    rounds.push(ids.map((id) => id.split('.')[1]!));
    site.endAll();
  }
  assert.deepEqual(rounds, [['a'], ['b', 'c'], ['d']]);
});

test('pueue#325, #340, #575: tasks of different weight share the slots of a node across queues', () => {
  const queues = [queueConfig('default'), queueConfig('other')];
  const site = new Site(config(queues), node('n', { cpu: 64_000, custom: [['slots', 4]] }));
  const weighing = (slots: number, count: number) => ({
    ...cpus(0),
    custom: [['slots', slots]] as const,
    count,
  });
  const tasks = (name: string, slots: number, count: number) => {
    const { count: times, ...request } = weighing(slots, count);
    const spec = workload(name, step('s', { count: times, request }));
    return { ...spec, queue: name as QueueName };
  };
  site.submitSpec(tasks('default', 3, 2));
  site.submitSpec(tasks('other', 1, 3));
  site.pass();
  assert.deepEqual(site.held('queue'), { default: 1, other: 1 });
  const heavy = [...site.running].find(([, { queue }]) => queue === 'default')![0];
  site.end(heavy);
  site.pass();
  const held = site.held('queue');
  assert.equal((held['default'] ?? 0) * 3 + (held['other'] ?? 0), 4, 'all four are in use');
});

test('pueue#476: a task for one GPU gets one that is free, whatever the numbers', () => {
  const site = new Site(one(), node('n', { cpu: 8000, gpus: 3 }));
  site.submit({ gpu: 1, count: 3 });
  const ids = site.pass();
  const gpuOf = (id: string) => site.engine.state.attempt(id as never)!.placement.gpus[0];
  const freed = gpuOf(ids[1]!);
  site.end(ids[1]!);
  site.submit({ gpu: 1 });
  assert.equal(gpuOf(site.pass()[0]!), freed);
});

test('skypilot#5493: of equals the first submitted starts first, after a failure too', () => {
  const site = new Site(one(), node('n', { cpu: 1000 }));
  const retry = { ...step('s').retry, maxRetries: 1, backoffMs: spanMs(0) };
  const again = workload('w', step('s', { retry, request: cpus(1) }));
  for (const tenant of ['first', 'second', 'third']) site.submitSpec(again, { tenant });
  const [id] = site.pass();
  site.end(id!, 'failed');
  assert.deepEqual(site.placedBy('tenant'), ['first'], 'it keeps its place');
  site.endAll();
  assert.deepEqual(site.placedBy('tenant'), ['second']);
});

test('skypilot#4263: a thousand jobs all come to an end', () => {
  const site = new Site(one(), node('n', { cpu: 8000, memory: 8 * GIB }));
  for (let i = 0; i < 1_000; i++) site.submit({ cpu: 1 });
  let passes = 0;
  for (; site.engine.state.tasksActive > 0; passes++) {
    site.pass();
    site.endAll();
  }
  assert.equal(passes, 126, '125 rounds of eight, and one to see that all is over');
});

test('kueue#3779, #7101: two of equal priority never stop each other, however long they wait', () => {
  const site = new Site(
    config([queueConfig('default', { oversubscription: 10_000 as BasisPoints })], {
      preemption: { minRunMs: spanMs(0), perQueueHour: 1_000 },
    }),
    node('n', { cpu: 1000 }),
  );
  site.submit({ tenant: 'a', priority: 5 });
  site.submit({ tenant: 'b', priority: 5 });
  for (let hour = 0; hour < 48; hour++) {
    site.pass();
    site.now += 3_600_000;
  }
  assert.equal(site.journal.filter(({ kind }) => kind === 'preemption-ordered').length, 0);
});
