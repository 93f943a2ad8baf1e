import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { periodStarts } from '../../src/app/period-starts.ts';
import { type SpanMs, timeMs, UNLIMITED } from '../../src/base/units.ts';
import type { QueueName, TenantId } from '../../src/model/ids.ts';
import type { QuotaConfig } from '../../src/model/scheduling-config.ts';
import { type Ask, config, node, queueConfig, Site } from '../builders/site.ts';

const HOUR = 3_600_000;
const cpuHours = (hours: number) => ({
  cpu: hours * 3_600_000,
  memory: UNLIMITED,
  gpu: UNLIMITED,
});
const daily = (from: string, days: number, timeZone = 'UTC') =>
  periodStarts({
    timeZone,
    every: 'day',
    from: timeMs(Date.parse(from)),
    until: timeMs(Date.parse(from) + days * 24 * HOUR),
  });
const quota = (changes: Partial<QuotaConfig> = {}): QuotaConfig => ({
  name: 'cpu',
  each: true,
  limit: cpuHours(10),
  window: { kind: 'periods', starts: daily('2026-01-01T00:00:00Z', 5) },
  whenExhausted: 'wait',
  ...changes,
});

function site(quotas: QuotaConfig[], start = '2026-01-01T08:00:00Z'): Site {
  const queues = [
    queueConfig('default'),
    queueConfig('p', { children: [queueConfig('a'), queueConfig('b')] }),
  ];
  const made = new Site(config(queues, { quotas }), node('n', { cpu: 1_000_000, memory: 2 ** 50 }));
  made.now = Date.parse(start);
  return made;
}
const used = (of: Site) => of.engine.state.quotas!.read(of.at).map((q) => q.used.cpu / 3_600_000);

test('a task starts only if what it may use fits in what is left', () => {
  const s = site([quota()]);
  s.submit({ cpu: 4, runMs: HOUR });
  s.submit({ cpu: 7, runMs: HOUR });
  s.submit({ cpu: 6, runMs: HOUR });
  assert.deepEqual([...s.pass()], ['1.s.0.1', '3.s.0.1']);
  assert.deepEqual(s.why(2), {
    code: 'quota',
    quota: 'cpu',
    tenant: 'ada',
    resource: 'cpu',
    used: 0,
    reserved: 36_000_000,
    asked: 25_200_000,
    limit: 36_000_000,
    resetsAt: Date.parse('2026-01-02T00:00:00Z'),
  });
});

test('an early end frees what it did not use, and wakes who waits for it', () => {
  const s = site([quota()]);
  s.submit({ cpu: 10, runMs: HOUR });
  s.submit({ cpu: 5, runMs: HOUR });
  s.pass();
  s.now += HOUR / 4;
  s.endAll();
  assert.deepEqual(used(s), [2.5]);
  assert.deepEqual([...s.pass()], ['2.s.0.1']);
});

test('the next period starts afresh, and the engine wakes for it by itself', () => {
  const s = site([quota()]);
  s.submit({ cpu: 10, runMs: HOUR });
  s.submit({ cpu: 10, runMs: HOUR });
  s.pass();
  s.now += HOUR;
  s.endAll();
  assert.deepEqual(s.pass(), []);
  assert.equal(s.engine.nextTimer(), Date.parse('2026-01-02T00:00:00Z'));
  s.now = s.engine.nextTimer()!;
  assert.deepEqual([...s.pass()], ['2.s.0.1']);
});

test('what runs across the boundary is charged to each period for its part', () => {
  const s = site([quota()], '2026-01-01T23:00:00Z');
  s.submit({ cpu: 3, runMs: 3 * HOUR });
  s.pass();
  s.now += 2 * HOUR;
  assert.deepEqual(used(s), [3]);
  s.submit({ cpu: 5, runMs: HOUR });
  s.submit({ cpu: 4, runMs: HOUR });
  assert.deepEqual(s.pass(), ['3.s.0.1'], '3 used, 3 reserved, 4 left');
});

test('a day of 25 hours grants once, and one of 23 hours leaves no gap', () => {
  for (const [day, hours] of [
    ['2026-10-25', 25],
    ['2026-03-29', 23],
  ] as const) {
    const window = {
      kind: 'periods' as const,
      starts: daily(`${day}T12:00:00Z`, 3, 'Europe/Berlin'),
    };
    const start = window.starts[0]!;
    assert.equal((window.starts[1]! - start) / HOUR, hours);
    const s = site([quota({ window })], new Date(start).toISOString());
    s.submit({ cpu: 1, count: 40, runMs: HOUR });
    for (let h = 0; h < hours; h++) {
      s.pass();
      s.now += HOUR;
      s.endAll();
    }
    s.pass();
    const [total] = used(s);
    const started = s.journal.filter((e) => e.kind === 'task-placed').length;
    assert.deepEqual([total, started], [0, 20], `${day}: 10 in the day, 10 in the next`);
  }
});

