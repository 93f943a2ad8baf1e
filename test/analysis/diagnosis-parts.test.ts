import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { freeBytes, parseBuddyinfo, unusableFree } from '../../src/analysis/diagnosis/buddyinfo.ts';
import { congestionOf } from '../../src/analysis/diagnosis/congestion.ts';
import { worstStretch } from '../../src/analysis/diagnosis/window.ts';
import type { SeriesPoint } from '../../src/telemetry/metric.ts';

/** Of the 2-CPU VM that this was written on, 22 November 2026. */
const recorded = `Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3 
Node 0, zone    DMA32      1      3      4      2      5      4      3      4      5      3    751 
Node 0, zone   Normal  68814  54049  26857  11170   4669   1882   1030    529    983   1208   1183 
`;

test('the unusable-free index of a recorded buddyinfo', () => {
  const zones = parseBuddyinfo(recorded);
  assert.deepEqual(
    zones.map(({ numa, zone }) => [numa, zone]),
    [
      [0, 'DMA'],
      [0, 'DMA32'],
      [0, 'Normal'],
    ],
  );
  const [dma, , normal] = zones;
  // 256 + 512 + 3 · 1,024 pages are free; those of order 8 are no use for order 9.
  assert.equal(freeBytes(dma!), 3_840 * 4_096);
  assert.equal(unusableFree(dma!, 9), 256 / 3_840);
  const pages = normal!.blocks.map((count, order) => count * 2 ** order);
  const all = pages.reduce((sum, one) => sum + one, 0);
  assert.equal(unusableFree(normal!, 9), (all - pages[9]! - pages[10]!) / all);
});

test('nothing is unusable for single pages, all beyond the largest order, and it never falls in between', () => {
  const blocks = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 11, maxLength: 11 });
  fc.assert(
    fc.property(blocks, (counts) => {
      const index = (order: number) => unusableFree({ blocks: counts }, order);
      if (counts.every((count) => count === 0)) {
        assert.equal(index(0), undefined);
        return;
      }
      assert.equal(index(0), 0);
      assert.equal(index(11), 1);
      for (let order = 1; order <= 11; order++) assert.ok(index(order)! >= index(order - 1)!);
    }),
  );
});

test('lines that are none are left out', () => {
  assert.deepEqual(parseBuddyinfo('Node x, zone Normal 1 2\n\nNode 1, zone Normal 1 zwei\n'), []);
});

const links: readonly (readonly [Parameters<typeof congestionOf>[0], number, string])[] = [
  [{ utilisation: 0.4, queuePackets: 500, loss: 0.0005 }, 0.5, 'bandwidth'],
  [{ utilisation: 0.8, queuePackets: 1_000, loss: 0.001 }, 1, 'bandwidth'],
  // Each part is capped at its threshold.
  [{ utilisation: 1, queuePackets: 0, loss: 0 }, 0.4, 'bandwidth'],
  [{ utilisation: 0, queuePackets: 90_000, loss: 0 }, 0.3, 'queue'],
  [{ utilisation: 0.1, queuePackets: 0, loss: 0.5 }, 0.35, 'loss'],
  // What is unknown adds nothing.
  [{ utilisation: undefined, queuePackets: undefined, loss: 0.01 }, 0.3, 'loss'],
];

test('the congestion score weighs utilisation, queue and loss', () => {
  for (const [link, score, bottleneck] of links) {
    const found = congestionOf(link)!;
    assert.ok(Math.abs(found.score - score) < 1e-9, `${JSON.stringify(link)}: ${found.score}`);
    assert.equal(found.bottleneck, bottleneck);
  }
  const nothing = { utilisation: undefined, queuePackets: undefined, loss: undefined };
  assert.equal(congestionOf(nothing), undefined);
});

test('it grows with each of its parts and stays in 0 … 1', () => {
  const part = fc.double({ min: 0, max: 2, noNaN: true });
  fc.assert(
    fc.property(part, part, part, part, (u, q, l, more) => {
      const of = (utilisation: number, queue: number, loss: number): number =>
        congestionOf({ utilisation, queuePackets: queue * 1_000, loss: loss / 1_000 })!.score;
      const score = of(u, q, l);
      assert.ok(score >= 0 && score <= 1 + 1e-9);
      for (const higher of [of(u + more, q, l), of(u, q + more, l), of(u, q, l + more)]) {
        assert.ok(higher >= score - 1e-12);
      }
    }),
  );
});

/** All that the stretch could be, tried out. */
function slowWorst(points: readonly SeriesPoint[], spanMs: number, to: number) {
  let worst: number | undefined;
  for (let last = 0; last < points.length; last++) {
    const end = points[last + 1]?.at ?? to;
    const first = points.findLastIndex(({ at }, i) => i <= last && end - at >= spanMs);
    if (first < 0 && last < points.length - 1) continue;
    const inside = points.slice(Math.max(0, first), last + 1);
    const count = inside.reduce((sum, one) => sum + one.count, 0);
    if (count < 3) continue;
    const mean = inside.reduce((sum, one) => sum + one.mean * one.count, 0) / count;
    if (worst === undefined || mean > worst) worst = mean;
  }
  return worst;
}

test('the worst stretch is the worst of all stretches of that length', () => {
  const sample = fc.record({
    gap: fc.integer({ min: 1, max: 3 }),
    value: fc.integer({ min: 0, max: 10 }),
    count: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(
      fc.array(sample, { maxLength: 30 }),
      fc.integer({ min: 1, max: 20 }),
      (all, span) => {
        let at = 0;
        const points = all.map(({ gap, value, count }): SeriesPoint => {
          at += gap;
          return { at, min: value, max: value, mean: value, last: value, count };
        });
        const to = at + 1;
        const found = worstStretch(points, span, to)?.mean;
        const want = slowWorst(points, span, to);
        if (want === undefined) assert.equal(found, undefined);
        else assert.ok(Math.abs(found! - want) < 1e-9, `${found} is not ${want}`);
      },
    ),
  );
});
