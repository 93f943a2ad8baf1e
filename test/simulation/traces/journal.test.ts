import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Heap } from '../../../src/base/heap.ts';
import { type TimeMs, timeMs } from '../../../src/base/units.ts';
import { Engine } from '../../../src/engine/engine.ts';
import type { AttemptEnd, EndCause } from '../../../src/model/attempt.ts';
import type { AttemptId, TenantId, WorkloadId } from '../../../src/model/ids.ts';
import type { Command, Event } from '../../../src/model/messages.ts';
import type { WorkloadSpec } from '../../../src/model/workload.ts';
import { EasyScheduler } from '../../../src/scheduling/easy-scheduler.ts';
import { firstFit } from '../../../src/scheduling/scorers/first-fit.ts';
import { readGenerator } from '../../../src/simulation/generators/registry.ts';
import type { Trace } from '../../../src/simulation/trace.ts';
import { type JournalWindow, readJournal } from '../../../src/simulation/traces/journal.ts';
import { node, step, workload } from '../../builders/workload.ts';
import { arbitraryEvent } from '../../store/arbitrary-event.ts';

const at = (seconds: number) => timeMs(seconds * 1000);
const joined = (s: number, id: string): Event => ({
  kind: 'node-joined',
  at: at(s),
  node: node(id),
});
const left = (s: number, id: string): Event => ({
  kind: 'node-left',
  at: at(s),
  node: id as never,
});
const submitted = (
  s: number,
  id: number,
  spec: WorkloadSpec = workload('w', step('s')),
): Event => ({
  kind: 'workload-submitted',
  at: at(s),
  workload: String(id) as WorkloadId,
  tenant: 'ada' as TenantId,
  spec,
});
const placed = (s: number, attempt: string): Event => ({
  kind: 'task-placed',
  at: at(s),
  attempt: attempt as AttemptId,
  placement: { node: 'a' as never, held: step('s').request, gpus: [], memoryLimit: 0 as never },
});
const ended = (s: number, attempt: string, cause: EndCause = 'succeeded'): Event => ({
  kind: 'task-ended',
  at: at(s),
  attempt: attempt as AttemptId,
  end: {
    cause,
    usage: {},
    enforced: { driver: 'unknown', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
  },
});

/** The courses that the tasks of each job take in their first attempts. */
function read(events: readonly Event[], window?: JournalWindow, attempts = 3) {
  const trace = readJournal(events, window);
  const jobs = [...trace.jobs].map((job) => {
    const courses = job.spec.steps.flatMap(({ id, count }) =>
      Array.from({ length: count }, (_, index) =>
        Array.from({ length: attempts }, (_, i) => {
          const course = job.truth?.({ step: id, index, attempt: i + 1 });
          const { runMs, outcome } = course ?? { runMs: job.runMs, outcome: 'succeeded' };
          return `${runMs / 1000}${outcome === 'failed' ? ' failed' : ''}`;
        }).join(', '),
      ),
    );
    return { id: job.id, at: job.at / 1000, courses };
  });
  return { ...trace, jobs };
}

const cases: Record<string, { events: readonly Event[]; want: readonly string[] }> = {
  'as long as it had its place': {
    events: [placed(5, '1.s.0.1'), ended(65, '1.s.0.1')],
    want: ['60, 60, 60'],
  },
  'it fails, and its retry does not': {
    events: [
      placed(5, '1.s.0.1'),
      ended(15, '1.s.0.1', 'oom-killed'),
      placed(20, '1.s.0.2'),
      ended(50, '1.s.0.2'),
    ],
    want: ['10 failed, 30, 30'],
  },
  'it fails for good': {
    events: [placed(5, '1.s.0.1'), ended(15, '1.s.0.1', 'failed')],
    want: ['10 failed, 10 failed, 10 failed'],
  },
  'what the site stopped is as if it had not been tried': {
    events: [
      placed(0, '1.s.0.1'),
      ended(90, '1.s.0.1', 'preempted'),
      placed(95, '1.s.0.2'),
      ended(125, '1.s.0.2'),
    ],
    want: ['30, 30, 30'],
  },
  'stopped every time: as long as the longest': {
    events: [
      placed(0, '1.s.0.1'),
      ended(90, '1.s.0.1', 'preempted'),
      placed(95, '1.s.0.2'),
      ended(99, '1.s.0.2', 'cancelled'),
    ],
    want: ['90, 90, 90'],
  },
  'it failed, and what came then was stopped': {
    events: [
      placed(0, '1.s.0.1'),
      ended(9, '1.s.0.1', 'failed'),
      placed(10, '1.s.0.2'),
      ended(30, '1.s.0.2', 'lost'),
    ],
    want: ['9 failed, 20, 20'],
  },
  'it still runs: as long as it did': {
    events: [placed(10, '1.s.0.1'), joined(40, 'b')],
    want: ['30, 30, 30'],
  },
};
for (const [name, { events, want }] of Object.entries(cases)) {
  test(`a journal: ${name}`, () => {
    const { jobs, count } = read([joined(0, 'a'), submitted(0, 1), ...events]);
    assert.equal(count, 1);
    assert.deepEqual(jobs, [{ id: '1', at: 0, courses: want }]);
  });
}

test('a journal: tasks of steps have courses of their own; one that had no turn takes as long as the longest', () => {
  const spec = workload('w', step('a', { count: 3 }), step('b', { needs: ['a'] }));
  const { jobs } = read(
    [
      submitted(0, 1, spec),
      placed(0, '1.a.0.1'),
      placed(0, '1.a.1.1'),
      ended(10, '1.a.0.1'),
      ended(20, '1.a.1.1'),
      placed(20, '1.b.0.1'),
      ended(21, '1.b.0.1', 'failed'),
    ],
    {},
    1,
  );
  assert.deepEqual(jobs[0]!.courses, ['10', '20', '20', '1 failed']);
});

test('a journal: attempts in a line begin when the one before them has succeeded', () => {
  const spec = workload('w', step('s', { count: 3 }));
  const line: Event = {
    kind: 'attempts-lined-up',
    at: at(0),
    behind: '1.s.0.1' as AttemptId,
    attempts: ['1.s.1.1', '1.s.2.1'] as AttemptId[],
  };
  const { jobs } = read(
    [
      submitted(0, 1, spec),
      placed(0, '1.s.0.1'),
      line,
      ended(10, '1.s.0.1'),
      ended(12, '1.s.1.1', 'failed'),
      ended(12, '1.s.2.1', 'unstarted'),
      placed(15, '1.s.2.2'),
      ended(20, '1.s.2.2'),
    ],
    {},
    1,
  );
  assert.deepEqual(jobs[0]!.courses, ['10', '2 failed', '5']);
});

test('a journal: what never started is left out and counted', () => {
  const { jobs, skipped } = read([
    submitted(0, 1),
    submitted(1, 2),
    placed(2, '2.s.0.1'),
    ended(3, '2.s.0.1'),
  ]);
  assert.deepEqual(
    jobs.map(({ id }) => id),
    ['2'],
  );
  assert.deepEqual(skipped, [{ why: 'it never started', count: 1, line: 1 }]);
});

test('a journal: it came when it was spilled, and keeps that time', () => {
  const spilled: Event = {
    kind: 'workload-spilled',
    at: at(3),
    workload: '2' as WorkloadId,
    tenant: 'ada' as TenantId,
    queue: 'default' as never,
  };
  const { jobs } = read([
    submitted(1, 1),
    spilled,
    submitted(4, 3),
    submitted(9, 2),
    ...[1, 2, 3].flatMap((id) => [placed(10, `${id}.s.0.1`), ended(11, `${id}.s.0.1`)]),
  ]);
  assert.deepEqual(
    jobs.map(({ id, at }) => [id, at]),
    [
      ['1', 1],
      ['2', 3],
      ['3', 4],
    ],
  );
});

const life = [
  joined(0, 'a'),
  joined(0, 'b'),
  submitted(1, 1),
  placed(1, '1.s.0.1'),
  left(5, 'b'),
  joined(6, 'c'),
  submitted(10, 2),
  placed(10, '2.s.0.1'),
  submitted(20, 3),
  placed(21, '3.s.0.1'),
  ended(30, '1.s.0.1'),
  ended(31, '2.s.0.1'),
  ended(32, '3.s.0.1'),
];
const windows: Record<
  string,
  { window: JournalWindow; want: readonly [readonly string[], readonly string[]] }
> = {
  'all of it': {
    window: {},
    want: [
      ['1', '2', '3'],
      ['a', 'b'],
    ],
  },
  'from a time on': {
    window: { from: at(8) },
    want: [
      ['2', '3'],
      ['a', 'c'],
    ],
  },
  'up to a time': {
    window: { until: at(20) },
    want: [
      ['1', '2'],
      ['a', 'b'],
    ],
  },
};
for (const [name, { window, want }] of Object.entries(windows)) {
  test(`a window of a journal: ${name}`, () => {
    const { jobs, nodes } = read(life, window);
    assert.deepEqual([jobs.map(({ id }) => id), nodes!.map(({ id }) => id)], want);
  });
}

test('a journal: a lease and a service are jobs that hold the same for as long', () => {
  const held = step('s', { run: { kind: 'held', ttlMs: 60_000 as never } });
  const kept = step('s', { count: 2, service: {} as never });
  const { jobs } = read(
    [
      submitted(0, 1, { ...workload('l', held), kind: 'lease' }),
      submitted(0, 2, {
        ...workload('v', kept),
        kind: 'service',
        submittedBy: '9.s.0' as never,
        source: 'x',
      }),
      placed(0, '1.s.0.1'),
      ended(40, '1.s.0.1', 'cancelled'),
      placed(0, '2.s.0.1'),
      placed(0, '2.s.1.1'),
      ended(10, '2.s.0.1', 'failed'),
      placed(12, '2.s.0.2'),
      ended(100, '2.s.0.2', 'cancelled'),
    ],
    {},
    1,
  );
  assert.deepEqual(
    jobs.map(({ courses }) => courses),
    [['40'], ['100', '100']],
  );
  const specs = [
    ...readJournal([
      submitted(0, 2, { ...workload('v', kept), kind: 'service', source: 'x' }),
      placed(0, '2.s.0.1'),
    ]).jobs,
  ];
  assert.deepEqual(
    specs.map(({ spec }) => [
      spec.kind,
      spec.source,
      spec.steps[0]!.service,
      spec.steps[0]!.run.kind,
    ]),
    [['job', '', undefined, 'shell']],
  );
});

/** What happens when a trace runs on its nodes: at one instant ends first, then arrivals, then a pass. */
function run({ jobs, nodes }: Trace): Event[] {
  const engine = new Engine(
    { tasksMax: 10_000, endedMax: 10 },
    {
      scheduler: (deps) =>
        new EasyScheduler(deps, firstFit, { backfill: 'queue-order', depth: 1_000 }),
    },
  );
  const events: Event[] = [];
  const all = [...jobs];
  const ends = new Heap<{ at: number; attempt: AttemptId }>(
    (a, b) => a.at < b.at || (a.at === b.at && a.attempt < b.attempt),
  );
  const apply = (event: Event): void => {
    engine.apply(event);
    events.push(event);
    if (event.kind !== 'task-placed') return;
    const job = all[Number.parseInt(event.attempt, 10) - 1]!;
    ends.push({ at: event.at + job.runMs, attempt: event.attempt });
  };
  const send = (command: Command): void => engine.decide(command).events.forEach(apply);
  for (const one of nodes!) send({ kind: 'join-node', at: all[0]!.at, node: one });
  for (let next = 0; next < all.length || ends.size > 0; ) {
    const now = Math.min(all[next]?.at ?? Infinity, ends.peek()?.at ?? Infinity) as TimeMs;
    while (ends.peek()?.at === now) {
      const { attempt } = ends.pop();
      const end = (ended(0, attempt) as Extract<Event, { kind: 'task-ended' }>).end;
      send({ kind: 'report-ended', at: now, attempt, end: end as AttemptEnd });
    }
    for (; all[next]?.at === now; next++) {
      const { tenant, spec } = all[next]!;
      send({ kind: 'submit', at: now, tenant, spec });
    }
    for (let e = engine.next(now); e !== undefined; e = engine.next(now)) apply(e);
  }
  return events;
}

test('a trace that ran is the same when it is read back from its journal, and runs the same again', () => {
  const generator = readGenerator('hyper-exponential:jobs=400,procs=64,load=1.2');
  assert.ok(generator.ok);
  const trace = generator.generator.generate(generator.values, 9);
  const events = run(trace);
  const back = readJournal(events);
  assert.deepEqual(back.nodes, trace.nodes);
  assert.deepEqual([...back.jobs], [...trace.jobs]);
  assert.deepEqual(run(back), events);
});

test('a journal: whatever its events are, it is a trace', () => {
  fc.assert(
    fc.property(fc.array(arbitraryEvent, { maxLength: 40 }), (events) => {
      const { jobs, count } = readJournal(events);
      let seen = 0;
      for (const { runMs, truth, spec } of jobs) {
        for (const { id } of spec.steps) truth?.({ step: id, index: 0, attempt: 1 });
        assert.ok(!Number.isNaN(runMs));
        seen++;
      }
      assert.equal(seen, count);
    }),
    { numRuns: 200 },
  );
});
