import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type BitsPerSecond, UNLIMITED } from '../../src/base/units.ts';
import { type LinkUser, ShapedLink } from '../../src/gateway/shaped-link.ts';

const classes = [{ weight: 50 }, { weight: 30 }, { weight: 20 }];
const mbit = (n: number): BitsPerSecond => Math.round(n * 1_000_000) as BitsPerSecond;
const unlimited = UNLIMITED as BitsPerSecond;
const user = (key: string, over: Partial<LinkUser> = {}): LinkUser => ({
  key,
  class: 1,
  cap: unlimited,
  guaranteed: 0 as BitsPerSecond,
  ...over,
});

/** Everyone always wants more, for so many seconds; bits per second that each got after the first second. */
function saturate(rate: BitsPerSecond, users: readonly LinkUser[], seconds = 11) {
  const link = new ShapedLink<{ readonly user: LinkUser }>(rate, { classes, at: 0 });
  for (const one of users) link.open(one, 0);
  for (const one of users) link.ask(one.key, link.pieceOf(one), { user: one });
  const got = new Map(users.map(({ key }) => [key, 0]));
  for (let at = 0; at <= seconds * 1_000_000; ) {
    const { granted, nextAt } = link.turn(at);
    for (const { user: one } of granted) {
      if (at > 1_000_000) got.set(one.key, got.get(one.key)! + link.pieceOf(one) * 8);
      link.ask(one.key, link.pieceOf(one), { user: one });
    }
    if (granted.length === 0) at = Math.max(at + 1, nextAt!);
  }
  return Object.fromEntries([...got].map(([key, bits]) => [key, bits / (seconds - 1)]));
}

const near = (got: number, want: number, part: number): void =>
  assert.ok(Math.abs(got - want) <= want * part, `${got} is not near ${want}`);

describe('a shaped link', () => {
  for (const rate of [0.05, 1, 20, 1000, 2500]) {
    test(`gives one task ${rate} Mbit/s to within 1 %`, () => {
      near(saturate(unlimited, [user('a', { cap: mbit(rate) })])['a']!, mbit(rate), 0.01);
    });
  }

  test('classes get 50, 30 and 20 % of it when all want more', () => {
    const got = saturate(mbit(100), [
      user('high', { class: 0 }),
      user('normal', { class: 1 }),
      user('low', { class: 2 }),
    ]);
    near(got['high']!, mbit(50), 0.05);
    near(got['normal']!, mbit(30), 0.05);
    near(got['low']!, mbit(20), 0.05);
  });

  test('what a capped task leaves, the others get', () => {
    const got = saturate(mbit(100), [
      user('high', { class: 0, cap: mbit(10) }),
      user('normal', { class: 1 }),
      user('low', { class: 2 }),
    ]);
    near(got['high']!, mbit(10), 0.01);
    near(got['normal']!, mbit(54), 0.05);
    near(got['low']!, mbit(36), 0.05);
  });

  test('a guarantee holds against any number of others', () => {
    const others = Array.from({ length: 30 }, (_, i) => user(`o${i}`, { class: 0 }));
    const got = saturate(mbit(100), [
      ...others,
      user('kept', { class: 2, guaranteed: mbit(40), cap: mbit(45) }),
    ]);
    assert.ok(got['kept']! >= mbit(40) * 0.99);
    near(got['kept']!, mbit(45), 0.02);
    near(got['o7']!, mbit(55 / 30), 0.05);
  });

  test('nobody gets more than burst + cap × t, and nothing is left while somebody may have it', () => {
    const someone = fc.record({
      class: fc.nat(2),
      cap: fc.integer({ min: 1, max: 40 }),
      connections: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(someone, { minLength: 1, maxLength: 5 }), (list) => {
        const users = list.map((u, i) => user(`${i}`, { class: u.class, cap: mbit(u.cap) }));
        const got = saturate(mbit(50), users, 6);
        const sum = Object.values(got).reduce((a, b) => a + b, 0);
        const wanted = list.reduce((all, { cap }) => all + mbit(cap), 0);
        for (const { key, cap } of users) assert.ok(got[key]! <= cap * 1.01);
        near(sum, Math.min(wanted, mbit(50)), 0.02);
      }),
      { numRuns: 15 },
    );
  });

  test('whoever comes back has no burst again', () => {
    const link = new ShapedLink<{ readonly n: number }>(unlimited, { classes, at: 0 });
    const one = user('a', { cap: mbit(1) });
    let granted = 0;
    for (let n = 0; n < 1000; n++) {
      link.open(one, n);
      const item = { n };
      link.ask('a', link.pieceOf(one), item);
      granted += link.turn(n).granted.length;
      link.withdraw(item);
      link.close('a');
    }
    assert.equal(granted, 1);
    assert.equal(link.waiting, 0);
  });
});
