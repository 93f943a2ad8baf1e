import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { refusalSentence } from '../../src/api/views/sentences.ts';
import { type SpanMs, timeMs, UNLIMITED } from '../../src/base/units.ts';
import { projectStarts } from '../../src/engine/projection.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import { Verdicts } from '../../src/engine/verdicts.ts';
import type { DailyHours, Zone } from '../../src/model/reservation.ts';
import type { QueueConfig, SchedulingConfig } from '../../src/model/scheduling-config.ts';
import type { GatherTerms, PreferredHours, StepSpec } from '../../src/model/workload.ts';
import { play } from '../builders/play.ts';
import { type Ask, config, node, queueConfig, Site, specOf } from '../builders/site.ts';
import { GIB, resources, step, workload } from '../builders/workload.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const at = (text: string): number => Date.parse(text);

/** Europe/Berlin in 2026: summer time from 29 March 01:00 UTC until 25 October 01:00 UTC. */
const berlin: Zone = {
  name: 'Europe/Berlin',
  offsets: [
    { from: timeMs(0), offsetMs: HOUR },
    { from: timeMs(at('2026-03-29T01:00:00Z')), offsetMs: 2 * HOUR },
    { from: timeMs(at('2026-10-25T01:00:00Z')), offsetMs: HOUR },
  ],
};
const night: DailyHours = { kind: 'daily', startMs: 22 * HOUR, endMs: 6 * HOUR, zone: berlin };

const preferred = (maxWaitMs: number, hours: PreferredHours['hours'] = 'off-peak') => ({
  hours,
  maxWaitMs: maxWaitMs as SpanMs,
});
const gather = (waitMs: number, max: number, alike = 'same'): GatherTerms => ({
  alike,
  waitMs: waitMs as SpanMs,
  max,
});

function site(start: string, changes: Partial<SchedulingConfig> = {}, cpu = 100): Site {
  const queues = [queueConfig('default'), ...(changes.root?.children ?? [])];
  const s = new Site(
    config(queues, { offPeak: night, ...changes, root: queueConfig('root', { children: queues }) }),
    node('n', { cpu: cpu * 1000, memory: 1000 * GIB }),
  );
  s.now = at(start);
  return s;
}

function batched(size: number, intervalMs: number, changes: Partial<QueueConfig> = {}) {
  const batch = { size, intervalMs: intervalMs as SpanMs };
  return { root: queueConfig('root', { children: [queueConfig('batch', { batch, ...changes })] }) };
}

const offPeak = (ask: Ask, maxWaitMs: number, hours?: PreferredHours['hours']) => ({
  ...specOf(ask),
  preferred: preferred(maxWaitMs, hours),
});

const nights: Record<string, { submitted: string; maxWait: number; want: string }> = {
  'in the hours it starts at once': {
    submitted: '2026-05-01T23:30:00Z',
    maxWait: HOUR,
    want: '2026-05-01T23:30:00',
  },
  'before them it waits for them': {
    submitted: '2026-05-01T19:30:00Z',
    maxWait: HOUR,
    want: '2026-05-01T20:00:00',
  },
  'and no longer than it waits at most': {
    submitted: '2026-05-01T10:00:00Z',
    maxWait: HOUR,
    want: '2026-05-01T11:00:00',
  },
  'just after them it waits for the next': {
    submitted: '2026-05-01T04:00:00Z',
    maxWait: 24 * HOUR,
    want: '2026-05-01T20:00:00',
  },
  'on the day before the night that loses an hour': {
    submitted: '2026-03-28T12:00:00Z',
    maxWait: 24 * HOUR,
    want: '2026-03-28T21:00:00',
  },
  'after the night that loses an hour, an hour sooner': {
    submitted: '2026-03-29T04:00:00Z',
    maxWait: 24 * HOUR,
    want: '2026-03-29T20:00:00',
  },
  'in the last minute of the night that loses an hour': {
    submitted: '2026-03-29T03:59:00Z',
    maxWait: 24 * HOUR,
    want: '2026-03-29T03:59:00',
  },
  'in the hour that comes twice': {
    submitted: '2026-10-25T01:30:00Z',
    maxWait: 24 * HOUR,
    want: '2026-10-25T01:30:00',
  },
  'in the last minute of the night that gains an hour': {
    submitted: '2026-10-25T04:59:00Z',
    maxWait: 24 * HOUR,
    want: '2026-10-25T04:59:00',
  },
  'after the night that gains an hour': {
    submitted: '2026-10-25T05:00:00Z',
    maxWait: 24 * HOUR,
    want: '2026-10-25T21:00:00',
  },
};
for (const [name, { submitted, maxWait, want }] of Object.entries(nights)) {
  test(`preferred hours: ${name}`, () => {
    for (const restarts of [false, true]) {
      const s = site(submitted);
      s.submitSpec(offPeak({}, maxWait));
      const again = (one: Site): void => (restarts ? one.restart() : undefined);
      assert.deepEqual(play(s, s.now + 48 * HOUR, again), [[want, '1.s.0.1']]);
    }
  });
}

