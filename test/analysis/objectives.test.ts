import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  budgetLeft,
  burnWindows,
  CountRing,
  ObjectiveBook,
} from '../../src/analysis/objectives.ts';
import type { Occurrence } from '../../src/analysis/operations-ledger.ts';
import type { BasisPoints, SpanMs } from '../../src/base/units.ts';
import type { Objective } from '../../src/model/objective.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const objective = (changes: Partial<Objective> = {}): Objective => ({
  name: 'jobs',
  target: 9_900 as BasisPoints,
  periodMs: (30 * DAY) as SpanMs,
  indicator: { kind: 'jobs' },
  only: {},
  ...changes,
});

/** All windows see the same share of bad ones, as far back as there are any. */
const constant =
  (badShare: number, forMs = Number.POSITIVE_INFINITY) =>
  (spanMs: number) => {
    const bad = Math.min(spanMs, forMs) * badShare;
    return { good: spanMs - bad, bad };
  };

test('windows and thresholds are those of the SRE workbook for 30 days, and scale with the period', () => {
  const spans = (periodMs: number) =>
    burnWindows(objective({ periodMs: periodMs as SpanMs }), constant(0)).map(
      ({ longMs, shortMs, threshold }) => [longMs / MINUTE, shortMs / MINUTE, threshold],
    );
  assert.deepEqual(spans(30 * DAY), [
    [60, 5, 14.4],
    [360, 30, 6],
    [4_320, 360, 1],
  ]);
  assert.deepEqual(spans(3 * DAY), [
    [6, 0.5, 14.4],
    [36, 3, 6],
    [432, 36, 1],
  ]);
});

const firing = (badShare: number, forMs?: number): string[] =>
  burnWindows(objective(), constant(badShare, forMs))
    .filter(({ fires }) => fires)
    .map(({ severity, threshold }) => `${severity} ${threshold}`);

test('with 99 %, an error rate of 15 % fires everything, 7 % the slower two, 2 % the slowest', () => {
  assert.deepEqual(firing(0.15), ['critical 14.4', 'critical 6', 'warning 1']);
  assert.deepEqual(firing(0.07), ['critical 6', 'warning 1']);
  assert.deepEqual(firing(0.02), ['warning 1']);
  assert.deepEqual(firing(0.005), []);
});

test('a burst that has ended fires no more where the short window is past it', () => {
  // Everything was bad from 60 until 20 minutes ago.
  const within = (spanMs: number) => {
    const bad = Math.max(0, Math.min(spanMs, HOUR) - 20 * MINUTE);
    return { good: spanMs - bad, bad };
  };
  const fires = burnWindows(objective(), within).map((one) => one.fires);
  assert.deepEqual(fires, [false, true, false]);
});

test('a burst that was over quickly fires nothing: the long window has forgotten it, or the short one has', () => {
  assert.deepEqual(firing(1, MINUTE), []);
});

test('an objective of 99 % with 1 bad of 100 has spent its budget, and with 2 twice that', () => {
  assert.ok(Math.abs(budgetLeft(objective(), { good: 99, bad: 1 })!) < 1e-9);
  assert.ok(Math.abs(budgetLeft(objective(), { good: 98, bad: 2 })! + 1) < 1e-9);
  assert.equal(budgetLeft(objective(), { good: 0, bad: 0 }), undefined);
});

test('a ring counts what a list of all that happened counts, to a bucket', () => {
  const periodMs = 43_200_000;
  const bucket = 1_000;
  const steps = fc.array(fc.tuple(fc.nat(5_000_000), fc.boolean()), { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.nat(60_000_000), (drawn, span) => {
      const ring = new CountRing(periodMs);
      const all: { at: number; good: boolean }[] = [];
      let at = 1_700_000_000_000;
      for (const [pass, good] of drawn) {
        at += pass;
        ring.add(at, good ? 1 : 0, good ? 0 : 1);
        all.push({ at, good });
      }
      const buckets = Math.min(43_200, Math.max(1, Math.round(span / bucket)));
      const oldest = (Math.floor(at / bucket) - buckets + 1) * bucket;
      const seen = all.filter((one) => one.at >= oldest);
      assert.deepEqual(ring.within(span, at), {
        good: seen.filter(({ good }) => good).length,
        bad: seen.filter(({ good }) => !good).length,
      });
    }),
  );
});

