import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeMs } from '../../src/base/units.ts';
import { queueConfig } from '../../src/model/scheduling-config.ts';
import { attainedAt, Service } from '../../src/scheduling/attained.ts';
import { orders } from '../../src/scheduling/orders/registry.ts';
import { type Ask, config, limit, node, order, Site } from '../builders/site.ts';
import { resources } from '../builders/workload.ts';

const HOUR = 3_600_000;
const one = (name: string, changes = {}, tenants = {}) =>
  config([
    queueConfig('default', {
      order: order(name, changes),
      tenants: { byDefault: tenant(1), byName: tenants },
    }),
  ]);
const tenant = (weight: number) => ({
  weight,
  limit: limit({}),
  runningMax: Number.MAX_SAFE_INTEGER,
  activeMax: Number.MAX_SAFE_INTEGER,
});

test('the folder of orders and the registry agree', () => {
  const files = globSync('src/scheduling/orders/*.ts')
    .map((file) => basename(file, '.ts'))
    .filter((name) => name !== 'registry');
  assert.deepEqual(files.sort(), orders.map(({ name }) => name as string).sort());
});

/** One processor, and tasks of one CPU: who goes first is who is placed. */
const turns: Record<string, { order: string; asks: Ask[]; at?: number[]; want: string[] }> = {
  'fifo goes by submission, whatever the priority': {
    order: 'fifo',
    asks: [{ tenant: 'a' }, { tenant: 'b', priority: 9 }, { tenant: 'c' }],
    want: ['a', 'b', 'c'],
  },
  'priority goes first, then age': {
    order: 'priority',
    asks: [{ tenant: 'a' }, { tenant: 'b', priority: 9 }, { tenant: 'c', priority: 9 }],
    want: ['b', 'c', 'a'],
  },
  'the earliest deadline goes first, and none goes last': {
    order: 'edf',
    asks: [
      { tenant: 'a' },
      { tenant: 'b', deadlineAt: 90 * HOUR, runMs: HOUR },
      { tenant: 'c', deadlineAt: 80 * HOUR, runMs: HOUR },
    ],
    want: ['c', 'b', 'a'],
  },
  'the largest share of the site goes first, then age': {
    order: 'largest-first',
    asks: [
      { tenant: 'a', cpu: 0.2 },
      { tenant: 'b', cpu: 0.9 },
      { tenant: 'c', cpu: 0.2, gib: 6 },
    ],
    want: ['b', 'c', 'a'],
  },
  'the shortest goes first, and what says nothing last': {
    order: 'sjf',
    asks: [{ tenant: 'a' }, { tenant: 'b', runMs: 9000 }, { tenant: 'c', runMs: 8000 }],
    want: ['c', 'b', 'a'],
  },
};
for (const [name, { order: by, asks, want }] of Object.entries(turns)) {
  test(name, () => {
    const site = new Site(one(by), node('n', { cpu: 1000 }));
    for (const ask of asks) site.submit(ask);
    const got: string[] = [];
    for (let i = 0; i < asks.length; i++) {
      site.now += 1000;
      got.push(...site.placedBy('tenant'));
      site.endAll();
    }
    assert.deepEqual(got, want);
  });
}

test('ageing lifts what waits above what is more urgent: kai#1970, ageing of each job', () => {
  const site = new Site(one('priority', { ageingPerHour: 10 }), node('n', { cpu: 1000 }));
  site.submit({ tenant: 'running' });
  site.pass();
  site.submit({ tenant: 'old', priority: 0 });
  site.now = 2 * HOUR;
  site.submit({ tenant: 'urgent', priority: 19 });
  site.endAll();
  assert.deepEqual(site.placedBy('tenant'), ['old'], '2 hours × 10 points beat 19');
});

test('nobody starves under ageing, though something more urgent comes every minute', () => {
  const site = new Site(one('priority', { ageingPerHour: 60 }), node('n', { cpu: 1000 }));
  site.submit({ tenant: 'patient', priority: -1000 });
  let minutes = 0;
  for (; !site.held('tenant')['patient']; minutes++) {
    assert.ok(minutes < 60 * 40, 'starts within its priority gap ÷ rate');
    site.endAll();
    site.submit({ tenant: 'pushy', priority: 1000 });
    site.pass();
    site.now += 60_000;
  }
});

