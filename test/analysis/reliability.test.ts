import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { quantileOf, shareOf } from '../../src/analysis/intervals.ts';
import {
  downTime,
  meanTime,
  type Outage,
  reliabilityOf,
  togetherOf,
} from '../../src/analysis/reliability.ts';
import { chiSquareQuantile, gammaP } from '../../src/statistics/chi-square.ts';

/** NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4: upper and lower critical values. */
const published: readonly (readonly [p: number, df: number, want: number])[] = [
  [0.05, 1, 0.004],
  [0.05, 2, 0.103],
  [0.05, 10, 3.94],
  [0.05, 100, 77.929],
  [0.95, 1, 3.841],
  [0.95, 2, 5.991],
  [0.95, 4, 9.488],
  [0.95, 10, 18.307],
  [0.95, 30, 43.773],
  [0.95, 100, 124.342],
  [0.99, 5, 15.086],
  [0.999, 20, 45.315],
];
for (const [p, df, want] of published) {
  test(`χ² with ${df} degrees of freedom has ${p} below ${want}`, () => {
    assert.equal(chiSquareQuantile(p, df).toFixed(3), want.toFixed(3));
  });
}

test('with two degrees of freedom χ² is exponential, and for very many it is nearly normal', () => {
  for (const p of [0.001, 0.05, 0.5, 0.95, 0.9999]) {
    assert.ok(Math.abs(chiSquareQuantile(p, 2) - -2 * Math.log(1 - p)) < 1e-9);
  }
  // Wilson and Hilferty (1931).
  const df = 200_000;
  const cube = (1 - 2 / (9 * df) + 1.6448536269514722 * Math.sqrt(2 / (9 * df))) ** 3;
  assert.ok(Math.abs(chiSquareQuantile(0.95, df) / (df * cube) - 1) < 1e-7);
});

test('P(a, x) for whole a is what a Poisson count of at least a has', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 0.01, max: 80, noNaN: true }),
      (a, x) => {
        let below = 0;
        let term = Math.exp(-x);
        for (let k = 0; k < a; k++) {
          below += term;
          term *= x / (k + 1);
        }
        assert.ok(Math.abs(gammaP(a, x) - (1 - below)) < 1e-10, `${gammaP(a, x)} ${1 - below}`);
      },
    ),
  );
});

test('the interval of Wilson is that of a worked example, and holds for none and for all', () => {
  // 90 % of 8 of 10, by the formula in Brown, Cai and DasGupta (2001).
  const { low, high } = shareOf(8, 10);
  assert.deepEqual([low!.toFixed(4), high!.toFixed(4)], ['0.5408', '0.9314']);
  assert.equal(shareOf(0, 20).low, 0);
  assert.ok(shareOf(0, 20).high! > 0.1);
  assert.ok(shareOf(20, 20).low! < 0.9);
  assert.deepEqual(shareOf(0, 0), { value: undefined, low: undefined, high: undefined });
});

test('the interval of a quantile covers it as often as it says, whatever the distribution', () => {
  const wide: Record<string, readonly [q: number, n: number]> = { a: [0.5, 30], b: [0.95, 200] };
  for (const [q, n] of Object.values(wide)) {
    let seed = 12345;
    const draw = (): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    let covered = 0;
    const rounds = 600;
    for (let i = 0; i < rounds; i++) {
      const sample = Array.from({ length: n }, draw).sort((a, b) => a - b);
      const { low = -1, high = 2 } = quantileOf(sample, q);
      if (low <= q && q <= high) covered++;
    }
    assert.ok(covered / rounds > 0.87 && covered / rounds < 0.99, `${covered / rounds} at ${q}`);
  }
});

test('of few samples a high quantile has no upper end', () => {
  const { value, low, high } = quantileOf([1, 2, 3, 4, 5], 0.99);
  assert.deepEqual([value, high], [5, undefined]);
  assert.ok(low !== undefined && low <= 5);
  assert.equal(quantileOf([], 0.5).value, undefined);
});

test('without a failure there is a lower bound only: 1,000 h without one are at least 334 h', () => {
  const { value, low, high } = meanTime(1_000, 0, true);
  assert.deepEqual([value, high], [undefined, undefined]);
  // MIL-HDBK-338B: T / −ln 0.05.
  assert.equal(low!.toFixed(1), (1_000 / -Math.log(0.05)).toFixed(1));
});

test('bounds of MTBF with few failures are those of MIL-HDBK-781: 2 failures in 1,000 h', () => {
  const { value, low, high } = meanTime(1_000, 2, true);
  assert.equal(value, 500);
  // Factors θ/T for 90 %, time-terminated: 2 / χ²(0.95; 6) and 2 / χ²(0.05; 4).
  assert.deepEqual([low!.toFixed(1), high!.toFixed(0)], [(2_000 / 12.5916).toFixed(1), '2814']);
});

const window = { from: 0, to: 1_000 };
const outage = (subject: string, from: number, to?: number): Outage => ({
  subject,
  from,
  to,
  isRepairKnown: true,
});

test('outages that overlap are one incident, and one that is open stays open', () => {
  const found = togetherOf([outage('b', 150, 300), outage('a', 100, 200), outage('c', 400)], 'all');
  assert.deepEqual(
    found.map(({ from, to }) => [from, to]),
    [
      [100, 300],
      [400, undefined],
    ],
  );
});

test('time down together is what a clock that looks each millisecond counts', () => {
  const outages = fc.array(
    fc
      .tuple(fc.nat(120), fc.nat(40), fc.boolean())
      .map(([from, length, open]) => outage('x', from - 10, open ? undefined : from - 10 + length)),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(outages, (drawn) => {
      let down = 0;
      for (let at = 0; at < 100; at++) {
        if (drawn.some(({ from, to }) => from <= at && at < (to ?? 1_000))) down++;
      }
      assert.equal(downTime(drawn, { from: 0, to: 100 }), down);
    }),
  );
});

test('what failed before the window counts as time down and not as a failure of it', () => {
  const found = reliabilityOf(
    { upMs: 700, downMs: 300 },
    [outage('a', -50, 100), outage('b', 200, 300), outage('c', 900)],
    window,
  );
  assert.deepEqual([found.failures, found.repairs], [2, 1]);
  assert.equal(found.mtbf.value, 350);
  // 100 until the repair, and 100 of the one that is not over.
  assert.equal(found.mttr.value, 200);
  assert.equal(found.availability, 0.7);
});
