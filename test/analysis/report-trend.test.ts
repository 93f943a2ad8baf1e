import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Samples } from '../../src/analysis/report-book.ts';
import { mannKendall, type Point, theilSen, trendOf } from '../../src/analysis/report-trend.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const series = (values: readonly number[], step = HOUR): Point[] =>
  values.map((value, i) => ({ at: i * step, value }));
const none = { peak: 1, trough: 0 };

test('a line rises by its slope, and noise around it changes the direction of nothing', () => {
  const noise = (i: number): number => ((i * 7_919) % 13) / 100;
  const rising = series(Array.from({ length: 96 }, (_, i) => 0.2 + i * 0.005 + noise(i)));
  const found = trendOf(rising, none)!;
  assert.equal(found.direction, 'rising');
  assert.ok(Math.abs(found.slopePerDay! - 0.12) < 0.005, String(found.slopePerDay));
  const falling = series(rising.map(({ value }) => 1 - value));
  assert.equal(trendOf(falling, none)!.direction, 'falling');
});

test('what goes up and down again, and what changes little, is steady; few points prove nothing', () => {
  const wave = series(Array.from({ length: 96 }, (_, i) => 0.5 + 0.3 * Math.sin(i / 4)));
  assert.equal(trendOf(wave, none)!.direction, 'steady');
  const slow = series(Array.from({ length: 96 }, (_, i) => 1 + i * 0.0001));
  assert.equal(trendOf(slow, none)!.direction, 'steady');
  assert.equal(trendOf(series([1, 2, 3, 4]), none)!.direction, 'unknown');
  assert.equal(trendOf([], none), undefined);
});

test('a walk without aim is told a direction seldom', () => {
  let seed = 7;
  const draw = (): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed / 2 ** 31 - 0.5;
  };
  let told = 0;
  const rounds = 200;
  for (let r = 0; r < rounds; r++) {
    const points = series(Array.from({ length: 96 }, () => 10 + draw()));
    if (trendOf(points, none)!.direction !== 'steady') told++;
  }
  assert.ok(told <= 4, `${told} of ${rounds}`);
});

test('the score of Mann and Kendall is that of a worked example', () => {
  // 1 … 10 rising: S = 45, variance 10·9·25/18 = 125, without any resemblance left: 44/√125.
  const z = mannKendall(series(Array.from({ length: 10 }, (_, i) => i)));
  assert.equal(z.toFixed(4), (44 / Math.sqrt(125)).toFixed(4));
  assert.equal(mannKendall(series([3, 3, 3, 3])), 0);
});

test('the slope of Theil and Sen does not mind a third of outliers', () => {
  const points = series(
    Array.from({ length: 30 }, (_, i) => (i % 4 === 0 ? 1_000 : i)),
    DAY,
  );
  assert.ok(Math.abs(theilSen(points)! * DAY - 1) < 0.6);
  assert.equal(theilSen(series([1])), undefined);
});

test('of any number of samples the quantiles are nearly those of all, and the greatest is exact', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30_000 }),
      fc.integer({ min: 1, max: 9_999 }),
      (n, by) => {
        const samples = new Samples();
        for (let i = 0; i < n; i++) samples.add((i * by) % 10_007);
        assert.equal(samples.count, n);
        const all = Array.from({ length: n }, (_, i) => (i * by) % 10_007).sort((a, b) => a - b);
        assert.equal(samples.max, all.at(-1));
        const { value } = samples.quantile(0.5);
        const rank = all.filter((one) => one <= value!).length / n;
        assert.ok(Math.abs(rank - 0.5) < 0.06 || n < 50, `${rank}`);
      },
    ),
    { numRuns: 40 },
  );
});
