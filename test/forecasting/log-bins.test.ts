import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BINS_PER_OCTAVE,
  binPosition,
  binValue,
  LogHistogram,
} from '../../src/forecasting/log-bins.ts';

const spreadOf = (histogram: LogHistogram, shift = 0): [bin: number, share: number][] => {
  const bins = new Float64Array(100);
  histogram.spread(bins, 1, shift);
  return [...bins.entries()].filter(([, share]) => share > 0);
};

test('a value lies between its bin and the next', () => {
  for (const value of [1, 3, 1_000, 123_456.7]) {
    const bin = Math.floor(binPosition(value));
    assert.ok(binValue(bin) <= value * (1 + 1e-12) && value < binValue(bin + 1), `${value}`);
  }
  assert.equal(binPosition(2), BINS_PER_OCTAVE);
});

test('shares are moved by whole bins and divided between two by the rest; what lies outside is at the end', () => {
  const histogram = new LogHistogram(0, 100, 1_000);
  for (const value of [2.01, 2.01, 2.01, 4.01]) histogram.add(value);
  assert.deepEqual(spreadOf(histogram), [
    [8, 0.75],
    [16, 0.25],
  ]);
  assert.deepEqual(spreadOf(histogram, 3), [
    [11, 0.75],
    [19, 0.25],
  ]);
  assert.deepEqual(spreadOf(histogram, -0.5), [
    [7, 0.375],
    [8, 0.375],
    [15, 0.125],
    [16, 0.125],
  ]);
  assert.deepEqual(spreadOf(histogram, 90), [
    [98, 0.75],
    [99, 0.25],
  ]);
});

test('what is seen at exactly 1 is counted apart', () => {
  const histogram = new LogHistogram(-10, 100, 1_000);
  for (const value of [1, 1.004, 0.996, 1.02]) histogram.add(value);
  assert.deepEqual([histogram.total, histogram.exact], [4, 3]);
});

test('the older counts the less, and never more than the bound together', () => {
  const histogram = new LogHistogram(0, 100, 50);
  for (let i = 0; i < 10_000; i++) histogram.add(2.01);
  for (let i = 0; i < 75; i++) histogram.add(4.01);
  assert.ok(histogram.total <= 50);
  const [, newer] = spreadOf(histogram);
  assert.ok(newer![1] > 0.75, `${newer![1]} of it is new`);
});