test('preferred hours of its own are in its own zone, and a workload without any never waits', () => {
  const s = site('2026-05-01T10:00:00Z');
  const utc = { name: 'UTC', offsets: [{ from: timeMs(0), offsetMs: 0 }] };
  const noon: DailyHours = { kind: 'daily', startMs: 12 * HOUR, endMs: 13 * HOUR, zone: utc };
  s.submitSpec(offPeak({}, 24 * HOUR, noon));
  s.submitSpec(offPeak({}, 24 * HOUR, { ...noon, zone: berlin }));
  s.submit({});
  assert.deepEqual(play(s, s.now + 48 * HOUR), [
    ['2026-05-01T10:00:00', '2.s.0.1'],
    ['2026-05-01T10:00:00', '3.s.0.1'],
    ['2026-05-01T12:00:00', '1.s.0.1'],
  ]);
});

test('`berth why` says when its hours begin, or when it has waited long enough', () => {
  const s = site('2026-05-01T10:00:00Z');
  s.submitSpec(offPeak({}, 24 * HOUR));
  s.submitSpec(offPeak({}, HOUR));
  s.pass();
  assert.deepEqual(s.why(1), {
    code: 'preferred-hours',
    hours: '22:00-06:00',
    zone: 'Europe/Berlin',
    opensAt: at('2026-05-01T20:00:00Z'),
    until: at('2026-05-01T20:00:00Z'),
  });
  assert.equal(
    refusalSentence(s.why(1)!, s.at),
    'waits for its hours, 22:00-06:00 Europe/Berlin: it may start at 2026-05-01T20:00:00Z, in 10h 0m',
  );
  assert.equal(
    refusalSentence(s.why(2)!, s.at),
    'waits for its hours, 22:00-06:00 Europe/Berlin, but not for longer: it may start at 2026-05-01T11:00:00Z, in 1h 0m',
  );
  const starts = projectStarts(s.engine, s.at)!;
  assert.equal(starts.get('1.s.0' as never)?.at, at('2026-05-01T20:00:00Z'));
  assert.equal(starts.get('2.s.0' as never)?.at, at('2026-05-01T11:00:00Z'));
});

test('tasks that wait for the same have one verdict, and those of one step that do not have their own', () => {
  const s = site('2026-05-01T10:00:00Z', {}, 5);
  s.submitSpec(offPeak({ count: 3 }, HOUR));
  s.submitSpec(offPeak({ count: 3 }, HOUR));
  // Three are a batch, and find room or not; the other two gather.
  s.submitSpec(job('a', gather(MINUTE, 3), { count: 8 }));
  s.pass();
  const verdicts = new Verdicts(s.engine.state, s.at);
  const of = (workload: number) =>
    s.engine.state
      .workload(String(workload) as never)!
      .steps[0]!.tasks.map((task) => (task.state === 'waiting' ? verdicts.of(task) : undefined));
  const [first, ...rest] = of(1);
  assert.equal(first?.code, 'preferred-hours');
  assert.ok(rest.every((refusal) => refusal === first));
  assert.deepEqual(of(2)[0], first);
  assert.deepEqual(
    of(3).map((refusal) => refusal?.code),
    [
      ...Array.from({ length: 5 }, () => undefined),
      'insufficient',
      'batch-gathers',
      'batch-gathers',
    ],
  );
});

