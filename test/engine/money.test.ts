import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalSentence } from '../../src/api/views/sentences.ts';
import { spanMs, UNLIMITED } from '../../src/base/units.ts';
import type { TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { budget, days, dollars, HOUR, money, paidSite, rates } from '../builders/money.ts';
import { type Ask, type Site, specOf } from '../builders/site.ts';
import { plainNode, spotStage } from '../builders/spot-stage.ts';
import { resources, step, workload } from '../builders/workload.ts';

const spent = (s: Site) =>
  s.engine.state.money.book.accounts(s.at).map((one) => [one.spent, one.reserved]);
const of = <K extends Event['kind']>(s: Site, kind: K) =>
  s.journal.filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);

/** A job that may cost so much as a whole. */
function limited(ask: Ask, cost: number, more: object = {}): WorkloadSpec {
  const limits = {
    executionMs: UNLIMITED,
    cpu: UNLIMITED,
    memory: UNLIMITED,
    concurrentTasks: UNLIMITED,
    retries: UNLIMITED,
    cost: dollars(cost),
    modelCalls: UNLIMITED,
    tokens: UNLIMITED,
    ...more,
  };
  return { ...specOf(ask), limits } as WorkloadSpec;
}

test('what a task may cost is held back when it starts, and what it has cost is settled when it ends', () => {
  const s = paidSite(money([budget()]));
  s.submit({ cpu: 2, runMs: 2 * HOUR });
  s.pass();
  assert.deepEqual(spent(s), [[0, dollars(4)]]);
  s.now += HOUR;
  s.endAll();
  s.pass();
  assert.deepEqual(spent(s), [[dollars(2), 0]]);
  assert.equal(of(s, 'task-placed')[0]?.reserved?.amount, dollars(4));
  assert.equal(of(s, 'task-ended')[0]?.charged, dollars(2));
});

test('a task waits when the budget has not enough for it, and starts once another has cost less', () => {
  const s = paidSite(money([budget()]));
  s.submit({ cpu: 6, runMs: HOUR });
  s.submit({ cpu: 5, runMs: HOUR });
  s.submit({ cpu: 4, runMs: HOUR });
  assert.deepEqual([...s.pass()], ['1.s.0.1', '3.s.0.1']);
  const why = s.why(2)!;
  assert.deepEqual(why, {
    code: 'budget',
    budget: 'day',
    spent: 0,
    reserved: dollars(10),
    asked: dollars(5),
    limit: dollars(10),
    resetsAt: Date.parse('2026-01-02T00:00:00Z'),
  });
  assert.equal(
    refusalSentence(why, s.at),
    'budget day: $0.00 spent and $10.00 reserved of $10.00, and it needs $5.00; it resets in 16h 0m',
  );
  s.now += HOUR / 2;
  s.end('1.s.0.1' as never);
  assert.deepEqual([...s.pass()], [], '3 spent and 4 reserved leave 3');
  s.end('3.s.0.1' as never);
  assert.deepEqual([...s.pass()], ['2.s.0.1']);
});

test('the next period starts afresh, and the engine wakes for it by itself', () => {
  const s = paidSite(money([budget()]));
  s.submit({ cpu: 10, runMs: HOUR });
  s.submit({ cpu: 10, runMs: HOUR });
  s.pass();
  s.now += HOUR;
  s.endAll();
  assert.deepEqual(s.pass(), []);
  s.now = s.engine.nextTimer()!;
  assert.equal(s.now, Date.parse('2026-01-02T00:00:00Z'));
  assert.deepEqual([...s.pass()], ['2.s.0.1']);
});

test('what says nothing of its time is paid for slice by slice', () => {
  const s = paidSite(money([budget()]));
  s.submit({ cpu: 1 });
  s.pass();
  assert.deepEqual(spent(s), [[0, dollars(1)]]);
  for (let hour = 1; hour <= 3; hour++) {
    s.now = s.engine.nextTimer()!;
    s.pass();
    assert.deepEqual(spent(s), [[dollars(hour), dollars(1)]]);
  }
  s.now += HOUR / 4;
  s.endAll();
  assert.deepEqual(spent(s), [[dollars(3.25), 0]]);
});

