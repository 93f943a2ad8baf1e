import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../src/base/prng.ts';
import { holm, meanTest, seriesMeanTest, signedRankTest } from '../../src/statistics/paired.ts';
import { betaI, studentQuantile, studentTail } from '../../src/statistics/student-t.ts';
import { noise, normal } from '../builders/series.ts';

const near = (got: number, want: number, by = 1e-9): void =>
  assert.ok(Math.abs(got - want) <= by, `${got} is not ${want}`);

/** Of printed tables: degrees of freedom, tail on one side, quantile. */
const quantiles: [degrees: number, tail: number, t: number][] = [
  [1, 0.025, 12.7062],
  [2, 0.025, 4.3027],
  [5, 0.05, 2.015],
  [9, 0.025, 2.2622],
  [30, 0.005, 2.75],
  [120, 0.025, 1.9799],
];
for (const [degrees, tail, t] of quantiles) {
  test(`t with ${degrees} degrees of freedom exceeds ${t} with ${tail}`, () => {
    near(studentQuantile(tail, degrees), t, 5e-5);
    near(studentTail(studentQuantile(tail, degrees), degrees), tail, 1e-12);
    near(studentTail(-t, degrees), 1 - studentTail(t, degrees), 1e-12);
  });
}

test('t with one degree of freedom is Cauchy’s distribution, and many are the normal one', () => {
  for (const t of [0, 0.3, 1, 4, 50]) near(studentTail(t, 1), 0.5 - Math.atan(t) / Math.PI, 1e-12);
  near(studentTail(1.959964, 1e7), 0.025, 1e-6);
  near(betaI(0.3, 2, 1), 0.09, 1e-12);
  near(betaI(0.3, 1, 3), 1 - 0.7 ** 3, 1e-12);
});

test('a mean of few values, worked out by hand', () => {
  assert.equal(meanTest([3], 0.05), undefined);
  // Mean 2, deviation 1, error 1/√3, t = 3.4641 with two degrees: p = 1 − t/√(2 + t²) = 0.0742.
  const found = meanTest([1, 2, 3], 0.05)!;
  near(found.mean, 2);
  near(found.deviation, 1);
  near(found.p, 1 - 12 ** 0.5 / 14 ** 0.5, 1e-9);
  near(found.high - found.mean, 4.302653 / 3 ** 0.5, 1e-5);
  const same = meanTest([0, 0, 0], 0.05)!;
  assert.deepEqual([same.p, same.low, same.high], [1, 0, 0]);
});

/** In how many of so many runs something holds. */
function share(runs: number, holds: (seed: number) => boolean): number {
  let count = 0;
  for (let seed = 1; seed <= runs; seed++) if (holds(seed)) count++;
  return count / runs;
}

for (const n of [3, 10, 30]) {
  test(`of ${n} normal values, 95 % intervals hold the mean in 95 % of cases`, () => {
    const covered = share(4_000, (seed) => {
      const prng = new Prng(seed * 7_919);
      const found = meanTest(
        Array.from({ length: n }, () => 3 + 2 * normal(prng)),
        0.05,
      )!;
      return found.low <= 3 && 3 <= found.high;
    });
    // ± 3 errors of a share of 0.95 in 4,000.
    near(covered, 0.95, 0.011);
  });
}

test('differences of nothing are called sure as often as alpha says', () => {
  const wrong = share(4_000, (seed) => {
    const prng = new Prng(seed * 104_729);
    const values = Array.from({ length: 8 }, () => normal(prng) - normal(prng));
    return meanTest(values, 0.05)!.p <= 0.05;
  });
  near(wrong, 0.05, 0.011);
  // The ranks have only so many sums: at most alpha, and not far below.
  const ranked = share(4_000, (seed) => {
    const prng = new Prng(seed * 104_729);
    return signedRankTest(Array.from({ length: 12 }, () => normal(prng))) <= 0.05;
  });
  assert.ok(ranked > 0.03 && ranked <= 0.061, `${ranked}`);
});

for (const [rho, n] of [
  [0, 400],
  [0.8, 2_000],
  [0.95, 10_000],
] as const) {
  test(`of ${n} values whose neighbours correlate by ${rho}, 95 % intervals hold the mean`, () => {
    const covered = share(1_000, (seed) => {
      const found = seriesMeanTest(noise(seed * 31, n, rho), 0.05)!;
      return found.low <= 0 && 0 <= found.high;
    });
    assert.ok(covered > 0.92 && covered < 0.975, `${covered}`);
  });
}