test('what found no room in its hours waits for the next ones, and hold nobody else up', () => {
  const s = site('2026-05-01T21:00:00Z', {}, 1);
  s.submit({});
  s.pass();
  s.submitSpec(offPeak({ priority: 5 }, 48 * HOUR));
  play(s, at('2026-05-02T05:00:00Z'));
  s.now = at('2026-05-02T05:00:00Z');
  s.submit({});
  s.endAll();
  assert.deepEqual(play(s, s.now + HOUR), [['2026-05-02T05:00:00', '3.s.0.1']]);
  s.endAll();
  assert.deepEqual(play(s, s.now + 48 * HOUR), [['2026-05-02T20:00:00', '2.s.0.1']]);
});

test('a task that tries again or was stopped for others starts whenever it can', () => {
  const s = site('2026-05-02T03:50:00Z');
  s.submitSpec({ ...offPeak({ retries: 1, gib: 1 }, 24 * HOUR) });
  s.pass();
  s.now += 20 * MINUTE;
  s.end('1.s.0.1' as never, 'failed');
  assert.deepEqual(play(s, s.now + HOUR), [['2026-05-02T04:10:01', '1.s.0.2']]);
});

test('each step of a pipeline waits for the hours from when it is ready', () => {
  const s = site('2026-05-01T10:00:00Z');
  const spec = workload('w', step('a'), step('b', { needs: ['a'] }));
  s.submitSpec({ ...spec, preferred: preferred(HOUR) });
  assert.deepEqual(play(s, s.now + 48 * HOUR), [['2026-05-01T11:00:00', '1.a.0.1']]);
  s.now += 30 * MINUTE;
  s.end('1.a.0.1' as never);
  assert.deepEqual(play(s, s.now + 48 * HOUR), [['2026-05-01T12:30:00', '1.b.0.1']]);
});

test('services and leases wait neither for hours nor for a batch', () => {
  const s = site('2026-05-01T10:00:00Z', batched(1, MINUTE));
  s.submit({ queue: 'batch' });
  const held: StepSpec['run'] = { kind: 'held', ttlMs: HOUR as SpanMs };
  const lease = workload('lease', step('s', { run: held }));
  s.submitSpec({ ...lease, kind: 'lease', queue: 'batch' as never });
  assert.deepEqual(
    s.pass().map((id) => id),
    ['1.s.0.1', '2.s.0.1'],
  );
});

for (const kind of ['easy', 'conservative'] as const) {
  test(`${kind} backfill knows nothing of what waits for its hours`, () => {
    const s = site('2026-05-01T10:00:00Z', { backfill: { kind, depth: 100 } }, 1);
    s.submitSpec(offPeak({ priority: 9, runMs: HOUR }, 24 * HOUR));
    s.submit({ runMs: 20 * HOUR });
    assert.deepEqual(play(s, s.now), [['2026-05-01T10:00:00', '2.s.0.1']]);
    s.endAll();
    assert.deepEqual(play(s, s.now + 24 * HOUR), [['2026-05-01T20:00:00', '1.s.0.1']]);
  });
}

const job = (
  name: string,
  terms: GatherTerms,
  changes: Partial<Omit<StepSpec, 'id' | 'needs'>> = {},
) => workload(name, step('s', { request: resources({ cpu: 1000 }), gather: terms, ...changes }));