test('where a whole slice cannot be paid, a part of it is', () => {
  const s = paidSite(money([budget({ limit: dollars(1) })]));
  s.submit({ cpu: 4 });
  s.pass();
  assert.deepEqual(spent(s), [[0, dollars(1)]]);
  assert.equal(s.engine.nextTimer(), s.now + HOUR / 4);
});

const ends = {
  queue: { running: 'over-budget', workload: undefined, again: true },
  'finish-step': { running: undefined, workload: undefined, again: false },
  refuse: { running: 'over-budget', workload: undefined, again: true },
  stop: { running: 'over-budget', workload: 'failed', again: false },
} as const;
for (const [atLimit, want] of Object.entries(ends)) {
  test(`a task that runs past what can be paid, at a limit that says ${atLimit}`, () => {
    const s = paidSite(money([budget({ limit: dollars(2), atLimit: atLimit as never })]));
    s.submit({ cpu: 1 });
    s.pass();
    for (let hour = 0; hour < 3; hour++) {
      s.now += HOUR;
      s.pass();
      const stop = s.engine.state.attempt('1.s.0.1' as never)?.stop;
      if (stop === undefined) continue;
      assert.equal(stop, 'over-budget');
      s.end('1.s.0.1' as never, 'cancelled');
      break;
    }
    s.pass();
    const end = of(s, 'task-ended')[0];
    assert.equal(end?.end.cause, want.running);
    assert.equal(end?.retry !== undefined, want.again);
    assert.equal(of(s, 'workload-ended')[0]?.state, want.workload);
    if (!want.again) return;
    s.now = Date.parse('2026-01-02T00:00:00Z');
    assert.deepEqual([...s.pass()], ['1.s.0.2'], 'it goes on when the budget starts afresh');
  });
}

test('a budget that refuses takes no submission that needs more than is left', () => {
  const s = paidSite(money([budget({ atLimit: 'refuse' })]));
  assert.equal(s.submit({ cpu: 6, runMs: HOUR }), undefined);
  s.pass();
  assert.equal(s.submit({ cpu: 5, runMs: HOUR })?.code, 'budget');
  assert.equal(s.submit({ cpu: 4, runMs: HOUR }), undefined);
});

test('what costs more than a whole period allows is refused at once', () => {
  const s = paidSite(money([budget()]));
  assert.equal(s.submit({ cpu: 11, runMs: HOUR })?.code, 'budget');
});

test('an execution ends as failed when its own limit leaves nothing for the rest of it', () => {
  const s = paidSite(money());
  s.submitSpec(limited({ cpu: 1, runMs: HOUR, count: 3 }, 2));
  assert.deepEqual([...s.pass()], ['1.s.0.1', '1.s.1.1']);
  assert.equal(s.why(1)?.code, 'budget');
  s.now += HOUR;
  s.endAll();
  s.pass();
  const [event] = of(s, 'budget-exceeded');
  assert.deepEqual(event?.facts, {
    budget: 'this execution',
    spent: dollars(2),
    reserved: 0,
    asked: dollars(1),
    limit: dollars(2),
  });
  assert.equal(of(s, 'workload-ended')[0]?.state, 'failed');
});

test('its limit does not keep the tasks of others waiting', () => {
  const s = paidSite(money());
  s.submitSpec(limited({ cpu: 1, runMs: HOUR, count: 2 }, 1));
  s.submit({ cpu: 1, runMs: HOUR });
  assert.deepEqual([...s.pass()], ['1.s.0.1', '2.s.0.1']);
});

test('a limit per hour is one of what all that runs at once costs', () => {
  const s = paidSite(money());
  s.submitSpec(limited({ cpu: 3, runMs: 9 * HOUR, count: 4 }, 1_000, { hourlyCost: dollars(7) }));
  assert.equal(s.pass().length, 2);
  s.end('1.s.0.1' as never);
  assert.equal(s.pass().length, 1);
});

