import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addSample,
  type Block,
  decodeBlock,
  emptyBlock,
  encodeBlock,
  overlay,
  pointOf,
  setPoint,
  summary,
} from '../../src/store/history-block.ts';

const finite = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1, 0.5, 4096, 8 * 1024 ** 3),
);
const blocks = (slots: number): fc.Arbitrary<Block> =>
  fc.array(fc.tuple(fc.nat(slots - 1), finite), { minLength: 1, maxLength: 150 }).map((samples) => {
    const block = emptyBlock(slots);
    for (const [slot, value] of samples) addSample(block, slot, value);
    return block;
  });

test('a block is the same after it was bytes', () => {
  const any = fc.constantFrom(1, 24, 60).chain((slots) => blocks(slots));
  fc.assert(
    fc.property(any, (block) => {
      assert.deepEqual(decodeBlock(encodeBlock(block).slice(), block.length / 5), block);
    }),
    { numRuns: 500 },
  );
});

test('bytes that are no block are refused, and never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const block = decodeBlock(bytes, 60);
      assert.ok(block === undefined || block.length === 300);
    }),
    { numRuns: 2000 },
  );
  const block = emptyBlock(60);
  for (let i = 0; i < 60; i++) addSample(block, i, Math.sqrt(i));
  const bytes = encodeBlock(block).slice();
  for (let end = 0; end < bytes.length; end++) {
    assert.equal(decodeBlock(bytes.subarray(0, end), 60), undefined, `cut after ${end}`);
  }
});

test('what does not change costs next to nothing', () => {
  const steady = emptyBlock(60);
  for (let i = 0; i < 60; i++) addSample(steady, i, 0.123456789);
  assert.ok(encodeBlock(steady).length <= 16);
});

test('a sum of points is that of their samples, and overlaying twice is overlaying once', () => {
  const samples = fc.array(finite, { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(samples, blocks(60), blocks(60), (measured, older, newer) => {
      const values = measured.map((value) => value + 0);
      const block = emptyBlock(60);
      for (const [i, value] of values.entries()) addSample(block, i, value);
      const { min, max, mean, last, count } = pointOf(summary(block));
      assert.deepEqual([count, last], [values.length, values.at(-1)]);
      assert.equal(min, Math.min(...values));
      assert.equal(max, Math.max(...values));
      assert.ok(mean >= min && mean <= max);
      const once = overlay(older, newer);
      assert.deepEqual(overlay(once, newer), once);
    }),
  );
  const block = emptyBlock(2);
  setPoint(block, 1, Float64Array.of(3, 1, 5, 9, 2));
  assert.deepEqual(pointOf(block, 1), { min: 1, max: 5, mean: 3, last: 2, count: 3 });
});