test('alike tasks start together when the first has waited long enough', () => {
  for (const restarts of [false, true]) {
    const s = site('2026-05-01T10:00:00Z');
    const again = (one: Site): void => (restarts ? one.restart() : undefined);
    s.submitSpec(job('a', gather(MINUTE, 10)));
    play(s, s.now, again);
    s.now += 40 * SECOND;
    s.submitSpec(job('b', gather(MINUTE, 10)));
    s.submitSpec(job('other', gather(MINUTE, 10, 'other')));
    s.submitSpec(job('anna', gather(MINUTE, 10)), { tenant: 'anna' });
    assert.deepEqual(play(s, s.now + HOUR, again), [
      ['2026-05-01T10:01:00', '1.s.0.1'],
      ['2026-05-01T10:01:00', '2.s.0.1'],
      ['2026-05-01T10:01:40', '3.s.0.1'],
      ['2026-05-01T10:01:40', '4.s.0.1'],
    ]);
    s.submitSpec(job('next', gather(MINUTE, 10)));
    assert.deepEqual(play(s, s.now + HOUR, again), [['2026-05-01T10:02:40', '5.s.0.1']]);
  }
});

test('or as soon as there are enough of them', () => {
  for (const restarts of [false, true]) {
    const s = site('2026-05-01T10:00:00Z');
    const again = (one: Site): void => (restarts ? one.restart() : undefined);
    s.submitSpec(job('a', gather(MINUTE, 3), { count: 2 }));
    assert.deepEqual(play(s, s.now, again), []);
    s.now += 10 * SECOND;
    // One fills the first batch, three are one, and one is left.
    s.submitSpec(job('b', gather(MINUTE, 3), { count: 5 }));
    assert.equal(play(s, s.now, again).length, 6);
    assert.deepEqual(s.why(2), {
      code: 'batch-gathers',
      ready: 1,
      max: 3,
      until: at('2026-05-01T10:01:10Z'),
    });
    assert.equal(
      refusalSentence(s.why(2)!, s.at),
      'waits for others like it to start together, 1 of 3 are ready: it may start at 2026-05-01T10:01:10Z, in 1m 0s',
    );
    assert.deepEqual(play(s, s.now + HOUR, again), [['2026-05-01T10:01:10', '2.s.4.1']]);
  }
});

test('a gang gathers as a whole, and tasks that `parallel` holds back gather once', () => {
  const s = site('2026-05-01T10:00:00Z');
  s.submitSpec(job('gang', gather(MINUTE, 3), { count: 2, gangMin: 2 }));
  s.submitSpec(job('b', gather(MINUTE, 3), { count: 2, gangMin: 2 }));
  assert.equal(play(s, s.now).length, 4);
  s.submitSpec(job('c', gather(MINUTE, 100, 'narrow'), { count: 3, maxParallel: 1 }));
  assert.deepEqual(play(s, s.now + HOUR), [['2026-05-01T10:01:00', '3.s.0.1']]);
  s.now += 5 * SECOND;
  s.end('3.s.0.1' as never);
  assert.deepEqual(play(s, s.now + HOUR), [['2026-05-01T10:01:05', '3.s.1.1']]);
});

test('a workload that is cancelled while it gathers leaves nothing behind', () => {
  const s = site('2026-05-01T10:00:00Z');
  s.submitSpec(job('a', gather(MINUTE, 3)));
  s.pass();
  s.cancel(1);
  s.pass();
  assert.equal(s.engine.nextTimer(), undefined);
  assert.equal(s.engine.state.scheduler.deferred, 0);
  s.now += HOUR;
  s.submitSpec(job('b', gather(MINUTE, 3)));
  assert.deepEqual(play(s, s.now + HOUR), [['2026-05-01T11:01:00', '2.s.0.1']]);
});

test('a queue starts a batch at once when the interval has passed, and the rest of it later', () => {
  for (const restarts of [false, true]) {
    const s = site('2026-05-01T10:00:00Z', batched(3, MINUTE));
    const again = (one: Site): void => (restarts ? one.restart() : undefined);
    s.submit({ queue: 'batch', count: 7 });
    s.submit({});
    const starts = play(s, s.now + HOUR, again);
    assert.deepEqual(
      starts.map(([when]) => when.slice(11)),
      [
        ...['10:00:00', '10:00:00', '10:00:00', '10:00:00'],
        ...['10:01:00', '10:01:00', '10:01:00', '10:02:00'],
      ],
    );
    s.now = at('2026-05-01T10:02:30Z');
    s.submit({ queue: 'batch' });
    play(s, s.now, again);
    const why = s.why(3)!;
    assert.deepEqual(why, {
      code: 'next-batch',
      queue: 'batch',
      started: 1,
      size: 3,
      until: at('2026-05-01T10:03:00Z'),
    });
    assert.equal(
      refusalSentence(why, s.at),
      'queue batch starts work in batches: the next begins at 2026-05-01T10:03:00Z, in 30s',
    );
    assert.deepEqual(play(s, s.now + HOUR, again), [['2026-05-01T10:03:00', '3.s.0.1']]);
    s.now = at('2026-05-01T10:30:00Z');
    s.submit({ queue: 'batch' });
    assert.deepEqual(play(s, s.now, again), [['2026-05-01T10:30:00', '4.s.0.1']]);
  }
});

