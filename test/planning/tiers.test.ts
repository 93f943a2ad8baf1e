import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { BasisPoints, Bytes, MicroDollars, SpanMs } from '../../src/base/units.ts';
import {
  type FileUse,
  type Tier,
  type TierConfig,
  type TierName,
  tierNames,
} from '../../src/model/tiers.ts';
import { breakEven, planTiers, tierFor } from '../../src/planning/tiers.ts';

const DAY = 86_400_000;
const GIB = 1024 ** 3;
const dollars = (amount: number) => Math.round(amount * 1e6) as MicroDollars;

const tier = (
  name: TierName,
  above: number,
  idleDays: number,
  prices?: [number, number],
): Tier => ({
  name,
  above,
  idleMs: (idleDays * DAY) as SpanMs,
  compress: false,
  ...(name !== 'hot' && { folder: `/${name}` }),
  ...(prices && { storage: dollars(prices[0]), access: dollars(prices[1]) }),
});
/** With the bounds of the source: more than 100, 10 and 1 a day. */
const config: TierConfig = {
  tiers: [
    tier('hot', 100, 0, [0.5, 0]),
    tier('warm', 10, 7, [0.2, 0.001]),
    tier('cold', 1, 30, [0.05, 0.02]),
    tier('frozen', 0, 180, [0.001, 0.1]),
  ],
  hysteresis: 2_500 as BasisPoints,
  bytesMin: 0 as Bytes,
};
const use = (of: Partial<FileUse> & { perDay?: number; days?: number }): FileUse => {
  const { days, ...more } = of;
  return {
    path: '/data/a',
    bytes: GIB as Bytes,
    tier: 'hot',
    by: more.perDay === undefined ? (days === undefined ? 'unknown' : 'atime') : 'counted',
    ...(days !== undefined && { idleMs: (days * DAY) as SpanMs }),
    ...more,
  };
};

describe('the tier by uses a day, with a quarter more or less before it changes', () => {
  const cases: readonly [now: TierName, perDay: number, want: TierName][] = [
    ['hot', 101, 'hot'],
    ['hot', 81, 'hot'],
    ['hot', 80, 'warm'],
    ['warm', 101, 'warm'],
    ['warm', 125, 'warm'],
    ['warm', 126, 'hot'],
    ['hot', 8, 'cold'],
    ['warm', 9, 'warm'],
    ['frozen', 1.2, 'frozen'],
    ['frozen', 1.3, 'cold'],
    ['cold', 0.9, 'cold'],
    ['cold', 0.7, 'frozen'],
    ['frozen', 1000, 'hot'],
    ['hot', 0, 'frozen'],
  ];
  for (const [now, perDay, want] of cases) {
    test(`${now} with ${perDay} a day is ${want}`, () => {
      assert.equal(tierFor(use({ tier: now, perDay }), config), want);
    });
  }
});

describe('the tier by the time without a use, where nobody counted', () => {
  const cases: readonly [now: TierName, days: number | undefined, want: TierName][] = [
    ['hot', 0, 'hot'],
    ['hot', 8, 'hot'],
    ['hot', 9, 'warm'],
    ['hot', 400, 'frozen'],
    ['warm', 6, 'warm'],
    ['warm', 5, 'hot'],
    ['frozen', 170, 'frozen'],
    ['frozen', 0, 'hot'],
    ['cold', undefined, 'cold'],
  ];
  for (const [now, days, want] of cases) {
    test(`${now} and ${days ?? 'an unknown number of'} days is ${want}`, () => {
      const file = use({ tier: now, ...(days !== undefined && { days }) });
      assert.equal(tierFor(file, config), want);
    });
  }
});

const anyTier = fc.constantFrom(...tierNames);

