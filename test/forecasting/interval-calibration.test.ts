import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../src/base/prng.ts';
import { type Interval, IntervalCalibration } from '../../src/forecasting/interval-calibration.ts';

const HOUR_MS = 3_600_000;

test('nothing is corrected before enough is known', () => {
  const calibration = new IntervalCalibration();
  const drawn = { low: HOUR_MS, high: 2 * HOUR_MS };
  for (let i = 0; i < 19; i++) {
    const shown = calibration.correct(drawn);
    assert.ok(Math.abs(shown.low - drawn.low) < 1 && Math.abs(shown.high! - drawn.high) < 1);
    calibration.learn(drawn, shown, 10 * HOUR_MS);
  }
  calibration.learn(drawn, drawn, 10 * HOUR_MS);
  assert.ok(calibration.correct(drawn).high! > 9 * HOUR_MS);
  assert.deepEqual(calibration.share, { inside: 0, of: 20 });
});

/** Uniform in 0 … 1. */
const uniform = (prng: Prng): number => prng.next() / 4294967296;

/** Foretells waits of which each is drawn from `factor` times the interval that is meant to hold eight tenths. */
function play(rounds: number, factorAt: (round: number) => number) {
  const prng = new Prng(3);
  const calibration = new IntervalCalibration();
  let [drawnInside, shownInside, counted, width] = [0, 0, 0, 0];
  for (let i = 0; i < rounds; i++) {
    const middle = (1 + 9 * uniform(prng)) * HOUR_MS;
    const drawn = { low: middle * 0.8, high: middle * 1.2 };
    // In logarithms symmetric, and so wide that eight tenths lie in 0.8 … 1.2 where the factor is 1.
    const spread = (0.2 / 0.8) * factorAt(i);
    const wait = middle * Math.exp(spread * (2 * uniform(prng) - 1));
    const shown = calibration.correct(drawn);
    if (i >= rounds / 2) {
      counted++;
      if (wait >= drawn.low && wait <= drawn.high) drawnInside++;
      if (wait >= shown.low && wait <= shown.high!) shownInside++;
      width += (shown.high! - shown.low) / (drawn.high - drawn.low);
    }
    calibration.learn(drawn, shown, wait);
  }
  return {
    drawn: drawnInside / counted,
    shown: shownInside / counted,
    width: width / counted,
    share: calibration.share,
  };
}

test('intervals that are too narrow are widened until eight tenths lie inside, and those too wide narrowed', () => {
  const narrow = play(2_000, () => 3);
  assert.ok(narrow.drawn < 0.4 && narrow.width > 2, JSON.stringify(narrow));
  assert.ok(Math.abs(narrow.shown - 0.8) < 0.04, `${narrow.shown} inside`);
  assert.ok(Math.abs(narrow.share.inside / narrow.share.of - 0.8) < 0.08);
  const wide = play(2_000, () => 0.3);
  assert.ok(wide.drawn === 1 && wide.width < 0.5, JSON.stringify(wide));
  assert.ok(Math.abs(wide.shown - 0.8) < 0.04, `${wide.shown} inside`);
});

test('when the world changes, so does the correction', () => {
  const { shown } = play(4_000, (i) => (i < 1_800 ? 0.5 : 3));
  assert.ok(Math.abs(shown - 0.8) < 0.05, `${shown} inside`);
});

test('while the world goes on changing, the share is kept', () => {
  const { shown } = play(3_000, (i) => 0.2 * 1.003 ** i);
  assert.ok(Math.abs(shown - 0.8) < 0.04, `${shown} inside`);
});

test('property: never of negative waits, never the wrong way round, and open where it was open', () => {
  const wait = fc.integer({ min: 0, max: 100 * HOUR_MS });
  const interval = fc
    .record({ low: wait, more: fc.option(wait, { nil: undefined }) })
    .map(({ low, more }): Interval => ({ low, high: more === undefined ? undefined : low + more }));
  fc.assert(
    fc.property(
      fc.array(fc.record({ drawn: interval, wait }), { maxLength: 60 }),
      interval,
      (before, drawn) => {
        const calibration = new IntervalCalibration();
        for (const one of before) {
          calibration.learn(one.drawn, calibration.correct(one.drawn), one.wait);
        }
        const { low, high } = calibration.correct(drawn);
        assert.ok(low >= 0 && Number.isFinite(low));
        assert.equal(high === undefined, drawn.high === undefined);
        assert.ok(high === undefined || high >= low);
        const { inside, of } = calibration.share;
        assert.ok(inside <= of && of === before.length);
      },
    ),
  );
});