test('what is of a batch starts as soon as there is room for it, and a retry counts as nothing', () => {
  const s = site('2026-05-01T10:00:00Z', batched(3, MINUTE), 2);
  s.submit({ queue: 'batch', count: 4, retries: 3, gib: 1 });
  assert.deepEqual(s.pass(), ['1.s.0.1', '1.s.1.1']);
  s.now += 5 * SECOND;
  s.end('1.s.0.1' as never, 'lost');
  assert.deepEqual(s.pass(), ['1.s.2.1'], 'the third of the batch');
  s.now += 5 * SECOND;
  s.end('1.s.1.1' as never);
  assert.deepEqual(s.pass(), ['1.s.0.2'], 'a second try is of no batch');
  s.end('1.s.0.2' as never);
  assert.deepEqual(s.pass(), []);
  assert.match(refusalSentence(s.why(1)!, s.at), /of 3 is full: the next begins at .*10:01:00Z/);
  assert.deepEqual(play(s, s.now + HOUR), [['2026-05-01T10:01:00', '1.s.3.1']]);
});

test('a gang starts with its batch or begins the next, even where it is more than one', () => {
  const s = site('2026-05-01T10:00:00Z', batched(3, MINUTE));
  s.submit({ queue: 'batch', count: 2 });
  s.submit({ queue: 'batch', count: 2, gang: 2 });
  s.submit({ queue: 'batch', count: 1 });
  s.submit({ queue: 'batch', count: 5, gang: 5 });
  assert.deepEqual(
    play(s, s.now + HOUR).map(([when, id]) => `${when.slice(11)} ${id.split('.')[0]}`),
    [
      ...['10:00:00 1', '10:00:00 1', '10:00:00 3', '10:01:00 2', '10:01:00 2'],
      ...Array.from({ length: 5 }, () => '10:02:00 4'),
    ],
  );
});

test('without a size all that is ready starts in each batch, in a queue and in those below', () => {
  const below = queueConfig('inner', {
    batch: { size: UNLIMITED, intervalMs: MINUTE as SpanMs },
    children: [queueConfig('one'), queueConfig('two')],
  });
  const s = site('2026-05-01T10:00:00Z', { root: queueConfig('root', { children: [below] }) });
  s.submit({ queue: 'one' });
  s.pass();
  s.now += SECOND;
  s.submit({ queue: 'two', count: 40 });
  s.submit({ queue: 'one', count: 40 });
  const starts = play(s, s.now + HOUR);
  assert.equal(starts.length, 80);
  assert.deepEqual([...new Set(starts.map(([when]) => when))], ['2026-05-01T10:01:00']);
});

