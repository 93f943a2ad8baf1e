import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BasisPoints, spanMs } from '../../src/base/units.ts';
import type { SchedulingConfig } from '../../src/model/scheduling-config.ts';
import { readSpotTrace } from '../../src/simulation/spot-path.ts';
import { HOUR } from '../builders/money.ts';
import { dollars, policy } from '../builders/spot-stage.ts';
import { mood, runSpotWeek, type SpotWeekOptions } from '../builders/spot-week.ts';

const DAY = 24 * HOUR;
const backfill = (kind: SchedulingConfig['backfill']['kind']) => ({
  backfill: { kind, depth: 100 },
});
const sites: Record<string, Partial<SchedulingConfig>> = {
  tree: {},
  easy: backfill('easy'),
  'shortest first': backfill('easy-shortest-first'),
  conservative: backfill('conservative'),
  optimal: { plan: 'optimal' },
  preempting: { preemption: { minRunMs: spanMs(60_000), perQueueHour: 100 } },
};

/** Drawn worlds may all be mild: four of these alone have more than a hundred of each that is counted. */
const harsh = {
  percentage: 100,
  onDemandNodes: 1,
  spotNodes: 4,
  suitable: 100,
  tremble: 800,
  takenPerMillion: 10_000,
  site: 'tree',
};

test('whatever prices and interruptions do: no work is lost, the share holds, every span has one price', () => {
  const covered = { interruptions: 0, placedOnSpot: 0, pricesTold: 0 };
  fc.assert(
    fc.property(
      fc.record({
        seed: fc.integer({ min: 1, max: 1e9 }),
        percentage: fc.constantFrom(0, 30, 50, 70, 100),
        onDemandNodes: fc.integer({ min: 1, max: 3 }),
        spotNodes: fc.integer({ min: 1, max: 4 }),
        suitable: fc.constantFrom(50, 100),
        tremble: fc.constantFrom(100, 800),
        takenPerMillion: fc.constantFrom(0, 1_000, 10_000),
        site: fc.constantFrom(...Object.keys(sites)),
      }),
      ({ percentage, tremble, site, ...drawn }) => {
        const done = runSpotWeek({
          ...drawn,
          policy: policy({ percentage }),
          jobs: 25,
          arriveMs: DAY,
          mood: mood({ tremble: tremble as BasisPoints, jumpsPerMillion: 20_000 }),
          scheduling: sites[site]!,
          checkEveryMs: 12 * HOUR,
        });
        for (const key of Object.keys(covered) as (keyof typeof covered)[]) {
          covered[key] += done[key];
        }
        if (percentage === 0) assert.equal(done.placedOnSpot, 0);
      },
    ),
    { numRuns: 40, examples: [1, 2, 3, 4].map((seed) => [{ ...harsh, seed }]) },
  );
  for (const [what, count] of Object.entries(covered)) assert.ok(count > 100, `${what}: ${count}`);
});

const week: SpotWeekOptions = {
  seed: 2026,
  policy: policy(),
  onDemandNodes: 8,
  spotNodes: 8,
  jobs: 400,
  arriveMs: 7 * DAY,
  suitable: 80,
  mood: mood(),
  // Of looks once a minute: a node is taken back once in three days or so.
  takenPerMillion: 230,
};

test('a week on a market costs less than on demand, and the same seed is the same week', (t) => {
  const first = runSpotWeek(week);
  assert.deepEqual(runSpotWeek(week).journal, first.journal);
  const saved = 1 - first.charged / first.onDemand;
  assert.ok(first.interruptions > 20, `${first.interruptions} interruptions`);
  assert.ok(saved > 0.2 && saved < 0.65, `saved ${saved}`);
  t.diagnostic(
    `$${(first.charged / 1e6).toFixed(2)} on the market, $${(first.onDemand / 1e6).toFixed(2)} on demand: ` +
      `${(saved * 100).toFixed(1)} % less with ${first.interruptions} interruptions, ` +
      `${first.placedOnSpot} of ${first.placedOnSpot + first.placedElsewhere} starts on spot nodes, ` +
      `${first.pricesTold} prices`,
  );
});

test('a recorded price is replayed: while it is above the ceiling nothing starts on spot nodes', () => {
  const trace = readSpotTrace(
    'time,price\n# dollars an hour\n0,0.30\n3600000,0.90\n1970-01-01T03:00:00Z,0.30\n',
  );
  assert.ok(trace.ok);
  const done = runSpotWeek({
    ...week,
    jobs: 40,
    arriveMs: 4 * HOUR,
    takenPerMillion: 0,
    path: trace.points[Symbol.iterator](),
  });
  const dear = done.journal.filter(
    (event) =>
      event.kind === 'task-placed' &&
      event.placement.node.startsWith('s') &&
      event.at >= HOUR &&
      event.at < 3 * HOUR,
  );
  assert.equal(dear.length, 0);
  const fallbacks = done.journal.filter(
    (event) => event.kind === 'task-placed' && event.placement.notSpot?.why === 'price',
  );
  assert.ok(fallbacks.length > 0, 'they go on demand meanwhile, and it is known why');
  assert.equal(done.pricesTold, 3);
  assert.ok(done.placedOnSpot > 0);
});

test('a trace that is wrong is told with its line', () => {
  const cases: Record<string, [text: string, line: number, message: RegExp]> = {
    empty: ['', 1, /no prices/],
    'names only': ['time,price\n', 1, /no prices/],
    'one column': ['time,price\n12\n', 2, /two columns/],
    'three columns': ['1,2,3', 1, /two columns/],
    'no time': ['\nyesterday,2', 2, /no time/],
    'no price': ['1,free', 1, /no price above 0/],
    'a price of 0': ['1,0', 1, /no price above 0/],
    'not later': ['5,1\n5,1', 2, /no later/],
  };
  for (const [what, [text, line, message]] of Object.entries(cases)) {
    const read = readSpotTrace(text);
    assert.ok(!read.ok, what);
    assert.equal(read.line, line, what);
    assert.match(read.message, message, what);
  }
  fc.assert(fc.property(fc.string(), (text) => typeof readSpotTrace(text).ok === 'boolean'));
});

test('a made-up price stays between half its base and the price on demand, around its base', async () => {
  const { randomPath } = await import('../../src/simulation/spot-path.ts');
  const { Prng } = await import('../../src/base/prng.ts');
  const { timeMs } = await import('../../src/base/units.ts');
  const path = randomPath(mood({ stepMs: spanMs(1_000) }), timeMs(0), new Prng(7));
  const prices = Array.from({ length: 20_000 }, () => path.next().value!.price as number);
  const mean = prices.reduce((sum, price) => sum + price, 0) / prices.length;
  assert.ok(Math.min(...prices) >= dollars(0.175) && Math.max(...prices) <= dollars(1));
  assert.ok(mean > dollars(0.3) && mean < dollars(0.45), `mean ${mean}`);
  assert.ok(
    prices.some((price) => price > dollars(0.7)),
    'at times it is above twice its base',
  );
});