const whose = { workload: '1', name: 'train', tenant: 'ada', queue: 'default' } as never;
const T0 = 1_700_000_000_000;

const ended = (at: number, state: 'succeeded' | 'failed' | 'cancelled'): Occurrence => ({
  kind: 'workload-ended',
  at,
  whose,
  of: 'job',
  state,
  tookMs: 1,
});
const placed = (at: number, waitMs: number, isHandoff = false): Occurrence => ({
  kind: 'task-placed',
  at,
  whose,
  step: 's',
  waitMs,
  isHandoff,
});
const ran = (
  at: number,
  cause: 'succeeded' | 'failed' | 'preempted',
  tookMs: number,
): Occurrence => ({
  kind: 'attempt-ended',
  at,
  whose,
  step: 's',
  attempt: '1.s.0.1' as never,
  node: 'n',
  cause,
  tookMs,
});
const service = (at: number, state: 'up' | 'down' | 'off'): Occurrence => ({
  kind: 'service',
  at,
  whose,
  state,
});

const cases: Record<
  string,
  { objective: Partial<Objective>; told: readonly Occurrence[]; want: readonly [number, number] }
> = {
  'jobs: what was cancelled does not count': {
    objective: {},
    told: [ended(T0, 'succeeded'), ended(T0, 'failed'), ended(T0, 'cancelled')],
    want: [1, 1],
  },
  'waiting: as long as it may is good': {
    objective: { indicator: { kind: 'waiting', belowMs: 1_000 as SpanMs } },
    told: [placed(T0, 1_000), placed(T0, 1_001), placed(T0, 0, true)],
    want: [2, 1],
  },
  'handoff: the first step does not count': {
    objective: { indicator: { kind: 'handoff', belowMs: 100 as SpanMs } },
    told: [placed(T0, 500), placed(T0, 50, true), placed(T0, 500, true)],
    want: [1, 1],
  },
  'runs: failed is bad, stopped does not count': {
    objective: { indicator: { kind: 'runs', belowMs: 100 as SpanMs } },
    told: [
      ran(T0, 'succeeded', 100),
      ran(T0, 'succeeded', 101),
      ran(T0, 'failed', 1),
      ran(T0, 'preempted', 1),
    ],
    want: [1, 2],
  },
  'availability: time up and down, and none while it is not wanted': {
    objective: { indicator: { kind: 'availability' } },
    told: [service(T0, 'up'), service(T0 + HOUR, 'down'), service(T0 + 2 * HOUR, 'off')],
    want: [HOUR, HOUR],
  },
  'only of a queue': {
    objective: { only: { queue: 'other' } },
    told: [ended(T0, 'failed')],
    want: [0, 0],
  },
  'only of a step': {
    objective: { indicator: { kind: 'waiting', belowMs: 1 as SpanMs }, only: { step: 's' } },
    told: [placed(T0, 0)],
    want: [1, 0],
  },
};
for (const [sentence, { objective: changes, told, want }] of Object.entries(cases)) {
  test(sentence, () => {
    const book = new ObjectiveBook([objective(changes)]);
    for (const one of told) book.add(one);
    const [state] = book.states(T0 + 3 * HOUR);
    assert.deepEqual([Math.round(state!.counts.good), Math.round(state!.counts.bad)], want);
  });
}

test('a service that is up still counts up to now, once, however often somebody asks', () => {
  const book = new ObjectiveBook([objective({ indicator: { kind: 'availability' } })]);
  book.add(service(T0, 'up'));
  book.states(T0 + HOUR);
  book.states(T0 + HOUR);
  const [state] = book.states(T0 + 2 * HOUR);
  assert.ok(Math.abs(state!.counts.good - 2 * HOUR) < 1, String(state!.counts.good));
});

test('who waits too long is bad before he is placed', () => {
  const waiting = objective({ indicator: { kind: 'waiting', belowMs: HOUR as SpanMs } });
  const book = new ObjectiveBook([waiting]);
  book.add(placed(T0, 0));
  const still = { whose, step: 's', since: T0 - 2 * HOUR, isHandoff: false };
  const bad = (since: number): number => book.states(T0, [{ ...still, since }])[0]!.counts.bad;
  assert.equal(bad(T0 - HOUR / 2), 0);
  assert.equal(bad(T0 - 2 * HOUR), 1);
});
