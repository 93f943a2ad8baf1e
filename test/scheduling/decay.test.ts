import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type SpanMs, timeMs, UNLIMITED } from '../../src/base/units.ts';
import { decayed, decayedSeries, ONE, powerOfHalf } from '../../src/scheduling/decay.ts';
import { UsageAccount } from '../../src/scheduling/usage-account.ts';

test('64 steps halve, 128 quarter', () => {
  assert.equal(powerOfHalf(0), ONE);
  assert.equal(powerOfHalf(64), ONE / 2);
  assert.equal(powerOfHalf(128), ONE / 4);
  assert.equal(decayed(1000, 64), 500);
  assert.equal(decayed(UNLIMITED, 64), Math.floor(UNLIMITED / 2));
});

test('a decay of any number of steps is the power of one half, to a millionth and a unit', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 50), fc.nat(400), (value, steps) => {
      const exact = value * 2 ** (-steps / 64);
      assert.ok(Math.abs(decayed(value, steps) - exact) <= exact * 1e-6 + 1);
    }),
  );
});

test('a series is the sum of its decayed parts', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.nat(300), (amount, count) => {
      let sum = 0;
      for (let i = 1; i <= count; i++) sum += amount * 2 ** (-i / 64);
      assert.ok(Math.abs(decayedSeries(amount, count) - sum) <= sum * 1e-6 + count / 64 + 4);
    }),
  );
});

test('an account is what stepping through it second by second gives, however it is read', () => {
  const halfLife = 640_000;
  const step = halfLife / 64;
  const change = fc.record({ afterS: fc.integer({ min: 1, max: 2000 }), up: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const account = new UsageAccount(halfLife as SpanMs);
      let [now, rate, exact] = [0, 0, 0];
      for (const { afterS, up } of changes) {
        for (let s = 0; s < afterS; s++) {
          exact += rate;
          now += 1000;
          if (now % step === 0) exact *= 2 ** (-1 / 64);
          if (s % 97 === 0) account.read(timeMs(now));
        }
        const sign = up || rate < 1000 ? 1 : -1;
        account.change([1000, 0, 0], sign, timeMs(now));
        rate += sign * 1000;
        const got = account.read(timeMs(now)).cpu;
        assert.ok(Math.abs(got - exact) <= exact * 1e-5 + 200, `${got} of ${exact}`);
      }
    }),
    { numRuns: 40 },
  );
});

test('without a half-life nothing fades', () => {
  const account = new UsageAccount(UNLIMITED as SpanMs);
  account.change([1500, 0, 0], 1, timeMs(0));
  assert.equal(account.read(timeMs(1_000_000_000)).cpu, 1_500_000_000);
});
