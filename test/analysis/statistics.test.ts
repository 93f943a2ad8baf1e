import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bestCut, changePoints } from '../../src/analysis/statistics/change-points.ts';
import { Cusum } from '../../src/analysis/statistics/cusum.ts';
import {
  categoryStability,
  kolmogorovSmirnov,
  populationStability,
} from '../../src/analysis/statistics/distribution-drift.ts';
import { trendOf } from '../../src/analysis/statistics/trend.ts';
import { Prng } from '../../src/base/prng.ts';
import { chiSquareTail, logGamma } from '../../src/statistics/chi-square.ts';
import {
  hypergeometricTail,
  kolmogorovTail,
  normalTail,
} from '../../src/statistics/distributions.ts';
import { withoutSpikes } from '../../src/statistics/robust.ts';
import { congruential, nabSeries, noise, normal } from '../builders/series.ts';

const near = (found: number | undefined, want: number, relative: number): void =>
  assert.ok(
    found !== undefined && Math.abs(found - want) <= relative * Math.abs(want),
    `${found} is not ${want}`,
  );

// Golden values: scipy 1.x (norm.sf, kstwobign.sf, hypergeom.sf, chi2.sf, gammaln), 22 November 2026.
const tails: Record<string, { found: number; want: number; relative: number }> = {
  'normal −1': { found: normalTail(-1), want: 0.8413447460685429, relative: 2e-7 },
  'normal 1.96': { found: normalTail(1.96), want: 0.024997895148220435, relative: 2e-7 },
  'normal 8': { found: normalTail(8), want: 6.22096057427174e-16, relative: 2e-6 },
  'Kolmogorov 0.5': { found: kolmogorovTail(0.5), want: 0.9639452436648751, relative: 1e-9 },
  'Kolmogorov 0.9': { found: kolmogorovTail(0.9), want: 0.3927307079406543, relative: 1e-9 },
  'Kolmogorov 1.2': { found: kolmogorovTail(1.2), want: 0.11224966667072497, relative: 1e-9 },
  'Kolmogorov 1.63': { found: kolmogorovTail(1.63), want: 0.009846364888486529, relative: 1e-9 },
  'χ² 3.84, 1': { found: chiSquareTail(3.84, 1), want: 0.05004352124870519, relative: 1e-9 },
  'χ² 40, 9': { found: chiSquareTail(40, 9), want: 7.598525229464264e-6, relative: 1e-9 },
  'χ² 2, 9': { found: chiSquareTail(2, 9), want: 0.9914676066288135, relative: 1e-9 },
  'χ² 250, 2': { found: chiSquareTail(250, 2), want: Math.exp(-125), relative: 1e-9 },
  'ln Γ(10.1)': { found: logGamma(10.1), want: 13.027526738633238, relative: 1e-12 },
  'ln Γ(500)': { found: logGamma(500), want: 2605.115850361734, relative: 1e-12 },
  'hypergeometric 5 of 10 in 100': {
    found: hypergeometricTail({ population: 100, marked: 10, drawn: 10, found: 5 }),
    want: 0.0006716277482650502,
    relative: 1e-9,
  },
  'hypergeometric, all of 8 in 500': {
    found: hypergeometricTail({ population: 500, marked: 8, drawn: 50, found: 8 }),
    want: 5.862456485067879e-9,
    relative: 1e-9,
  },
  'hypergeometric, everything is marked': {
    found: hypergeometricTail({ population: 20, marked: 20, drawn: 5, found: 5 }),
    want: 1,
    relative: 1e-9,
  },
};
for (const [name, { found, want, relative }] of Object.entries(tails)) {
  test(`probability: ${name}`, () => near(found, want, relative));
}

/** The definition, pair by pair. */
function slowCut(values: readonly number[], side: number): { index: number; energy: number } {
  const among = (xs: readonly number[], ys: readonly number[]): number =>
    xs.reduce((sum, x) => sum + ys.reduce((inner, y) => inner + Math.abs(x - y), 0), 0);
  let best = { index: 0, energy: Number.NEGATIVE_INFINITY };
  for (let m = side; m <= values.length - side; m++) {
    const xs = values.slice(0, m);
    const ys = values.slice(m);
    const k = ys.length;
    const distance =
      (2 * among(xs, ys)) / (m * k) - among(xs, xs) / (m * (m - 1)) - among(ys, ys) / (k * (k - 1));
    const energy = ((m * k) / (m + k)) * distance;
    if (energy > best.energy + 1e-9) best = { index: m, energy };
  }
  return best;
}

