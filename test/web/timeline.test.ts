import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packLanes, ticksOf } from '../../web/src/timeline.ts';

test('one after the other share a lane, side by side do not', () => {
  const spans = [
    { from: 0, to: 10 },
    { from: 5, to: 12 },
    { from: 10, to: 20 },
  ];
  assert.deepEqual(packLanes(spans), { lanes: [0, 1, 0], count: 2 });
});

test('spans of one lane never overlap, and there are as many lanes as ran at once', () => {
  const span = fc
    .tuple(fc.nat(100), fc.integer({ min: 1, max: 30 }))
    .map(([from, long]) => ({ from, to: from + long }));
  fc.assert(
    fc.property(fc.array(span, { maxLength: 60 }), (unsorted) => {
      const spans = unsorted.toSorted((a, b) => a.from - b.from);
      const { lanes, count } = packLanes(spans);
      for (const [i, a] of spans.entries()) {
        for (const [j, b] of spans.entries()) {
          if (i < j && lanes[i] === lanes[j]) assert.ok(a.to <= b.from);
        }
      }
      const most = Math.max(
        0,
        ...spans.map((s) => spans.filter((o) => o.from <= s.from && s.from < o.to).length),
      );
      assert.equal(count, most);
    }),
  );
});

test('the lane is the first that is free, whatever the order', () => {
  const span = fc.tuple(fc.nat(100), fc.nat(30)).map(([from, long]) => ({ from, to: from + long }));
  fc.assert(
    fc.property(fc.array(span, { maxLength: 80 }), (spans) => {
      const free: number[] = [];
      const want = spans.map(({ from, to }) => {
        const found = free.findIndex((at) => at <= from);
        const lane = found === -1 ? free.length : found;
        free[lane] = to;
        return lane;
      });
      assert.deepEqual(packLanes(spans), { lanes: want, count: free.length });
    }),
  );
});

const spans: readonly (readonly [number, readonly number[]])[] = [
  [4_500, [0, 1_000, 2_000, 3_000, 4_000]],
  [138_000, [0, 30_000, 60_000, 90_000, 120_000]],
  [3_600_000, [0, 600_000, 1_200_000, 1_800_000, 2_400_000, 3_000_000, 3_600_000]],
];
for (const [span, want] of spans) {
  test(`ticks over ${span} ms are round`, () => assert.deepEqual(ticksOf(span, 6), want));
}

test('however long it takes, there are few ticks', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 12 }), (span) => ticksOf(span, 6).length <= 7 + 1),
  );
});