test('a rolling window frees what is a window ago', () => {
  const s = site([quota({ window: { kind: 'rolling', lengthMs: (24 * HOUR) as SpanMs } })]);
  s.submit({ cpu: 10, runMs: HOUR });
  s.submit({ cpu: 10, runMs: HOUR });
  s.pass();
  s.now += HOUR;
  s.endAll();
  s.now += 22.5 * HOUR;
  assert.deepEqual(s.pass(), []);
  s.now += HOUR;
  assert.deepEqual([...s.pass()], ['2.s.0.1']);
});

test('whose quota is whose: each tenant, one tenant, one queue and below', () => {
  const cases: Record<string, { changes: Partial<QuotaConfig>; asks: Ask[]; starts: number }> = {
    'each tenant has its own': {
      changes: { each: true },
      asks: [{ tenant: 'ada' }, { tenant: 'ben' }],
      starts: 2,
    },
    'all together have one': {
      changes: { each: false },
      asks: [{ tenant: 'ada' }, { tenant: 'ben' }],
      starts: 1,
    },
    'one tenant only': {
      changes: { tenant: 'ada' as TenantId },
      asks: [{ tenant: 'ada' }, { tenant: 'ada' }, { tenant: 'ben' }, { tenant: 'ben' }],
      starts: 3,
    },
    'a queue and what is below it': {
      changes: { queue: 'p' as QueueName, each: false },
      asks: [{ queue: 'a' }, { queue: 'b' }, { queue: 'default' }, { queue: 'default' }],
      starts: 3,
    },
  };
  for (const [name, { changes, asks, starts }] of Object.entries(cases)) {
    const s = site([quota(changes)]);
    for (const ask of asks) s.submit({ cpu: 10, runMs: HOUR, ...ask });
    assert.equal(s.pass().length, starts, name);
  }
});

test('a submission that no period could hold is refused, and one beyond what is left where a quota refuses', () => {
  const s = site([quota({ whenExhausted: 'refuse' })]);
  assert.equal(s.submit({ cpu: 11, runMs: HOUR })?.code, 'quota');
  s.submit({ cpu: 6, runMs: HOUR });
  s.pass();
  assert.equal(s.submit({ cpu: 6, runMs: HOUR })?.code, 'quota');
  assert.equal(s.submit({ cpu: 4, runMs: HOUR }), undefined);
  const waits = site([quota()]);
  assert.equal(
    waits.submit({ cpu: 6, count: 2, runMs: HOUR }),
    undefined,
    'it can wait for tomorrow',
  );
});

test('what says nothing about its time starts while something is left', () => {
  const s = site([quota()]);
  s.submit({ cpu: 10 });
  s.pass();
  s.now += HOUR;
  s.submit({ cpu: 1 });
  assert.deepEqual(s.pass(), []);
  assert.equal(s.why(2)?.code, 'quota');
});

test('usage survives a restart from a snapshot, even of workloads that are long gone', () => {
  const s = site([quota()]);
  for (let i = 0; i < 9; i++) {
    s.submit({ cpu: 1, runMs: HOUR / 2 });
    s.pass();
    s.now += HOUR / 2;
    s.endAll();
  }
  s.pass();
  const before = used(s);
  s.restart();
  assert.deepEqual(used(s), before);
  assert.deepEqual(before, [4.5]);
});

test('a quota is never exceeded: 1,000 submissions at once, of any length and size', () => {
  const ask = fc.record({
    cpu: fc.integer({ min: 1, max: 8 }),
    wallMs: fc.integer({ min: 1, max: 2 * HOUR }),
    tenant: fc.constantFrom('ada', 'ben', 'eve'),
    queue: fc.constantFrom('default', 'a', 'b'),
    part: fc.integer({ min: 1, max: 100 }),
  });
  fc.assert(
    fc.property(
      fc.array(ask, { minLength: 1000, maxLength: 1000 }),
      fc.boolean(),
      (asks, rolls) => {
        const window = rolls
          ? { kind: 'rolling' as const, lengthMs: (24 * HOUR) as SpanMs }
          : { kind: 'periods' as const, starts: daily('2026-01-01T00:00:00Z', 20) };
        const s = site([
          quota({ window, limit: cpuHours(40) }),
          quota({ name: 'p', window, each: false, queue: 'p' as QueueName, limit: cpuHours(50) }),
        ]);
        for (const { part: _, ...one } of asks) s.submit(one);
        const due = new Map<string, number>();
        for (let h = 0; h < 100; h++) {
          for (const id of s.pass()) {
            const one = asks[Number.parseInt(id, 10) - 1]!;
            due.set(id, s.now + Math.ceil((one.wallMs * one.part) / 100));
          }
          for (const q of s.engine.state.quotas!.read(s.at)) {
            assert.ok(q.used.cpu + q.reserved.cpu <= (q.quota === 'p' ? 180_000_000 : 144_000_000));
          }
          s.now = Math.min(s.now + HOUR, ...[...due.values()]);
          for (const [id, at] of due) {
            if (at > s.now) continue;
            s.end(id as never);
            due.delete(id);
          }
        }
      },
    ),
    { numRuns: 3 },
  );
});
