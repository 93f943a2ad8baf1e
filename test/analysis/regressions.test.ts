import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Layer, layerMetrics, layers, loadMetrics } from '../../src/analysis/layers.ts';
import { levelChange } from '../../src/analysis/level-change.ts';
import { findRegressions } from '../../src/analysis/regressions.ts';
import { laggedCorrelation, withoutDays, withoutLoad } from '../../src/analysis/series.ts';
import { changePoints } from '../../src/analysis/statistics/change-points.ts';
import { families } from '../../src/telemetry/families.ts';
import { historyName } from '../../src/telemetry/metric.ts';
import { noise } from '../builders/series.ts';
import { begin, slowMonth } from '../builders/slow-month.ts';

const DAY = 86_400_000;

test('what tells of a layer is measured, and each layer has something', () => {
  const kept = new Set(families.map(historyName));
  const asked = [...layerMetrics.flatMap(({ name, per }) => [name, per ?? name]), ...loadMetrics];
  assert.deepEqual(
    asked.filter((name) => !kept.has(name)),
    [],
  );
  assert.deepEqual([...new Set(layerMetrics.map(({ layer }) => layer))].sort(), [...layers].sort());
});

test('a month of + 40 % is one trend, where steps alone would be many', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const values = noise(seed, 160, 0.4).map((x, i) => 100 + (40 * i) / 160 + 3 * x);
    assert.ok(changePoints(values).length >= 2, 'a step detector cuts it into pieces');
    const found = levelChange(values, { matters: 5 });
    assert.equal(found?.kind, 'trend');
    assert.ok(Math.abs(found.before - 100) < 5 && Math.abs(found.after - 140) < 5);
  }
});

const shapes: Record<
  string,
  { level: (i: number) => number; kind: string | undefined; index?: number }
> = {
  'nothing changes': { level: () => 100, kind: undefined },
  'a step': { level: (i) => (i < 80 ? 100 : 120), kind: 'step', index: 80 },
  'a step down': { level: (i) => (i < 40 ? 100 : 70), kind: 'step', index: 40 },
  'level, then a slope': {
    level: (i) => 100 + Math.max(0, i - 60) * 0.5,
    kind: 'trend',
    index: 60,
  },
  'it came back': { level: (i) => (i > 60 && i < 100 ? 150 : 100), kind: undefined },
  'just now': { level: (i) => (i < 156 ? 100 : 150), kind: 'fresh', index: 156 },
  'less than matters': { level: (i) => (i < 80 ? 100 : 102), kind: undefined },
};
for (const [name, { level, kind, index }] of Object.entries(shapes)) {
  test(`how a level changes: ${name}`, () => {
    let right = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const values = noise(seed, 160, 0.3).map((x, i) => level(i) + 3 * x + (i === 20 ? 900 : 0));
      const found = levelChange(values, { matters: 5 });
      const isThere = index === undefined || Math.abs((found?.index ?? -99) - index) <= 8;
      if (found?.kind === kind && isThere) right++;
    }
    assert.ok(right >= 19, `${right} of 20`);
  });
}

test('gaps do not matter', () => {
  const full = noise(4, 200).map((x, i) => (i < 100 ? 10 : 14) + 0.3 * x);
  const gappy = full.filter((_, i) => i % 7 !== 0 && (i < 120 || i > 135));
  assert.equal(levelChange(gappy, { matters: 1 })?.kind, 'step');
});

test('the rhythm of the day is taken out, and a drift stays', () => {
  const at = Array.from({ length: 10 * 24 }, (_, i) => begin + i * 3_600_000);
  const values = at.map((_, i) => 50 + 20 * Math.sin((2 * Math.PI * i) / 24) + i / 24);
  const rest = withoutDays({ at, values });
  const middle = rest.slice(24, -24).map((x, i) => x - (50 + (i + 24) / 24));
  assert.ok(Math.max(...middle.map(Math.abs)) < 1.5, 'of an amplitude of 20');
});

test('what more load explains is taken out, and what it does not explain stays', () => {
  const at = Array.from({ length: 200 }, (_, i) => i);
  const work = noise(2, 200).map((x, i) => (i < 100 ? 10 : 15) + x);
  const own = noise(3, 200);
  const hot = work.map((x, i) => 40 + 2 * x + 0.3 * own[i]!);
  const rest = withoutLoad({ at, values: hot }, { at, values: work });
  assert.equal(levelChange(rest.values, { matters: 2 }), undefined);
  assert.equal(levelChange(hot, { matters: 2 })?.kind, 'step');
  const broken = hot.map((x, i) => (i < 100 ? x : x + 8));
  const left = withoutLoad({ at, values: broken }, { at, values: work });
  assert.ok(Math.abs((levelChange(left.values, { matters: 2 })?.after ?? 0) - 68) < 2);
});

test('an effect that comes later is found as much later', () => {
  const cause = noise(6, 120, 0.5);
  const effect = cause.map((_, i) => 3 * (cause[i - 7] ?? 0));
  const { value, lag } = laggedCorrelation(cause, effect, 20);
  assert.equal(lag, 7);
  assert.ok(value > 0.98);
});

const SEEDS = Number(process.env['REGRESSION_SEEDS'] ?? 4);

function diagnose(seed: number, cause: Layer) {
  const month = slowMonth(seed, cause);
  const found = findRegressions(month.history, month.options);
  const slow = found.find(({ id }) => id === 'regression/attempt_duration');
  const named = slow?.evidence.flatMap(({ name }) => /^layer (.*)/.exec(name)?.[1] ?? []) ?? [];
  return { month, slow, named };
}

test('the slow month of seed 003: the layer at fault is named', (t) => {
  const runs = layers.flatMap((cause) =>
    Array.from({ length: SEEDS }, (_, i) => ({ cause, ...diagnose(i + 1, cause) })),
  );
  const share = (is: (run: (typeof runs)[number]) => boolean): number =>
    runs.filter(is).length / runs.length;
  const rates = {
    noticed: share(({ slow }) => slow !== undefined),
    first: share(({ cause, named }) => named[0] === cause),
    listed: share(({ cause, named }) => named.some((layer) => layer === cause)),
    began: share(({ slow, month }) => Math.abs((slow?.since ?? 0) - month.onset) < 3 * DAY),
  };
  t.diagnostic(`${runs.length} months: ${JSON.stringify(rates)}`);
  assert.ok(rates.noticed >= 0.98, JSON.stringify(rates));
  assert.ok(rates.first >= 0.8, JSON.stringify(rates));
  assert.ok(rates.listed >= 0.92, JSON.stringify(rates));
  assert.ok(rates.began >= 0.9, JSON.stringify(rates));
  for (const { slow } of runs) assert.ok(slow === undefined || slow.remedies.length > 0);
});

test('a month in which nothing is wrong: nothing is found', (t) => {
  const loud = Array.from({ length: 100 }, (_, i) => slowMonth(i + 1, undefined)).filter(
    ({ history, options }) => findRegressions(history, options).length > 0,
  );
  t.diagnostic(`${loud.length} of 100 quiet months are not found quiet`);
  assert.ok(loud.length <= 5, String(loud.length));
});

test('without anything that became slow, layers tell of themselves', () => {
  const { history, options } = slowMonth(3, 'storage');
  const found = findRegressions(history, { ...options, symptoms: [] });
  const storage = found.find(({ id }) => id === 'regression/storage');
  assert.equal(storage?.resource, 'io');
  assert.match(storage?.sentence ?? '', /time of a read.*nothing is known to be slower/s);
  assert.deepEqual(findRegressions(history, { ...options, symptoms: [] }), found, 'the same again');
});
