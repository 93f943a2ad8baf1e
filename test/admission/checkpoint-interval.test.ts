import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dalyInterval, youngInterval } from '../../src/admission/checkpoint-interval.ts';
import { spanMs } from '../../src/base/units.ts';

const MINUTE = 60_000;

/** Expected part of the time that is not work: saving, and on average half an interval lost a failure. */
const wasteOf = (intervalMs: number, c: number, m: number): number =>
  c / (intervalMs + c) + (intervalMs + c) / (2 * m);

const cases: Record<string, { c: number; m: number; young: number; daly: number }> = {
  'a minute to save, a failure a day': { c: 1, m: 1_440, young: 53.67, daly: 53.0 },
  'five minutes to save, a failure every ten hours': { c: 5, m: 600, young: 77.46, daly: 74.15 },
};

for (const [name, { c, m, young, daly }] of Object.entries(cases)) {
  test(name, () => {
    const cost = { saveMs: spanMs(c * MINUTE), betweenFailuresMs: spanMs(m * MINUTE) };
    assert.ok(Math.abs(youngInterval(cost) / MINUTE - young) < 0.01, `${youngInterval(cost)}`);
    assert.ok(
      Math.abs(dalyInterval(cost) / MINUTE - daly) < 0.05,
      `${dalyInterval(cost) / MINUTE}`,
    );
  });
}

test('who needs longer to save than the machine lasts saves once in that time', () => {
  const cost = { saveMs: spanMs(10 * MINUTE), betweenFailuresMs: spanMs(2 * MINUTE) };
  assert.equal(dalyInterval(cost), 2 * MINUTE);
});

test('neither half nor twice the interval wastes less', () => {
  const spans = fc.record({
    c: fc.integer({ min: 1, max: 600 }),
    ratio: fc.integer({ min: 50, max: 5_000 }),
  });
  fc.assert(
    fc.property(spans, ({ c, ratio }) => {
      const cost = { saveMs: spanMs(c * 1_000), betweenFailuresMs: spanMs(c * ratio * 1_000) };
      const best = dalyInterval(cost);
      const waste = (factor: number) => wasteOf(best * factor, c * 1_000, c * ratio * 1_000);
      assert.ok(waste(1) <= waste(0.5) && waste(1) <= waste(2));
    }),
  );
});