test('the best cut is the one of the definition', () => {
  const value = fc.oneof(
    fc.integer({ min: -5, max: 5 }),
    fc.double({ min: -1e3, max: 1e3, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(value, { minLength: 6, maxLength: 40 }), (values) => {
      const fast = bestCut(values, 3);
      const slow = slowCut(values, 3);
      assert.ok(fast !== undefined);
      assert.ok(Math.abs(fast.energy - slow.energy) <= 1e-6 * (1 + Math.abs(slow.energy)));
    }),
  );
  const step = [...noise(1, 40), ...noise(2, 25).map((x) => x + 4)];
  assert.equal(bestCut(step, 5)?.index, slowCut(step, 5).index);
});

test('changes of level are found where they are', () => {
  const levels = [100, 120, 120, 90];
  const values = noise(7, 400).map((x, i) => levels[Math.floor(i / 100)]! + 3 * x);
  const found = changePoints(values);
  assert.deepEqual(
    found.map(({ index }) => [100, 300].find((at) => Math.abs(at - index) <= 2)),
    [100, 300],
  );
  assert.ok(Math.abs(found[1]!.before - 120) < 1 && Math.abs(found[1]!.after - 90) < 1);
  assert.deepEqual(changePoints(values), found, 'the same again');
});

test('what is small, short or a spike is no change', () => {
  const cases: Record<string, (i: number) => number> = {
    'three per cent': (i) => (i < 100 ? 100 : 103),
    'three points': (i) => (i >= 100 && i < 103 ? 150 : 100),
    'one spike': (i) => (i === 60 ? 10_000 : 100),
  };
  for (const [name, level] of Object.entries(cases)) {
    const values = noise(3, 200).map((x, i) => level(i) + 0.5 * x);
    assert.deepEqual(changePoints(values), [], name);
  }
});

test('changes are rare in noise, also where it has a memory (correlations 0 to 0.8)', () => {
  const rates = [0, 0.3, 0.5, 0.8].map((rho) => {
    let wrong = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const values = noise(seed, 150, rho).map((x) => 100 + 20 * x);
      if (changePoints(values).length > 0) wrong++;
    }
    return wrong / 200;
  });
  assert.ok(rates.every((rate) => rate <= 0.07) && rates[0]! <= 0.02, String(rates));
});

const nab: Record<string, { readonly hours: readonly number[] }> = {
  // labels/combined_labels.json of NAB: 2014-02-25 07:15; the other label of it is no change of level.
  rds_cpu_utilization_cc0c53: { hours: [257] },
  // 2014-02-19 00:22 and 2014-02-24 18:37.
  ec2_cpu_utilization_5f5533: { hours: [106, 244] },
  // Spikes only.
  elb_request_count_8c0756: { hours: [] },
};
for (const [name, { hours }] of Object.entries(nab)) {
  const raw = nabSeries(name);
  test(`Numenta's benchmark: ${name}`, { skip: raw === undefined && 'no data' }, () => {
    const means = Array.from({ length: Math.floor(raw!.length / 24) }, (_, i) => {
      const part = raw!.slice(i * 24, (i + 1) * 24);
      return part.reduce((a, b) => a + b, 0) / part.length;
    });
    const found = changePoints(means, { persistence: 6 }).map(({ index }) => index * 2);
    assert.equal(found.length, hours.length, String(found));
    hours.forEach((hour, i) => {
      assert.ok(Math.abs(found[i]! - hour) <= 6, `${found[i]} is not ${hour}`);
    });
  });
}

test('a trend: Mann–Kendall and Theil–Sen as pymannkendall and scipy have them', () => {
  const values = congruential(40).map((u, i) => Math.round((u + 0.01 * i) * 10) / 10);
  const found = trendOf(values, { memory: 1 });
  near(found?.p, 0.00017717780320536392, 1e-6);
  near(found?.tau, 0.4115384615384615, 1e-12);
  near(found?.slope, 0.016666666666666666, 1e-9);
  near(found?.first, 0.425, 1e-9);
  assert.equal(trendOf([1, 1, 1, 1, 1])?.p, 1);
});

test('a trend is that of a worked example, whatever its moments are', () => {
  // 1 … 10 rising: S = 45, variance 10·9·25/18 = 125, without any resemblance left: z = 44/√125.
  const line = Array.from({ length: 10 }, (_, i) => 1 + 0.1 * i);
  const at = line.map((_, i) => 1_700_000_000_000 + 3_600_000 * i);
  const found = trendOf(line, { at });
  near(found?.p, 2 * normalTail(44 / Math.sqrt(125)), 1e-9);
  near(found?.slope, 0.1 / 3_600_000, 1e-9);
  near(found?.first, 1, 1e-6);
  near(found?.last, 1.9, 1e-6);
  // Slopes are of moments, not of places in the row.
  const gaps = [0, 1, 2, 10, 11, 12, 13, 40, 41];
  near(
    trendOf(
      gaps.map((moment) => 3 * moment),
      { at: gaps },
    )?.slope,
    3,
    1e-9,
  );
});

test('the slope does not mind a third of outliers', () => {
  const values = Array.from({ length: 30 }, (_, i) => (i % 4 === 0 ? 1_000 : i));
  assert.ok(Math.abs(trendOf(values)!.slope - 1) < 0.6);
});

