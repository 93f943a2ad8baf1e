import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { trendOf } from '../../src/analysis/trend.ts';
import { Prng } from '../../src/base/prng.ts';

const MINUTE = 60_000;
const series = (values: readonly number[], stepMs = MINUTE) =>
  values.map((v, i) => ({ at: i * stepMs, min: v, max: v, mean: v, last: v, count: 1 }));
const near = (a: number, b: number, within = 1e-9): boolean => Math.abs(a - b) <= within;

const cases: Record<string, { values: readonly number[]; want: string; slope?: number }> = {
  'a straight line rises': {
    values: Array.from({ length: 60 }, (_, i) => i),
    want: 'rising',
    slope: 60,
  },
  'and falls': {
    values: Array.from({ length: 60 }, (_, i) => -i / 2),
    want: 'falling',
    slope: -30,
  },
  'what never changes is steady': { values: new Array(60).fill(5), want: 'steady', slope: 0 },
  'one outlier is no trend': { values: [...new Array(59).fill(5), 1e9], want: 'steady', slope: 0 },
  'nor does it hide one': {
    values: Array.from({ length: 60 }, (_, i) => (i === 3 ? 1e9 : i)),
    want: 'rising',
  },
  'a wave is steady': {
    values: Array.from({ length: 60 }, (_, i) => Math.sin(i / 3)),
    want: 'steady',
  },
  'seven points tell nothing': { values: [1, 2, 3, 4, 5, 6, 7], want: 'unknown' },
};
for (const [sentence, { values, want, slope }] of Object.entries(cases)) {
  test(`trend: ${sentence}`, () => {
    const trend = trendOf(series(values))!;
    assert.equal(trend.direction, want, JSON.stringify(trend));
    if (slope !== undefined) assert.ok(near(trend.slopePerHour!, slope), `${trend.slopePerHour}`);
  });
}

test('averages weigh how often was measured; peak and trough are of samples', () => {
  const trend = trendOf([
    { at: 0, min: -1, max: 9, mean: 2, last: 2, count: 3 },
    { at: 1, min: 5, max: 7, mean: 6, last: 6, count: 1 },
  ])!;
  assert.deepEqual([trend.average, trend.peak, trend.trough], [3, 9, -1]);
  assert.ok(near(trend.volatility!, Math.sqrt((3 * 1 + 9) / 4) / 3));
  assert.equal(trendOf(series([1, -1]))!.volatility, undefined);
  assert.equal(trendOf([]), undefined);
});

test('turning a series around in value or time turns its trend', () => {
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 8, maxLength: 60 });
  const opposite = { rising: 'falling', falling: 'rising', steady: 'steady', unknown: 'unknown' };
  fc.assert(
    fc.property(values, (values) => {
      const { direction, slopePerHour } = trendOf(series(values))!;
      const mirrored = trendOf(series(values.map((v) => -v)))!;
      assert.equal(mirrored.direction, opposite[direction]);
      assert.ok(near(mirrored.slopePerHour!, -slopePerHour!, 1e-6));
      assert.equal(trendOf(series(values.toReversed()))!.direction, opposite[direction]);
    }),
  );
});

/** Two hours of noise in which each minute is like the one before, and slowly rises by `drift` a minute. */
function noise(random: Prng, likeness: number, drift = 0): readonly number[] {
  let before = 0;
  return Array.from({ length: 120 }, (_, i) => {
    const fresh = Array.from({ length: 12 }, () => random.next() / 2 ** 32 - 0.5);
    before = likeness * before + fresh.reduce((a, b) => a + b, 0);
    return before + drift * i;
  });
}

test('noise that remembers is seldom called a trend, and a trend in it is found', () => {
  const random = new Prng(42);
  const share = (likeness: number, drift: number): number => {
    const runs = Array.from(
      { length: 400 },
      () => trendOf(series(noise(random, likeness, drift)))!,
    );
    return (
      runs.filter(({ direction }) => direction === 'rising' || direction === 'falling').length / 400
    );
  };
  assert.ok(share(0, 0) <= 0.08, 'without memory');
  assert.ok(share(0.5, 0) <= 0.1, 'with some');
  assert.ok(share(0.5, 0.05) >= 0.9, 'a trend of six deviations in two hours');
});

/** As reports ask for it. */
const sure = { chanceMax: 0.01, changeMin: 0.05 };
const HOUR = 3_600_000;
const hours = (values: readonly number[]) => series(values, HOUR);

test('a line rises by its slope, and noise around it changes the direction of nothing', () => {
  const jitter = (i: number): number => ((i * 7_919) % 13) / 100;
  const rising = Array.from({ length: 96 }, (_, i) => 0.2 + i * 0.005 + jitter(i));
  const found = trendOf(hours(rising), sure)!;
  assert.equal(found.direction, 'rising');
  assert.ok(near(found.slopePerHour! * 24, 0.12, 0.005), String(found.slopePerHour));
  const falling = rising.map((value) => 1 - value);
  assert.equal(trendOf(hours(falling), sure)!.direction, 'falling');
});

test('what goes up and down again, and what changes little, is steady; few points prove nothing', () => {
  const wave = hours(Array.from({ length: 96 }, (_, i) => 0.5 + 0.3 * Math.sin(i / 4)));
  assert.equal(trendOf(wave, sure)!.direction, 'steady');
  const slow = hours(Array.from({ length: 96 }, (_, i) => 1 + i * 0.0001));
  assert.equal(trendOf(slow, sure)!.direction, 'steady');
  assert.equal(trendOf(slow)!.direction, 'rising', 'of no other rule');
  assert.equal(trendOf(hours([1, 2, 3, 4]), sure)!.direction, 'unknown');
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
    const points = hours(Array.from({ length: 96 }, () => 10 + draw()));
    if (trendOf(points, { ...sure, changeMin: 0 })!.direction !== 'steady') told++;
  }
  assert.ok(told <= 4, `${told} of ${rounds}`);
});
