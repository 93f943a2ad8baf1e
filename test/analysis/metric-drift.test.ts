import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driftOf, toldDrifts } from '../../src/analysis/metric-drift.ts';
import { toItsEnd } from '../../src/analysis/regressions.ts';
import { timeMs } from '../../src/base/units.ts';
import { ArrayHistory } from '../builders/metric-history.ts';
import { noise } from '../builders/series.ts';

const HOUR = 3_600_000;
const begin = Date.parse('2026-03-01T00:00:00Z');
const HOURS = 400;
const at = Array.from({ length: HOURS }, (_, i) => begin + i * HOUR);
const window = {
  from: timeMs(begin),
  since: timeMs(begin + 300 * HOUR),
  to: timeMs(begin + HOURS * HOUR),
};
const asked = { ...window, name: 'model_accuracy', labels: {}, unit: 'ratio' } as const;

const kept = (values: readonly number[], name = 'model_accuracy', labels = {}) => ({
  name,
  labels,
  at: at.slice(0, values.length),
  values,
});
const drift = (values: readonly number[]) => driftOf(new ArrayHistory([kept(values)]), asked);
/** Standard noise; with a memory, of the same spread. */
const values = (seed: number, memory = 0): readonly number[] => noise(seed, HOURS, memory);
const accuracy = (seed: number, shift: (i: number) => number): readonly number[] =>
  values(seed).map((x, i) => 0.9 + 0.01 * x - shift(i));

test('what stays as it was does not drift, also where neighbours resemble each other', (t) => {
  for (const memory of [0, 0.6, 0.9]) {
    const told = Array.from({ length: 200 }, (_, i) => drift(values(i + 1, memory))).filter(
      ({ verdict }) => verdict === 'drift',
    );
    t.diagnostic(`memory ${memory}: ${told.length} of 200`);
    assert.ok(told.length <= 8, `${told.length} of 200 with memory ${memory}`);
  }
});

test('a model that became worse is told, with both medians', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const found = drift(accuracy(seed, (i) => (i >= 300 ? 0.02 : 0)));
    assert.equal(found.verdict, 'drift', `seed ${seed}`);
    assert.match(
      found.sentence,
      /^model_accuracy is distributed differently than before: median (89\.\d|90(\.\d)?) % before, 8[78](\.\d)? % after; KS 0\.\d+ \(p < 0\.001\), PSI/,
    );
    assert.ok(found.ks!.value > 0.5 && found.psi!.value > 0.25);
  }
});

test('a spread that grew is a drift, too, though the median stays', () => {
  const found = drift(values(3).map((x, i) => 0.9 + (i >= 300 ? 0.05 : 0.01) * x));
  assert.equal(found.verdict, 'drift');
  assert.ok(Math.abs(found.before.median! - found.after.median!) < 0.02);
});

test('too few points say nothing, and how few there are is said', () => {
  const found = driftOf(new ArrayHistory([kept(values(1).slice(0, 310))]), asked);
  assert.equal(found.verdict, 'unknown');
  assert.equal(found.ks, undefined);
  assert.match(found.sentence, /too little is known: 300 before and 10 after, of 20 points/);
  assert.equal(driftOf(new ArrayHistory([]), asked).verdict, 'unknown');
});

test('a value that repeats itself for long is not many points', () => {
  const held = values(5).map((_, i) => 0.9 + 0.01 * (Math.floor(i / 50) % 3));
  assert.notEqual(drift(held).verdict, 'drift');
});

test('what tasks tell is looked at by itself, for whoever may see it', () => {
  const worse = accuracy(1, (i) => (i >= 300 ? 0.05 : 0));
  const history = new ArrayHistory([
    kept(worse, 'model_accuracy', { tenant: 'ada' }),
    kept(values(2), 'loss', { tenant: 'ben' }),
    kept(worse, 'berth_node_cpu_busy_ratio'),
  ]);
  const found = (only?: string) =>
    toItsEnd(toldDrifts(history, { ...window, ...(only !== undefined && { only }) }));
  assert.deepEqual(
    found().map(({ id, kind }) => [id, kind]),
    [['drift/model_accuracy', 'distribution-drift']],
  );
  assert.deepEqual(found('ada').length, 1);
  assert.deepEqual(found('ben'), []);
  assert.ok(found()[0]!.remedies.length > 0);
});
