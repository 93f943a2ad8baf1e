import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SystemClock } from '../../src/app/system-clock.ts';

const HOUR = 3_600_000;
const START = 1_800_000_000_000;

/** A system whose clock can be set. */
function system() {
  let wall = START;
  let passed = 0;
  const clockFrom = (notBefore = 0) =>
    new SystemClock(notBefore, { wall: () => wall, monotonic: () => passed });
  return {
    clockFrom,
    wall: () => wall,
    set: (by: number) => {
      wall += by;
    },
    pass: (ms: number) => {
      wall += ms;
      passed += ms;
    },
  };
}

for (const [step, pace] of [
  [HOUR, 1.5],
  [-HOUR, 0.5],
] as const) {
  test(`set by ${step} ms: it goes at ${pace} of the pace until it agrees, and nothing jumps`, () => {
    const { clockFrom, set, pass, wall } = system();
    const clock = clockFrom();
    set(step);
    assert.equal(clock.now(), START);
    pass(10_000);
    assert.equal(clock.now(), START + 10_000 * pace);
    pass(2 * HOUR);
    assert.equal(clock.now(), wall());
    pass(1);
    assert.equal(clock.now(), wall());
  });
}

test('after a sleep of hours it is as late as everybody else', () => {
  const { clockFrom, set, wall } = system();
  const clock = clockFrom();
  set(8 * HOUR);
  assert.equal(clock.now(), wall());
});

test('a restart does not go back behind what the journal says, unless that was nonsense', () => {
  const { clockFrom, wall } = system();
  assert.equal(clockFrom(START + HOUR).now(), START + HOUR);
  assert.equal(clockFrom(START - HOUR).now(), wall());
  assert.equal(clockFrom(START + 100 * HOUR).now(), wall());
});

test('however it is set, it never goes back, and in between never stands still', () => {
  const step = fc.record({
    set: fc.integer({ min: -2 * HOUR, max: 2 * HOUR }),
    pass: fc.integer({ min: 2, max: 10_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const { clockFrom, set, pass } = system();
      const clock = clockFrom();
      let last = clock.now();
      for (const one of steps) {
        set(one.set);
        pass(one.pass);
        const now = clock.now();
        assert.ok(now > last, `${last} then ${now}`);
        last = now;
      }
    }),
  );
});