test('DRF: 9 CPU and 18 GB give three tasks of 1 CPU, 4 GB and two of 3 CPU, 1 GB (Ghodsi 2011)', () => {
  const site = new Site(one('drf'), node('n', { cpu: 9000, memory: 18 * 1024 ** 3 }));
  site.submit({ tenant: 'A', cpu: 1, gib: 4, count: 10 });
  site.submit({ tenant: 'B', cpu: 3, gib: 1, count: 10 });
  site.pass();
  assert.deepEqual(site.held('tenant'), { A: 3, B: 2 });
});

test('weighted DRF gives a tenant of twice the weight twice the dominant share', () => {
  const weights = { A: tenant(2), B: tenant(1) };
  const site = new Site(one('weighted-drf', {}, weights), node('n', { cpu: 9000 }));
  site.submit({ tenant: 'A', count: 20 });
  site.submit({ tenant: 'B', count: 20 });
  site.pass();
  assert.deepEqual(site.held('tenant'), { A: 6, B: 3 });
});

/** Demands of two to four tenants of one kind each, on 60 CPU and 60 GiB, in tasks small enough to divide. */
const demand = fc.record({
  cpu: fc.integer({ min: 1, max: 4 }),
  gib: fc.integer({ min: 1, max: 4 }),
});
const share = (ask: { cpu: number; gib: number }, tasks: number): number =>
  (tasks * Math.max(ask.cpu, ask.gib)) / 120;

function drfOf(demands: readonly { cpu: number; gib: number }[]): number[] {
  const site = new Site(one('drf'), node('n', { cpu: 120_000, memory: 120 * 1024 ** 3 }));
  for (const [i, ask] of demands.entries()) site.submit({ tenant: `t${i}`, ...ask, count: 200 });
  site.pass();
  return demands.map((_, i) => site.held('tenant')[`t${i}`] ?? 0);
}

