import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAmount } from '../../../src/simulation/traces/amount.ts';

const cases: readonly (readonly [written: unknown, perUnit: number, want: number | undefined])[] = [
  ['2.007', 1000, 2_007],
  ['9m', 1000, 9],
  ['1688849860263937', 1, 1_688_849_860_263_937],
  [0.29, 1000, 290],
  ['500m', 1000, 500],
  ['0.5m', 1000, 1],
  ['100n', 1000, 1],
  [2, 1000, 2_000],
  ['1e3', 1, 1_000],
  ['64Gi', 1, 64 * 2 ** 30],
  ['1.5Ti', 1, 1.5 * 2 ** 40],
  ['16GB', 1, 16e9],
  ['16k', 1, 16_000],
  ['.5', 1000, 500],
  ['128Ei', 1, undefined],
  ['-1', 1, undefined],
  ['', 1, undefined],
  ['1X', 1, undefined],
  ['1mi', 1, undefined],
  [Number.NaN, 1, undefined],
  [Number.POSITIVE_INFINITY, 1, undefined],
  [null, 1, undefined],
  [{}, 1, undefined],
  ['9'.repeat(100), 1, undefined],
];
for (const [written, perUnit, want] of cases) {
  test(`an amount: ${JSON.stringify(written)?.slice(0, 30)} of ${perUnit}`, () =>
    assert.equal(readAmount(written, perUnit), want));
}
