import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FillPrices } from '../../src/scheduling/fill-prices.ts';

const EPSILON = 1e-6;

// The dual prices of domain knowledge (reference/scheduling.md §4.1), of the counts of a real trace.
const counts: Readonly<Record<number, number>> = {
  50: 7,
  110: 24,
  140: 1,
  160: 74,
  220: 62,
  230: 140,
  270: 4,
  290: 1,
  320: 328,
  330: 7,
  350: 6,
  370: 47,
  440: 2,
  460: 128,
  470: 750,
  480: 19,
  550: 72,
  590: 75,
  650: 253,
  810: 1078,
};
const wanted: Readonly<Record<number, number>> = {
  810: 1,
  650: 2 / 3,
  470: 1 / 2,
  320: 1 / 3,
  230: 1 / 4,
  160: 0,
  110: 0,
};

test('shares of a real trace are worth what the dual program says', () => {
  const prices = new FillPrices(
    Object.entries(counts).map(([size, count]) => ({ size: Number(size), count })),
  );
  for (const [size, worth] of Object.entries(wanted)) {
    const price = prices.price(Number(size));
    assert.ok(Math.abs(price - worth) < EPSILON, `${size} is worth ${price}, not ${worth}`);
  }
  assert.ok(prices.loss(1000, 470) < EPSILON, 'one of two halves keeps to the plan');
  assert.ok(prices.loss(530, 320) > 0.16, 'a third in the place of a half does not');
  assert.ok(prices.loss(190, 160) < EPSILON, 'a left-over hole is free');
});

const demand = fc.uniqueArray(
  fc.record({
    size: fc.integer({ min: 2, max: 50 }).map((n) => n * 20),
    count: fc.integer({ min: 1, max: 40 }),
  }),
  { selector: ({ size }) => size, minLength: 1, maxLength: 4 },
);

/** Every filling of one GPU, as how often each size. */
function fillings(sizes: readonly number[], room = 1000): number[][] {
  const [size, ...rest] = sizes;
  if (size === undefined) return [[]];
  const found: number[][] = [];
  for (let n = 0; n * size <= room; n++) {
    for (const others of fillings(rest, room - n * size)) found.push([n, ...others]);
  }
  return found;
}

test('no filling of a GPU is worth more than the GPU, and nothing is worth less than nothing', () => {
  fc.assert(
    fc.property(demand, (drawn) => {
      const prices = new FillPrices(drawn);
      const worth = drawn.map(({ size }) => prices.price(size));
      assert.ok(worth.every((price) => price >= 0));
      for (const filling of fillings(drawn.map(({ size }) => size))) {
        const sum = filling.reduce((all, n, i) => all + n * worth[i]!, 0);
        assert.ok(sum <= 1 + EPSILON, `${filling} is worth ${sum}`);
      }
    }),
    { numRuns: 100 },
  );
});

test('the demand is worth as many GPUs as it needs at least, fractions of fillings allowed', () => {
  fc.assert(
    fc.property(demand, (drawn) => {
      const prices = new FillPrices(drawn);
      const worth = drawn.reduce((all, { size, count }) => all + count * prices.price(size), 0);
      // Weak duality from both sides: by volume below, by filling GPUs with one size each above.
      const volume = drawn.reduce((all, { size, count }) => all + (count * size) / 1000, 0);
      const apart = drawn.reduce(
        (all, { size, count }) => all + count / Math.floor(1000 / size),
        0,
      );
      assert.ok(
        worth >= volume - EPSILON && worth <= apart + EPSILON,
        `${volume} ${worth} ${apart}`,
      );
    }),
    { numRuns: 200 },
  );
});

test('a loss is never negative, and a size that was never asked for costs the room that it takes', () => {
  fc.assert(
    fc.property(
      demand,
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 0, max: 1000 }),
      (drawn, size, more) => {
        const prices = new FillPrices(drawn);
        const free = Math.min(1000, size + more);
        assert.ok(prices.loss(free, size) >= 0);
        assert.ok(prices.loss(size, size) <= 1);
      },
    ),
    { numRuns: 200 },
  );
});