test('what was moved stays there, while nothing changes', () => {
  const rate = fc.double({ min: 0, max: 1000, noNaN: true });
  fc.assert(
    fc.property(anyTier, fc.option(rate), fc.nat(400), (now, perDay, days) => {
      const file = use({ tier: now, days, ...(perDay !== null && { perDay }) });
      const to = tierFor(file, config);
      assert.equal(tierFor({ ...file, tier: to }, config), to);
      // Nor when it is used a little more or less.
      if (perDay === null) return;
      for (const factor of [0.9, 1.1]) {
        const other = tierFor({ ...file, tier: to, perDay: perDay * factor }, config);
        const back = tierFor({ ...file, tier: other, perDay }, config);
        assert.equal(tierFor({ ...file, tier: back, perDay: perDay * factor }, config), other);
      }
    }),
    { numRuns: 1000 },
  );
});

test('whoever is used more is never in a colder tier', () => {
  const rate = fc.double({ min: 0, max: 1000, noNaN: true });
  fc.assert(
    fc.property(anyTier, rate, rate, (now, a, b) => {
      const [less, more] = [Math.min(a, b), Math.max(a, b)];
      const at = (perDay: number) => tierNames.indexOf(tierFor(use({ tier: now, perDay }), config));
      assert.ok(at(more) <= at(less));
    }),
  );
});

test('at the break-even, both tiers cost the same', () => {
  const price = fc.integer({ min: 0, max: 5_000_000 });
  fc.assert(
    fc.property(price, price, price, price, (storageA, storageB, accessA, accessB) => {
      const a = { ...tier('hot', 2, 0), storage: storageA, access: accessA } as Tier;
      const b = { ...tier('warm', 1, 1), storage: storageB, access: accessB } as Tier;
      const perDay = breakEven(a, b)!;
      const cost = (one: Tier, reads: number) => one.storage! + one.access! * reads * (365.25 / 12);
      if (perDay === 0) assert.ok(storageA <= storageB);
      else if (perDay === Number.POSITIVE_INFINITY) assert.ok(accessB <= accessA);
      else {
        const [one, other] = [cost(a, perDay), cost(b, perDay)];
        assert.ok(Math.abs(one - other) <= 1e-6 * Math.max(one, other));
        assert.ok(cost(a, perDay * 2) <= cost(b, perDay * 2));
      }
    }),
  );
});

test('a price that is not known makes neither a break-even nor a saving', () => {
  const unpriced = { ...config, tiers: [tier('hot', 1, 0, [1, 0]), tier('warm', 0, 7)] };
  assert.equal(breakEven(unpriced.tiers[0]!, unpriced.tiers[1]!), undefined);
  const { moves, saved } = planTiers([use({ days: 99 })], unpriced);
  assert.equal(moves.length, 1);
  assert.deepEqual([moves[0]!.storageSaved, saved], [undefined, undefined]);
});

test('the plan has what moves, what it saves, and what is not worth it', () => {
  const plan = planTiers(
    [
      use({ path: '/b', days: 40 }),
      use({ path: '/a', perDay: 20, bytes: (2 * GIB) as Bytes }),
      // Cheaper storage by 0.45 a month, for reads of 20 × 30.4 × 0.02.
      use({ path: '/dear', perDay: 4 }),
      use({ path: '/unknown' }),
      use({ path: '/hot', perDay: 500 }),
    ],
    config,
  );
  assert.deepEqual(
    plan.moves.map(({ path, to, storageSaved, accessCost }) => [
      path,
      to,
      storageSaved,
      accessCost,
    ]),
    [['/b', 'cold', 450_000, undefined]],
  );
  assert.deepEqual(
    plan.notWorth.map(({ path, to, storageSaved, accessCost }) => [
      path,
      to,
      storageSaved,
      accessCost,
    ]),
    [
      ['/a', 'warm', 600_000, 1_217_500],
      ['/dear', 'cold', 450_000, 2_435_000],
    ],
  );
  assert.deepEqual([plan.unknown, plan.stays, plan.bytes, plan.saved], [1, 4, GIB, 450_000]);
});

test('what is too small stays', () => {
  const { moves } = planTiers([use({ days: 99, bytes: 10 as Bytes })], {
    ...config,
    bytesMin: 11 as Bytes,
  });
  assert.deepEqual(moves, []);
});