test('a series that remembers longer than its blocks is said to', () => {
  const related = share(
    200,
    (seed) => seriesMeanTest(noise(seed, 2_000, 0.998), 0.05)!.isDependent,
  );
  assert.ok(related > 0.5, `${related}`);
  const strangers = share(500, (seed) => seriesMeanTest(noise(seed, 2_000), 0.05)!.isDependent);
  assert.ok(strangers < 0.05, `${strangers}`);
  assert.equal(seriesMeanTest(new Float64Array(199), 0.05), undefined);
});

test('signed ranks', () => {
  assert.equal(signedRankTest([]), 1);
  assert.equal(signedRankTest([0, 0]), 1);
  near(signedRankTest([1, 2, 3, 4, 5]), 2 / 32);
  // Of the ranks 1 … 5 those above 0 sum to 1: that or less in 2 of 32 cases, on each side.
  near(signedRankTest([1, -2, -3, -4, -5]), 4 / 32);
  // Three alike share rank 2: two of them below 0, one above. Sums up to 2: 1 + 3 of 8 cases.
  near(signedRankTest([-1, 1, -1]), 1);
  // By hand of Wilcoxon's table: n = 8, sum 3, 5 of 256 cases on each side.
  near(signedRankTest([-1, -2, 3, 4, 5, 6, 7, 8]), 10 / 256);
});

test('signed ranks of many: the normal tail is the exact one', () => {
  const n = 60;
  for (const shift of [0.1, 0.3, 0.5]) {
    const values = noise(3, n).map((value) => value + shift);
    const sizes = values.map(Math.abs).sort((a, b) => a - b);
    let above = 0;
    for (const value of values) if (value > 0) above += sizes.indexOf(value) + 1;
    const least = Math.min(above, (n * (n + 1)) / 2 - above);
    // Parts of all patterns of signs, by the sum of the ranks above 0.
    let parts = [1];
    for (let rank = 1; rank <= n; rank++) {
      const next = new Array<number>(parts.length + rank).fill(0);
      parts.forEach((part, sum) => {
        next[sum]! += part / 2;
        next[sum + rank]! += part / 2;
      });
      parts = next;
    }
    const exact = parts.slice(0, least + 1).reduce((a, b) => a + b, 0);
    // Ranks have lighter tails than the normal distribution: by its fourth moment, up to 0.003 here.
    near(signedRankTest(values), Math.min(1, 2 * exact), 0.004);
  }
});

test('signed ranks: every pattern of signs, counted', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -4, max: 4 }), { maxLength: 9 }), (differences) => {
      const sizes = differences.filter((one) => one !== 0).map(Math.abs);
      if (sizes.length === 0) return;
      const sorted = sizes.toSorted((a, b) => a - b);
      const rank = (size: number): number =>
        (sorted.indexOf(size) + sorted.lastIndexOf(size)) / 2 + 1;
      const sum = (signs: readonly number[]): number =>
        sizes.reduce((total, size, i) => total + (signs[i]! > 0 ? rank(size) : 0), 0);
      const all = sizes.reduce((total, size) => total + rank(size), 0);
      const seen = sum(differences.filter((one) => one !== 0).map(Math.sign));
      const least = Math.min(seen, all - seen);
      let count = 0;
      for (let mask = 0; mask < 1 << sizes.length; mask++) {
        if (sum(sizes.map((_, i) => (mask >> i) & 1)) <= least) count++;
      }
      near(signedRankTest(differences), Math.min(1, (2 * count) / 2 ** sizes.length), 1e-12);
    }),
  );
});

test('many questions at once: Holm', () => {
  assert.deepEqual(holm([]), []);
  assert.deepEqual(
    holm([0.01, 0.04, 0.03]).map((p) => Number(p.toFixed(10))),
    [0.03, 0.06, 0.06],
  );
  assert.deepEqual(holm([1, 0.5]), [1, 1]);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }), (ps) => {
      const raised = holm(ps);
      raised.forEach((p, i) => {
        assert.ok(p >= ps[i]! && p <= 1);
      });
      const order = [...ps.keys()].sort((a, b) => ps[a]! - ps[b]!);
      for (let k = 1; k < order.length; k++) {
        assert.ok(raised[order[k]!]! >= raised[order[k - 1]!]!);
      }
    }),
  );
});

test('of ten questions without an answer, one in twenty runs calls any of them sure', () => {
  const wrong = share(2_000, (seed) => {
    const prng = new Prng(seed * 6_151);
    const ps = Array.from({ length: 10 }, () => {
      return meanTest(
        Array.from({ length: 6 }, () => normal(prng)),
        0.05,
      )!.p;
    });
    return Math.min(...holm(ps)) <= 0.05;
  });
  assert.ok(wrong > 0.03 && wrong < 0.07, `${wrong}`);
});
