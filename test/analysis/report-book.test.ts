import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Samples } from '../../src/analysis/report-book.ts';

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

test('where two take turns, both are sampled', () => {
  const samples = new Samples();
  for (let i = 0; i < 40_000; i++) samples.add(i % 2 === 0 ? 1 : 1_000);
  assert.deepEqual([samples.quantile(0.4).value, samples.quantile(0.6).value], [1, 1_000]);
});
