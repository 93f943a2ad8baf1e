import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { TokenBucket } from '../../src/admission/token-bucket.ts';

const rate = fc.record({
  tokens: fc.integer({ min: 1, max: 5000 }),
  period: fc.constantFrom(1, 7, 1000, 60_000, 1_000_000),
  burst: fc.integer({ min: 1, max: 500 }),
});
const asks = fc.array(
  fc.record({ after: fc.integer({ min: 0, max: 3000 }), n: fc.integer({ min: 1, max: 50 }) }),
  { minLength: 1, maxLength: 80 },
);

describe('a token bucket', () => {
  test('gives in no window more than burst + rate × t', () => {
    fc.assert(
      fc.property(rate, asks, (r, list) => {
        const bucket = new TokenBucket(r, 0);
        const taken: { at: number; n: number }[] = [];
        let at = 0;
        for (const { after, n } of list) {
          at += after;
          if (bucket.take(n, at)) taken.push({ at, n });
        }
        for (const [i, first] of taken.entries()) {
          let sum = 0n;
          for (const { at: end, n } of taken.slice(i)) {
            sum += BigInt(n);
            const most =
              BigInt(r.burst) * BigInt(r.period) + BigInt(r.tokens) * BigInt(end - first.at);
            assert.ok(sum * BigInt(r.period) <= most);
          }
        }
      }),
    );
  });

  test('refuses only what would have broken that: the obvious count with fractions agrees', () => {
    fc.assert(
      fc.property(rate, asks, (r, list) => {
        const bucket = new TokenBucket(r, 0);
        // In parts of 1/period, over all of history and without a shortcut.
        let level = BigInt(r.burst) * BigInt(r.period);
        const full = level;
        let at = 0;
        for (const { after, n } of list) {
          at += after;
          level += BigInt(r.tokens) * BigInt(after);
          if (level > full) level = full;
          const needed = BigInt(n) * BigInt(r.period);
          const may = needed <= level;
          assert.equal(bucket.take(n, at), may);
          if (may) level -= needed;
        }
      }),
    );
  });

  test('names the first moment at which there is enough', () => {
    fc.assert(
      fc.property(rate, asks, fc.integer({ min: 1, max: 600 }), (r, list, n) => {
        const make = () => {
          const bucket = new TokenBucket(r, 0);
          let at = 0;
          for (const ask of list) {
            at += ask.after;
            bucket.take(ask.n, at);
          }
          return { bucket, at };
        };
        const { bucket, at } = make();
        const ready = bucket.readyAt(n, at);
        if (ready === undefined) {
          assert.ok(n > r.burst);
          return;
        }
        if (ready > at) assert.equal(make().bucket.take(n, ready - 1), false);
        assert.equal(bucket.take(n, ready), true);
      }),
    );
  });

  test('a taker that never waits longer than it must gets exactly the rate', () => {
    const bucket = new TokenBucket({ tokens: 60, period: 60_000, burst: 10 }, 0);
    let at = 0;
    let taken = 0;
    while (at <= 600_000) {
      at = bucket.readyAt(1, at)!;
      if (at > 600_000) break;
      assert.ok(bucket.take(1, at));
      taken++;
    }
    assert.equal(taken, 10 + 600);
  });

  test('a clock that goes back gives nothing', () => {
    const bucket = new TokenBucket({ tokens: 1, period: 1000, burst: 1 }, 5000);
    assert.ok(bucket.take(1, 5000));
    assert.equal(bucket.take(1, 4000), false);
    assert.equal(bucket.take(1, 5999), false);
    assert.ok(bucket.take(1, 6000));
  });
});