test('an attempt that may cost so much is stopped when it has, and is not tried again', () => {
  const s = paidSite(money());
  const spec = specOf({ cpu: 1, retries: 3 });
  const [step] = spec.steps;
  const limits = { ...step!.limits, cost: dollars(0.5) };
  s.submitSpec({ ...spec, steps: [{ ...step!, limits }] });
  s.pass();
  s.now = s.engine.nextTimer()!;
  s.pass();
  assert.equal(of(s, 'stop-ordered')[0]?.reason, 'over-budget');
  s.end('1.s.0.1' as never, 'cancelled');
  s.pass();
  const [end] = of(s, 'task-ended');
  assert.deepEqual(
    [end?.end.cause, end?.charged, end?.retry],
    ['over-budget', dollars(0.5), undefined],
  );
});

test('all scopes are asked, and one that says no is enough', () => {
  const tenants = ['ada', 'ben'] as TenantId[];
  const s = paidSite(
    money([
      budget({ name: 'site', limit: dollars(100) }),
      budget({
        name: 'team',
        scope: { kind: 'team', team: 't', members: tenants },
        limit: dollars(5),
      }),
      budget({ name: 'each', scope: { kind: 'each-tenant', except: [] }, limit: dollars(3) }),
      budget({
        name: 'queue',
        scope: { kind: 'queue', queue: 'other' as never },
        limit: dollars(1),
      }),
    ]),
  );
  const why = (n: number) => {
    const refusal = s.why(n);
    return refusal?.code === 'budget' ? refusal.budget : undefined;
  };
  s.submit({ tenant: 'ada', cpu: 3, runMs: HOUR });
  s.submit({ tenant: 'ada', cpu: 1, runMs: HOUR });
  s.submit({ tenant: 'ben', cpu: 3, runMs: HOUR });
  s.submit({ tenant: 'ben', cpu: 2, runMs: HOUR });
  s.submit({ tenant: 'eve', cpu: 1, runMs: HOUR, queue: 'other' });
  s.submit({ tenant: 'eve', cpu: 1, runMs: HOUR, queue: 'other' });
  assert.deepEqual(s.pass().sort(), ['1.s.0.1', '4.s.0.1', '5.s.0.1']);
  assert.deepEqual([why(2), why(3), why(6)], ['team', 'team', 'queue']);
});

test('a soft limit is told once in a period', () => {
  const s = paidSite(money([budget({ soft: dollars(5) })]));
  for (const cpu of [4, 1, 1]) {
    s.submit({ cpu, runMs: HOUR });
    s.pass();
  }
  assert.deepEqual(
    of(s, 'budget-warned').map(({ facts }) => facts.reserved),
    [dollars(5)],
  );
  s.restart();
  s.submit({ cpu: 1, runMs: HOUR });
  s.pass();
  assert.equal(of(s, 'budget-warned').length, 1);
});

test('what was spent otherwise counts, and may end an execution', () => {
  const s = paidSite(money([budget()]));
  s.submitSpec(limited({ cpu: 1, runMs: HOUR }, 2));
  s.pass();
  const spending = {
    tenant: 'ada' as TenantId,
    queue: 'default' as never,
    what: 'model m',
    amount: dollars(2.5),
    tokens: 1_000,
    calls: 1,
  };
  const workload = '1' as WorkloadId;
  const { events } = s.engine.decide({ kind: 'report-spend', at: s.at, workload, spending });
  for (const event of events) s.engine.apply(event);
  s.pass();
  assert.deepEqual(spent(s), [[dollars(2.5), dollars(1)]]);
  assert.equal(s.engine.state.attempt('1.s.0.1' as never)?.stop, 'over-budget');
});

test('a price that is not known is said, and costs nothing', () => {
  const { gpuHour: _, ...others } = rates;
  const s = paidSite(money([], { prices: { rates: [{ ...others, gpuHour: {} }], models: [] } }));
  s.submit({ cpu: 1, gpu: 1, runMs: HOUR });
  s.pass();
  const [placed] = of(s, 'task-placed');
  assert.deepEqual(placed?.reserved?.unpriced, ['gpu test']);
  assert.equal(placed?.reserved?.amount, dollars(1));
});