test('the interval of a slope holds it about nine times in ten, also where noise has a memory', (t) => {
  for (const rho of [0, 0.6]) {
    const runs = 400;
    let held = 0;
    for (let seed = 1; seed <= runs; seed++) {
      const found = trendOf(noise(seed, 60, rho).map((x, i) => x - 0.05 * i))!;
      assert.ok(found.slopeLow <= found.slope && found.slope <= found.slopeHigh);
      if (found.slopeLow <= -0.05 && -0.05 <= found.slopeHigh) held++;
    }
    t.diagnostic(`memory ${rho}: ${held} of ${runs}`);
    assert.ok(held / runs >= 0.86 && held / runs <= 0.97, `${rho}: ${held} of ${runs}`);
  }
});

test('noise with a memory is seldom a trend', () => {
  for (const rho of [0, 0.6]) {
    let wrong = 0;
    for (let seed = 1; seed <= 300; seed++) {
      if ((trendOf(noise(seed, 120, rho))?.p ?? 1) < 0.01) wrong++;
    }
    assert.ok(wrong / 300 <= 0.03, `${rho}: ${wrong}`);
  }
});

test('CUSUM: run lengths as Montgomery tabulates them (slack ½, limit 5)', () => {
  const runLength = (shift: number): number => {
    const prng = new Prng(5);
    let points = 0;
    const runs = 400;
    for (let run = 0; run < runs; run++) {
      const cusum = new Cusum({ level: 0, sigma: 1 });
      do points++;
      while (cusum.push(normal(prng) + shift) === undefined);
    }
    return points / runs;
  };
  near(runLength(0), 465, 0.12);
  near(runLength(1), 10.4, 0.05);
  near(runLength(2), 4.01, 0.05);
});

test('CUSUM tells where it began', () => {
  const cusum = new Cusum({ level: 10, sigma: 1 });
  const values = noise(11, 80).map((x, i) => 10 + 0.5 * x - (i >= 60 ? 2 : 0));
  const alarms = values.map((value) => cusum.push(value)).filter((alarm) => alarm !== undefined);
  assert.equal(alarms[0]?.direction, 'down');
  assert.ok(Math.abs(alarms[0].since - 60) <= 1, String(alarms[0].since));
});

test('Kolmogorov–Smirnov as scipy has it', () => {
  const all = congruential(60);
  const found = kolmogorovSmirnov(
    all.slice(0, 30),
    all.slice(30).map((x) => x + 0.25),
  );
  near(found?.value, 0.43333333333333335, 1e-12);
  // scipy: 0.00446 by the plain asymptote, 0.00655 exactly.
  near(found?.p, 0.0055, 0.25);
  assert.equal(kolmogorovSmirnov([], [1]), undefined);
  const ties = kolmogorovSmirnov([1, 1, 2, 2], [1, 2, 2, 2]);
  near(ties?.value, 0.25, 1e-12);
});

test('drift tests: rare without drift, certain with it', () => {
  let wrong = { ks: 0, stability: 0 };
  let right = { ks: 0, stability: 0 };
  const seeds = 200;
  for (let seed = 1; seed <= seeds; seed++) {
    const before = noise(seed, 400);
    const same = noise(seed + 10_000, 300);
    const moved = same.map((x) => x * 1.4 + 0.5);
    const seen = (after: readonly number[]) => ({
      ks: Number(kolmogorovSmirnov(before, after)!.p < 0.01),
      stability: Number(populationStability(before, after)!.p < 0.01),
    });
    const quiet = seen(same);
    const loud = seen(moved);
    wrong = { ks: wrong.ks + quiet.ks, stability: wrong.stability + quiet.stability };
    right = { ks: right.ks + loud.ks, stability: right.stability + loud.stability };
  }
  assert.ok(wrong.ks <= 8 && wrong.stability <= 8, JSON.stringify(wrong));
  assert.ok(right.ks >= 190 && right.stability >= 190, JSON.stringify(right));
});

test('the population stability index by hand: half of it moves from one bin to another', () => {
  const found = categoryStability(
    [...Array(50).fill('a'), ...Array(50).fill('b')],
    [...Array(75).fill('a'), ...Array(25).fill('b')],
  );
  near(found?.value, 0.25 * Math.log(1.5) + -0.25 * Math.log(0.5), 1e-12);
  assert.equal(categoryStability(['a'], ['a'])?.p, 1);
  assert.equal(populationStability([5, 5, 5], [5, 5])?.value, 0);
});

test('spikes go, steps and slopes stay', () => {
  const level = [...Array(20).fill(10), ...Array(20).fill(20)];
  const spiky = level.map((x, i) => (i === 7 || i === 30 ? 500 : x));
  assert.deepEqual(withoutSpikes(spiky), level);
  const slope = Array.from({ length: 30 }, (_, i) => i);
  assert.deepEqual(withoutSpikes(slope), slope);
});