test('DRF: sharing incentive, envy-freeness, Pareto efficiency and strategy-proofness', () => {
  const several = fc.array(demand, { minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(several, demand, (demands, lie) => {
      const tasks = drfOf(demands);
      // One task more or less is the grain of all four.
      const grain = Math.max(...demands.map((ask) => share(ask, 1)));
      demands.forEach((mine, i) => {
        assert.ok(share(mine, tasks[i]!) >= 1 / demands.length - 2 * grain, 'sharing incentive');
        demands.forEach((theirs, j) => {
          const inTheirPlace = Math.min(
            (tasks[j]! * theirs.cpu) / mine.cpu,
            (tasks[j]! * theirs.gib) / mine.gib,
          );
          assert.ok(inTheirPlace <= tasks[i]! + 2 * (grain / share(mine, 1)) + 1, 'envy');
        });
      });
      const free = (of: 'cpu' | 'gib') =>
        120 - demands.reduce((sum, ask, i) => sum + ask[of] * tasks[i]!, 0);
      for (const ask of demands) {
        assert.ok(ask.cpu > free('cpu') || ask.gib > free('gib'), 'Pareto efficiency');
      }
      const lied = drfOf([lie, ...demands.slice(1)]);
      const useful = Math.min(
        Math.floor((lied[0]! * lie.cpu) / demands[0]!.cpu),
        Math.floor((lied[0]! * lie.gib) / demands[0]!.gib),
      );
      assert.ok(useful <= tasks[0]! + 2 * (grain / share(demands[0]!, 1)) + 1, 'no gain by a lie');
    }),
    { numRuns: 60 },
  );
});

test('fair share converges to the weights, whoever comes first', () => {
  const weights = { a: tenant(1), b: tenant(2), c: tenant(5) };
  const site = new Site(one('fair-share', {}, weights), node('n', { cpu: 4000 }));
  const used: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (const name of ['a', 'b', 'c']) site.submit({ tenant: name, count: 4000 });
  for (let i = 0; i < 800; i++) {
    site.pass();
    for (const [name, tasks] of Object.entries(site.held('tenant'))) used[name]! += tasks;
    site.now += 60_000;
    site.endAll();
  }
  const all = used['a']! + used['b']! + used['c']!;
  for (const [name, weight] of [
    ['a', 1],
    ['b', 2],
    ['c', 5],
  ] as const) {
    const part = used[name]! / all;
    assert.ok(Math.abs(part - weight / 8) < 0.01, `${name}: ${part} of ${weight / 8}`);
  }
});

test('fair share forgets: a burst counts half after the half-life', () => {
  const site = new Site(one('fair-share', { halfLifeMs: HOUR }), node('n', { cpu: 1000 }));
  site.submit({ tenant: 'burst' });
  site.pass();
  site.now += HOUR;
  site.endAll();
  site.submit({ tenant: 'steady' });
  site.pass();
  site.now += HOUR * 0.75;
  site.endAll();
  site.submit({ tenant: 'burst' });
  site.submit({ tenant: 'steady' });
  assert.deepEqual(
    site.placedBy('tenant'),
    ['burst'],
    'an hour, an hour ago, is less than 45 min now',
  );
});

test('multifactor: age, fair share, size and priority each decide with their weight', () => {
  const nothing = { age: 0, ageMaxMs: HOUR, fairShare: 0, size: 0, priority: 0 };
  const cases: [object, Ask, Ask][] = [
    [{ priority: 100 }, { tenant: 'x', priority: 5 }, { tenant: 'y' }],
    [{ size: 100 }, { tenant: 'x', cpu: 2 }, { tenant: 'y', cpu: 1 }],
    [{ fairShare: 100 }, { tenant: 'new' }, { tenant: 'heavy' }],
  ];
  for (const [factors, first, second] of cases) {
    const site = new Site(one('multifactor', { factors: { ...nothing, ...factors } }), node('n'));
    site.submit({ tenant: 'heavy', cpu: 2 });
    site.pass();
    site.now += HOUR;
    site.endAll();
    site.submit(second);
    site.submit(first);
    assert.equal(site.placedBy('tenant')[0], first.tenant, JSON.stringify(factors));
  }
});

test('lottery: the winners pass a chi-square test against their tickets', () => {
  const weights = { a: tenant(1), b: tenant(2), c: tenant(3), d: tenant(4) };
  for (const seed of [1, 2, 3, 4, 5]) {
    const site = new Site({ ...one('lottery', {}, weights), seed }, node('n', { cpu: 1000 }));
    const won: Record<string, number> = {};
    const draws = 2000;
    for (const name of Object.keys(weights)) site.submit({ tenant: name, count: draws });
    for (let i = 0; i < draws; i++) {
      const [name] = site.placedBy('tenant');
      won[name!] = (won[name!] ?? 0) + 1;
      site.endAll();
    }
    let chi = 0;
    for (const [name, { weight }] of Object.entries(weights)) {
      const expected = (draws * weight) / 10;
      chi += (won[name]! - expected) ** 2 / expected;
    }
    assert.ok(chi < 16.27, `seed ${seed}: ${chi} is below the 0.1 % point of 3 degrees of freedom`);
  }
});

test('lottery: tickets of somebody who cannot start are not drawn', () => {
  const weights = { huge: tenant(1000), small: tenant(1) };
  const site = new Site(one('lottery', {}, weights), node('n', { cpu: 2000 }));
  site.submit({ tenant: 'holds' });
  site.pass();
  site.submit({ tenant: 'huge', cpu: 2 });
  site.submit({ tenant: 'small' });
  assert.deepEqual(site.placedBy('tenant'), ['small']);
});

test('stride: no tenant is ever a whole turn away from its part', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 2, maxLength: 4 }), (all) => {
      const weights = Object.fromEntries(all.map((weight, i) => [`t${i}`, tenant(weight)]));
      const site = new Site(one('stride', {}, weights), node('n', { cpu: 1000 }));
      for (const name of Object.keys(weights)) site.submit({ tenant: name, count: 100 });
      const turns: number[] = all.map(() => 0);
      for (let n = 1; n <= 60; n++) {
        const [name] = site.placedBy('tenant');
        turns[Number(name!.slice(1))]!++;
        site.endAll();
        for (const [i, x] of turns.entries()) {
          for (const [j, y] of turns.entries()) {
            // Pairwise, as Waldspurger states it: of the turns that the two had.
            const mine = ((x + y) * all[i]!) / (all[i]! + all[j]!);
            assert.ok(Math.abs(x - mine) <= 1, `${all}: ${turns} after ${n}`);
          }
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('stride: who was idle does not save up turns', () => {
  const site = new Site(one('stride'), node('n', { cpu: 1000 }));
  site.submit({ tenant: 'busy', count: 100 });
  for (let i = 0; i < 20; i++) {
    site.pass();
    site.endAll();
  }
  site.submit({ tenant: 'late', count: 100 });
  const got: string[] = [];
  for (let i = 0; i < 4; i++) {
    got.push(...site.placedBy('tenant'));
    site.endAll();
  }
  assert.equal(got.filter((name) => name === 'late').length, 2, got.join());
});

test('las: a workload that was served long goes after one that was not, within a level by age', () => {
  const site = new Site(one('las', { levelsAtSeconds: [100, 1000] }), node('n', { cpu: 1000 }));
  site.submit({ tenant: 'long', count: 3 });
  site.submit({ tenant: 'new' });
  assert.deepEqual(site.placedBy('tenant'), ['long']);
  site.now += 50_000;
  site.endAll();
  assert.deepEqual(site.placedBy('tenant'), ['long'], 'still in the first level, and older');
  site.now += 60_000;
  site.endAll();
  assert.deepEqual(site.placedBy('tenant'), ['new'], '110 s of service sank it');
});

test('las: what runs counts before it ends', () => {
  const site = new Site(one('las', { levelsAtSeconds: [100] }), node('n', { cpu: 2000 }));
  site.submit({ tenant: 'wide', count: 4 });
  assert.deepEqual(site.placedBy('tenant'), ['wide', 'wide']);
  site.submit({ tenant: 'new' });
  site.now += 40_000;
  site.join(node('m', { cpu: 1000 }));
  assert.deepEqual(site.placedBy('tenant'), ['wide'], '80 s of service, and older');
  site.now += 10_000;
  site.restart();
  site.join(node('o', { cpu: 1000 }));
  assert.deepEqual(site.placedBy('tenant'), ['new'], '110 s of three that run sank the rest');
});

test('las: the account of a service is the sum over its attempts at any moment, in any order', () => {
  const attempt = fc.record({
    from: fc.integer({ min: 0, max: 100_000 }),
    ranMs: fc.option(fc.integer({ min: 0, max: 100_000 })),
    cpu: fc.integer({ min: 0, max: 1_000_000 }),
    gpu: fc.integer({ min: 0, max: 8_000 }),
  });
  const submittedAt = timeMs(1_000_000_000);
  const second = (ms: number) => Math.floor(ms / 1000);
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 20 }), fc.nat(200_000), (attempts, later) => {
      const service = new Service(submittedAt);
      const want = { cpu: 0, gpu: 0 };
      const at = 200_000 + later;
      for (const { from, ranMs, cpu, gpu } of attempts) {
        const held = resources({ cpu, memory: 0, gpu });
        service.start(held, timeMs(submittedAt + from));
        if (ranMs !== null) service.end(held, timeMs(submittedAt + from + ranMs));
        const seconds = second(ranMs === null ? at : from + ranMs) - second(from);
        want.cpu += cpu * seconds;
        want.gpu += gpu * seconds;
      }
      assert.deepEqual(
        attainedAt({ attained: service, submittedAt }, timeMs(submittedAt + at)),
        want,
      );
    }),
  );
});

test('las: a sunken workload that starves rises again', () => {
  const sinks = { levelsAtSeconds: [10], starvationFactor: 2 };
  const site = new Site(one('las', sinks), node('n', { cpu: 1000 }));
  site.submit({ tenant: 'sunken', count: 2 });
  site.pass();
  site.now += 20_000;
  site.endAll();
  site.submit({ tenant: 'new', count: 5 });
  assert.deepEqual(site.placedBy('tenant'), ['new']);
  site.now += 60_000;
  site.endAll();
  assert.deepEqual(site.placedBy('tenant'), ['sunken']);
});

test('las: what sank while it waited still starts', () => {
  const site = new Site(one('las', { levelsAtSeconds: [10] }), node('n', { cpu: 1000 }));
  site.submit({ count: 2 });
  site.pass();
  site.now += 20_000;
  site.endAll();
  assert.deepEqual(site.pass(), ['1.s.1.1']);
});