test('prices that change later are those of the next reserve; what was charged stays', () => {
  const noon = Date.parse('2026-01-01T12:00:00Z');
  const dearer = { ...rates, validFrom: noon as never, cpuHour: dollars(3) };
  const s = paidSite(
    money([budget({ limit: dollars(1_000) })], { prices: { rates: [rates, dearer], models: [] } }),
  );
  s.submit({ cpu: 1 });
  s.submit({ cpu: 1, runMs: 10 * HOUR });
  s.pass();
  for (let hour = 0; hour < 6; hour++) {
    s.now += HOUR;
    s.pass();
  }
  const paid = of(s, 'reserve-renewed').map(({ charged }) => charged);
  assert.deepEqual(paid, [1, 1, 1, 1, 3, 3].map(dollars));
  s.endAll();
  assert.equal(of(s, 'task-ended').at(-1)?.charged, dollars(6), 'agreed when it was placed');
});

test('a restart with other prices changes nothing of what was charged or is held', () => {
  const s = paidSite(money([budget()]));
  s.submit({ cpu: 1, runMs: 2 * HOUR });
  s.submit({ cpu: 1, runMs: HOUR });
  s.pass();
  s.now += HOUR;
  s.end('2.s.0.1' as never);
  const before = spent(s);
  Object.assign(s.config, {
    money: money([budget()], {
      prices: { rates: [{ ...rates, cpuHour: dollars(9) }], models: [] },
    }),
  });
  s.restart();
  assert.deepEqual(spent(s), before);
  s.now += HOUR;
  s.endAll();
  assert.deepEqual(spent(s), [[dollars(3), 0]]);
});

for (const zone of ['Europe/Berlin', 'America/Sao_Paulo', 'Australia/Lord_Howe']) {
  test(`a day in ${zone} is one period, however long it is and however the clock is set`, () => {
    const from = Date.parse('2026-03-20T00:00:00Z');
    const window = { kind: 'periods' as const, starts: days(zone, '2026-03-20T00:00:00Z', 20) };
    const s = paidSite(money([budget({ window, limit: dollars(1) })]), '2026-03-20T00:00:00Z');
    const dayOf = (at: number) => window.starts.findLastIndex((start) => start <= at);
    const perDay = new Map<number, number>();
    const clock = [0, -5, 26, -30, 3, 40, -2, 23, 25, 1, 70, -20];
    let now = from + 48 * HOUR;
    for (const jump of clock) {
      now += jump * HOUR;
      s.now = now;
      for (let i = 0; i < 3; i++) s.submit({ cpu: 1, runMs: HOUR / 2 });
      for (let placed = s.pass(); placed.length > 0; placed = s.pass()) {
        s.now += HOUR / 2;
        const day = dayOf(s.now);
        s.endAll();
        perDay.set(day, (perDay.get(day) ?? 0) + placed.length * 0.5);
      }
    }
    assert.ok(perDay.size > 3);
    for (const [day, cost] of perDay) assert.ok(cost <= 1, `${cost} on day ${day}`);
  });
}

test('what was moved to another node is paid for there, too', () => {
  const s = spotStage({ money: money() }, plainNode('a'), plainNode('b'));
  const ask = (cpu: number) => workload('w', step('s', { request: resources({ cpu }) }));
  for (const cpu of [3000, 2000, 1000]) s.submit(ask(cpu));
  s.end('1.s.0.1');
  s.send({ kind: 'rebalance', movesMax: 1, settleMs: spanMs(HOUR) });
  s.end(s.engine.state.live.rebalance!.current!.move.attempt, 'preempted');
  s.wait(HOUR);
  s.end('3.s.0.2');
  assert.equal(s.engine.state.workload('3' as WorkloadId)!.spent.charged, dollars(1));
});