/** Workloads as they come: seconds since the last one, and what makes each wait. */
const arrivals = fc.array(
  fc.record({
    after: fc.integer({ min: 0, max: 9 * 3600 }),
    count: fc.integer({ min: 1, max: 5 }),
    queue: fc.constantFrom('default', 'batch'),
    hours: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
    gather: fc.option(fc.constantFrom(gather(MINUTE, 4), gather(7 * HOUR, 9)), { nil: undefined }),
    tenant: fc.constantFrom('ada', 'eve'),
    restart: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

test('property: with room for all, nobody waits longer than it may, and never for nothing', () => {
  fc.assert(
    fc.property(arrivals, (all) => {
      const s = site('2026-10-23T10:00:00Z', batched(UNLIMITED, 10 * MINUTE), 1_000);
      const readyAt: number[] = [];
      const started = new Map<string, number>();
      const starts = (until: number): void => {
        for (const [when, id] of play(s, until)) started.set(id, at(`${when}Z`));
      };
      for (const one of all) {
        starts(s.now + one.after * SECOND);
        s.now = Math.max(s.now, (readyAt.at(-1) ?? s.now) + one.after * SECOND);
        if (one.restart) s.restart();
        const spec = specOf({ count: one.count, queue: one.queue });
        const [only] = spec.steps;
        s.submitSpec(
          {
            ...spec,
            ...(one.hours !== undefined && { preferred: preferred(one.hours * HOUR) }),
            steps: [{ ...only!, ...(one.gather && { gather: one.gather }) }],
          },
          { tenant: one.tenant },
        );
        readyAt.push(s.now);
      }
      starts(s.now + 72 * HOUR);
      for (const [i, one] of all.entries()) {
        const most =
          (one.hours ?? 0) * HOUR +
          (one.gather?.waitMs ?? 0) +
          (one.queue === 'batch' ? 10 * MINUTE : 0);
        for (let task = 0; task < one.count; task++) {
          const start = started.get(`${i + 1}.s.${task}.1`);
          assert.ok(start !== undefined, `${i + 1}.s.${task} starts`);
          const waited = start - readyAt[i]!;
          assert.ok(
            waited >= 0 && waited <= most,
            `${i + 1}.s.${task} waited ${waited} of ${most}`,
          );
        }
      }
    }),
    { numRuns: 100, endOnFailure: true },
  );
});

test('property: a crash at any moment changes no start, and a replay comes to the same state', () => {
  fc.assert(
    fc.property(arrivals, (all) => {
      const live = (restarts: boolean): { s: Site; starts: [string, string][] } => {
        const s = site('2026-03-27T10:00:00Z', batched(3, 10 * MINUTE), 6);
        const starts: [string, string][] = [];
        const again = (one: Site): void => (restarts ? one.restart() : undefined);
        for (const one of all) {
          const until = s.now + one.after * SECOND;
          starts.push(...play(s, until, again));
          s.now = until;
          for (const id of [...s.running.keys()].slice(0, 3)) s.end(id);
          const spec = specOf({ count: one.count, queue: one.queue });
          const [only] = spec.steps;
          const preferredHours = one.hours !== undefined && {
            preferred: preferred(one.hours * HOUR),
          };
          const steps = [{ ...only!, ...(one.gather && { gather: one.gather }) }];
          s.submitSpec({ ...spec, ...preferredHours, steps }, { tenant: one.tenant });
        }
        starts.push(...play(s, s.now + 48 * HOUR, again));
        return { s, starts };
      };
      const { s, starts } = live(false);
      assert.deepEqual(live(true).starts, starts);
      const restored = s.fresh();
      restoreSnapshot(restored.state, takeSnapshot(s.engine.state));
      assert.equal(takeSnapshot(restored.state), takeSnapshot(s.engine.state));
      const replayed = s.fresh();
      for (const event of s.journal) replayed.apply(event);
      assert.equal(takeSnapshot(replayed.state), takeSnapshot(s.engine.state));
      assert.equal(replayed.next(s.at), undefined);
      assert.equal(replayed.nextTimer(), s.engine.nextTimer());
    }),
    { numRuns: 100, endOnFailure: true },
  );
});

test('a thousand workloads that wait for their hours have one timer, and cost a pass nothing', () => {
  const s = site('2026-05-01T10:00:00Z', {}, 10_000);
  for (let i = 0; i < 1_000; i++) s.submitSpec(offPeak({}, 24 * HOUR));
  s.pass();
  assert.equal(s.engine.nextTimer(), at('2026-05-01T20:00:00Z'));
  assert.equal(s.engine.state.scheduler.deferred, 1_000);
  s.now = at('2026-05-01T20:00:00Z');
  assert.equal(s.pass().length, 1_000);
});
