import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../src/base/prng.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { takeSnapshot } from '../../src/engine/snapshot.ts';
import type { TenantId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import type { BudgetConfig } from '../../src/model/money.ts';
import { budget, days, dollars, HOUR, money, paidSite } from '../builders/money.ts';
import type { Site } from '../builders/site.ts';
import { MoneyBook } from '../sim/money-book.ts';

const tenants = ['ada', 'ben', 'eve'] as TenantId[];
const budgets: readonly BudgetConfig[] = [
  budget({ name: 'site', limit: dollars(60) }),
  budget({ name: 'queue', scope: { kind: 'queue', queue: 'other' as never }, limit: dollars(20) }),
  budget({ name: 'ada', scope: { kind: 'tenant', tenant: 'ada' as TenantId }, limit: dollars(25) }),
  budget({
    name: 'team',
    scope: { kind: 'team', team: 't', members: tenants.slice(0, 2) },
    limit: dollars(40),
  }),
];

/** By how much a budget is passed in a period. */
const excess = (book: MoneyBook, one: BudgetConfig, from: number, to: number): number => {
  const { settled, held } = book.taken(one, from, to);
  return settled + held - one.limit;
};

function check(s: Site, book: MoneyBook, seen: number, reserveMax: number): void {
  for (const event of s.journal.slice(seen)) book.record(event);
  const starts = days();
  const period = starts.findLastIndex((start) => start <= s.now);
  for (const one of budgets) {
    const over = excess(book, one, starts[period]!, starts[period + 1]!);
    assert.ok(over <= reserveMax, `${one.name} is passed by ${over}`);
  }
  book.compare(s.engine);
}

test('a thousand who submit at once never overshoot, in any scope', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
      const prng = new Prng(seed);
      const s = paidSite(money(budgets));
      const book = new MoneyBook();
      let seen = 0;
      for (let i = 0; i < 1_000; i++) {
        s.submit({
          tenant: prng.pick(tenants),
          queue: prng.pick(['default', 'other']),
          cpu: prng.between(1, 4),
          ...(prng.chance(80) && { runMs: prng.between(1, 4) * (HOUR / 4) }),
        });
      }
      for (let round = 0; round < 30; round++) {
        s.pass();
        for (const id of [...s.running.keys()]) {
          if (s.engine.state.attempt(id)?.stop !== undefined) s.end(id, 'cancelled');
        }
        s.pass();
        // Nothing ended late: reserved and settled together never pass a limit.
        check(s, book, seen, 0);
        seen = s.journal.length;
        // Time goes on, but no further than to the first reserve that is used up.
        const due = s.engine.nextTimer() ?? Number.POSITIVE_INFINITY;
        s.now = Math.min(s.now + prng.between(1, HOUR / 2), due);
        for (const id of [...s.running.keys()]) {
          if (prng.chance(30)) s.end(id);
        }
      }
    }),
    { numRuns: 8 },
  );
});

test('a task that runs on after it was told to stop passes a limit by no more than its own time', () => {
  const s = paidSite(money([budget({ limit: dollars(2) })]));
  s.submit({ cpu: 1 });
  s.pass();
  for (let i = 0; i < 2; i++) {
    s.now = s.engine.nextTimer()!;
    s.pass();
  }
  s.now += HOUR / 10;
  s.endAll();
  const [account] = s.engine.state.money.book.accounts(s.at);
  assert.equal(account?.spent, dollars(2.1));
});

/** What happens to a site in which much ends, is renewed and is tried again. */
function busySite(seed: number): Site {
  const prng = new Prng(seed);
  const s = paidSite(money(budgets));
  for (let i = 0; i < 40; i++) {
    s.submit({
      tenant: prng.pick(tenants),
      queue: prng.pick(['default', 'other']),
      cpu: prng.between(1, 4),
      ...(prng.chance(50) && { runMs: prng.between(1, 8) * (HOUR / 4) }),
      ...(prng.chance(50) && { retries: 2 }),
    });
    s.pass();
    s.now += prng.between(0, HOUR);
    for (const id of [...s.running.keys()]) {
      const { stop } = s.engine.state.attempt(id)!;
      if (stop !== undefined) s.end(id, 'cancelled');
      else if (prng.chance(40)) s.end(id, prng.pick(['succeeded', 'failed', 'oom-killed', 'lost']));
    }
  }
  s.pass();
  return s;
}

const replayed = (s: Site, events: readonly Event[]): Engine => {
  const engine = s.fresh();
  for (const event of events) engine.apply(event);
  return engine;
};

test('killed after any event, nothing that was reserved or settled is lost or counted twice', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 0, max: 99 }), (seed, part) => {
      const s = busySite(seed);
      const cut = Math.floor((s.journal.length * part) / 100);
      const book = new MoneyBook();
      for (const event of s.journal.slice(0, cut)) book.record(event);
      book.compare(replayed(s, s.journal.slice(0, cut)));
      for (const event of s.journal.slice(cut)) book.record(event);
      const whole = replayed(s, s.journal);
      book.compare(whole);
      assert.equal(takeSnapshot(whole.state), takeSnapshot(s.engine.state));
      s.restart();
      book.compare(s.engine);
      const accounts = s.engine.state.money.book.accounts(s.at);
      assert.deepEqual(accounts, whole.state.money.book.accounts(s.at));
    }),
    { numRuns: 30 },
  );
});

test('an end that is reported twice is charged once', () => {
  const s = paidSite(money([budget()]));
  s.submit({ cpu: 1, runMs: HOUR });
  s.pass();
  s.now += HOUR;
  s.end('1.s.0.1' as never);
  s.end('1.s.0.1' as never);
  assert.equal(s.engine.state.money.book.accounts(s.at)[0]?.spent, dollars(1));
});

test('a task that ended while nobody was there is charged for its own time only', () => {
  const s = paidSite(money([budget()]));
  s.submit({ cpu: 1, runMs: 5 * HOUR });
  s.pass();
  s.now += 5 * HOUR;
  const end = { cause: 'succeeded', usage: { wallMs: HOUR }, enforced: {} } as never;
  const attempt = '1.s.0.1' as never;
  const { events } = s.engine.decide({ kind: 'report-ended', at: s.at, attempt, end });
  assert.equal(events[0]?.kind === 'task-ended' && events[0].charged, dollars(1));
});

test('while it is not known what ended meanwhile, nothing is paid', () => {
  const s = paidSite(money([budget()]));
  s.submit({ cpu: 1 });
  s.pass();
  s.engine.state.money.paused = true;
  s.now += 3 * HOUR;
  assert.equal(s.engine.next(s.at), undefined);
  assert.equal(s.engine.nextTimer(), undefined);
  s.engine.state.money.paused = false;
  assert.equal(s.engine.next(s.at)?.kind, 'reserve-renewed');
});
