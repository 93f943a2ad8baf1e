import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { spanMs } from '../../src/base/units.ts';
import type { Preemption } from '../../src/model/preemption.ts';
import { queueConfig, type SchedulingConfig } from '../../src/model/scheduling-config.ts';
import { drawTree } from '../builders/draw-tree.ts';
import { config, guarantee, limit, node, Site } from '../builders/site.ts';

const big = 2 ** 50;
const SEEDS = 300;
const preemption = { minRunMs: spanMs(0), perQueueHour: 1_000_000 };

/** Lets time pass and whoever was told to stop do so, until nothing happens any more. */
function comeToRest(site: Site, rounds: number): Preemption[] {
  const ordered: Preemption[] = [];
  for (let quiet = 0, round = 0; quiet < 3; round++) {
    assert.ok(round < rounds, `still ${ordered.length} preemptions after ${round} rounds`);
    const from = site.journal.length;
    site.pass();
    quiet++;
    for (const id of told(site)) site.end(id, 'preempted');
    for (const event of site.journal.slice(from)) {
      if (event.kind === 'preemption-ordered') ordered.push(event.preemption);
      if (event.kind === 'stop-ordered' || event.kind === 'task-placed') quiet = 0;
    }
    site.now += 61_000;
  }
  return ordered;
}

function told(site: Site) {
  const running = [...site.engine.state.runningAttempts()];
  return running.filter(({ stop }) => stop !== undefined).map(({ id }) => id);
}

function siteOf(children: Parameters<typeof config>[0], changes: Partial<SchedulingConfig> = {}) {
  const scheduling = { ...config(children), preemption, ...changes };
  return new Site(scheduling, node('n', { cpu: 10_000, memory: big }));
}

function fill(site: Site, queue: string, count: number): void {
  for (let i = 0; i < count; i++) site.submit({ queue, cpu: 1, tenant: queue });
}

test('a queue takes back its fair share from one that borrowed all, and then it rests', () => {
  const site = siteOf([queueConfig('rich', { weight: 3 }), queueConfig('poor', { weight: 2 })]);
  fill(site, 'rich', 20);
  site.pass();
  assert.deepEqual(site.held('queue'), { rich: 10 });
  fill(site, 'poor', 20);
  const ordered = comeToRest(site, 100);
  assert.deepEqual(site.held('queue'), { rich: 6, poor: 4 });
  assert.equal(ordered.length, 4, 'one for each, and none for nothing');
  for (const { rule } of ordered) assert.equal(rule.kind, 'share');
});

test('a queue takes back its guarantee, and leaves the other what it is guaranteed', () => {
  const site = siteOf([
    queueConfig('rich', { weight: 9, guaranteed: guarantee({ cpu: 3 }) }),
    queueConfig('poor', { guaranteed: guarantee({ cpu: 7 }) }),
  ]);
  fill(site, 'rich', 20);
  site.pass();
  fill(site, 'poor', 20);
  comeToRest(site, 100);
  assert.deepEqual(site.held('queue'), { rich: 3, poor: 7 });
});

test('a gang takes back room for all of its members at once', () => {
  const site = siteOf([queueConfig('rich'), queueConfig('poor')]);
  fill(site, 'rich', 20);
  site.pass();
  site.submit({ queue: 'poor', cpu: 1, count: 5, gang: 5 });
  site.submit({ queue: 'poor', cpu: 1, count: 6, gang: 6, tenant: 'ben' });
  const [first] = comeToRest(site, 100);
  assert.equal(first?.victims.length, 5);
  assert.deepEqual(site.held('queue'), { rich: 5, poor: 5 });
});

test('what may not be stopped is not taken back, nor from a queue that keeps what it has', () => {
  for (const [rich, preemptible] of [
    [{}, false],
    [{ reclaim: 'disabled' }, true],
  ] as const) {
    const site = siteOf([queueConfig('rich', rich), queueConfig('poor')]);
    for (let i = 0; i < 10; i++) site.submit({ queue: 'rich', preemptible });
    site.pass();
    fill(site, 'poor', 5);
    assert.equal(comeToRest(site, 20).length, 0);
  }
});

test('kueue#4809: whoever is kept out by a limit takes nothing back, and others borrow meanwhile', () => {
  const site = siteOf([
    queueConfig('rich'),
    queueConfig('poor', { guaranteed: guarantee({ cpu: 6 }), limit: limit({ cpu: 2 }) }),
  ]);
  fill(site, 'rich', 20);
  site.pass();
  fill(site, 'poor', 6);
  comeToRest(site, 50);
  assert.deepEqual(site.held('queue'), { rich: 8, poor: 2 });
});

test('a higher priority in a queue that holds its share stops its own, not the others', () => {
  const site = siteOf([queueConfig('a'), queueConfig('b')]);
  fill(site, 'a', 5);
  fill(site, 'b', 5);
  site.pass();
  for (let i = 0; i < 3; i++) site.submit({ queue: 'a', priority: 9 });
  const ordered = comeToRest(site, 50);
  assert.deepEqual(
    ordered.flatMap(({ victims }) => victims.map(({ queue }) => queue)),
    ['a', 'a', 'a'],
  );
});

test('kueue#14543, #7101: from any state under any tree, with only time passing, preemptions end', () => {
  let met = 0;
  let shares = 0;
  // In the last two, moves and what was kept beside them once went round for ever.
  for (const seed of [...Array(SEEDS).keys(), 1_491, 1_511]) {
    const prng = new Prng(seed);
    const { scheduling, queues } = drawTree(prng);
    const nodes = ['n', 'm', 'o'].map((id) =>
      node(id, { cpu: prng.between(4, 8) * 1000, memory: 2 ** 34, gpus: prng.between(0, 4) }),
    );
    const site = new Site({ ...scheduling, quotas: [], preemption }, ...nodes);
    site.now = 1_767_225_600_000;
    const first = prng.pick(queues);
    for (let i = prng.between(20, 60); i > 0; i--) {
      // What is there when the others come has borrowed all.
      const queue = i > 20 && prng.chance(70) ? first : prng.pick(queues);
      const count = prng.pick([1, 1, 1, 2, 3]);
      const gang = count > 1 && prng.chance(60) ? prng.between(1, count) : undefined;
      site.submit({
        queue,
        tenant: prng.pick(['ada', 'ben', 'eve']),
        priority: prng.between(-1, 2),
        cpu: prng.between(1, 4),
        gib: prng.between(0, 6),
        gpu: prng.chance(30) ? prng.pick([0.5, 1, 2]) : 0,
        count,
        ...(gang === undefined ? {} : { gang }),
        preemptible: prng.chance(90),
      });
      if (prng.chance(40)) site.pass();
    }
    const ordered = comeToRest(site, 400);
    met += ordered.length;
    shares += ordered.filter(({ rule }) => rule.kind === 'share').length;
  }
  assert.ok(met > SEEDS && shares > SEEDS / 4, `${met} preemptions, ${shares} by shares`);
});
