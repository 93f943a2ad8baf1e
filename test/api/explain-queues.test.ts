import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explaining, explainWorkload } from '../../src/api/views/explain.ts';
import { workloadSummary } from '../../src/api/views/workload.ts';
import { periodStarts } from '../../src/app/period-starts.ts';
import { timeMs, UNLIMITED } from '../../src/base/units.ts';
import { projectStarts, type Start } from '../../src/engine/projection.ts';
import type { AttemptId, TaskId } from '../../src/model/ids.ts';
import { refusalMeaning, refusalTraits } from '../../src/model/refusal.ts';
import { type Ask, config, guarantee, limit, node, queueConfig, Site } from '../builders/site.ts';

const HOUR = 3_600_000;
const q = queueConfig;
const START = Date.parse('2026-01-01T22:00:00Z');
const quotaStarts = periodStarts({
  timeZone: 'UTC',
  every: 'day',
  from: timeMs(START),
  until: timeMs(START + 9 * 24 * HOUR),
});
const quota = {
  name: 'cpu-day',
  each: true,
  limit: { cpu: 5 * 3_600_000, memory: UNLIMITED, gpu: UNLIMITED },
  window: { kind: 'periods', starts: quotaStarts },
  whenExhausted: 'wait',
} as const;

const cases: Record<string, { site: Site; asks: Ask[]; of: number; want: string }> = {
  'a limit of the queue, with what would fit and what frees it': {
    site: new Site(config([q('a', { limit: limit({ cpu: 4 }) })]), node('n', { cpu: 9000 })),
    asks: [
      { queue: 'a', cpu: 3 },
      { queue: 'a', cpu: 2 },
    ],
    of: 2,
    want: 'asks for 2 CPUs; queue a holds 3 CPUs of its limit of 4 CPUs (would start now with at most 1 CPU, or starts when 1.s.0.1 ends)',
  },
  'a quota, with when it resets and what would fit': {
    site: new Site(config([q('default')], { quotas: [quota] }), node('n', { cpu: 9000 })),
    asks: [
      { cpu: 4, runMs: HOUR },
      { cpu: 2, runMs: HOUR },
    ],
    of: 2,
    want: 'quota cpu-day of ada: 0 CPU-hours used and 4 CPU-hours reserved of 5 CPU-hours, and it needs 2 CPU-hours; it resets in 2h 0m (would start now if it ran for at most 30m 0s, or starts in about 2h 0m)',
  },
  'a cap of running tasks': {
    site: new Site(config([q('a', { runningMax: 1 })]), node('n')),
    asks: [{ queue: 'a' }, { queue: 'a' }],
    of: 2,
    want: 'queue a has 1 running task, and 1 is allowed (starts when 1.s.0.1 ends)',
  },
  'what is dedicated to others': {
    site: new Site(
      config([
        q('a', { guaranteed: guarantee({ cpu: 3 }), lendingLimit: limit({ cpu: 0 }) }),
        q('b'),
      ]),
      node('n', { cpu: 4000 }),
    ),
    asks: [{ queue: 'b', cpu: 2 }],
    of: 1,
    want: 'asks for 2 CPUs; 3 CPUs of the 4 CPUs free in root are kept for other queues (would start now with at most 1 CPU)',
  },
  'who is first in a strict queue': {
    site: new Site(config([q('a', { fifo: 'strict' })]), node('n', { cpu: 2000 })),
    asks: [
      { queue: 'a', cpu: 1 },
      { queue: 'a', cpu: 2 },
      { queue: 'a', cpu: 1 },
    ],
    of: 3,
    want: 'waits behind 2.s.0, which is first in queue a (starts after 2.s.0, whatever is free)',
  },
  'quota before limit, cap, turn and room': {
    site: new Site(
      config([q('default', { fifo: 'strict', runningMax: 1, limit: limit({ cpu: 4 }) })], {
        quotas: [quota],
      }),
      node('n', { cpu: 4000 }),
    ),
    asks: [
      { cpu: 4, runMs: HOUR },
      { cpu: 3, runMs: HOUR },
      { cpu: 2, runMs: HOUR },
    ],
    of: 3,
    want: 'quota cpu-day of ada: 0 CPU-hours used and 4 CPU-hours reserved of 5 CPU-hours, and it needs 2 CPU-hours; it resets in 2h 0m (starts in about 3h 0m, when 2.s.0.1 ends)',
  },
};
for (const [name, { site, asks, of, want }] of Object.entries(cases)) {
  test(`explained: ${name}`, () => {
    site.now = START;
    for (const ask of asks) {
      site.submit(ask);
      site.pass();
    }
    const { state } = site.engine;
    const workload = state.workload(String(of) as never)!;
    const context = explaining(state, site.at, {
      starts: projectStarts(site.engine, site.at),
    });
    assert.equal(explainWorkload(context, workload).steps[0]!.sentence, want);
  });
}

test('every refusal has a meaning and a place in the order of precedence', () => {
  assert.deepEqual(Object.keys(refusalMeaning).sort(), Object.keys(refusalTraits).sort());
});

const foreseen: Record<
  string,
  { interval: Start['interval']; calibration?: { inside: number; of: number }; want: string }
> = {
  'with an interval': {
    interval: { low: timeMs(600_000), high: timeMs(1_800_000) },
    want: 'likely starts in about 20m 0s, between 10m 0s and 30m 0s, most likely when 1.s.0.1 ends',
  },
  'with how often such were right': {
    interval: { low: timeMs(600_000), high: timeMs(1_800_000) },
    calibration: { inside: 163, of: 200 },
    want: 'likely starts in about 20m 0s, between 10m 0s and 30m 0s (163 of 200 such intervals were right here), most likely when 1.s.0.1 ends',
  },
  'open at its end': {
    interval: { low: timeMs(600_000), high: undefined },
    calibration: { inside: 9, of: 9 },
    want: 'likely starts in about 20m 0s, in 10m 0s at the earliest, most likely when 1.s.0.1 ends',
  },
  'without any width': {
    interval: { low: timeMs(1_200_000), high: timeMs(1_200_000) },
    want: 'starts in about 20m 0s, when 1.s.0.1 ends',
  },
};
for (const [name, { interval, calibration, want }] of Object.entries(foreseen)) {
  test(`a start that is foretold ${name}`, () => {
    const site = new Site(config([queueConfig('default')]), node('n', { cpu: 1000 }));
    for (let i = 0; i < 2; i++) site.submit({ runMs: 1_200_000 });
    site.pass();
    const start = { at: timeMs(1_200_000), after: '1.s.0.1' as AttemptId, interval };
    const starts = new Map([['2.s.0' as TaskId, start as Start]]);
    const { state } = site.engine;
    const context = explaining(state, site.at, { starts, ...(calibration && { calibration }) });
    const [reason] = explainWorkload(context, state.workload('2' as never)!).steps[0]!.reasons;
    assert.ok(reason!.change!.endsWith(want), reason!.change!);
    const { low, high } = interval!;
    assert.deepEqual(reason!.starts, {
      at: 1_200_000,
      low,
      high: high ?? null,
      calibration: calibration ?? { inside: 0, of: 0 },
    });
    const { starts: told, reason: sentence } = workloadSummary(
      context,
      state.workload('2' as never)!,
    );
    assert.deepEqual(told, { at: 1_200_000, low, high: high ?? null });
    assert.ok(!sentence!.includes('starts'), 'the list says it in a column of its own');
    assert.equal(workloadSummary(context, state.workload('1' as never)!).starts, undefined);
  });
}
