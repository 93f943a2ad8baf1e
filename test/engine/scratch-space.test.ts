import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultSite } from '../../src/app/read-site.ts';
import { bytes, type SpanMs, spanMs, type TimeMs, timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import { noConstraints, type SpacePhase } from '../../src/model/constraints.ts';
import type { AttemptId, TenantId } from '../../src/model/ids.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { bench, endedBy } from '../builders/engine-bench.ts';
import { GIB, node, step, workload } from '../builders/workload.ts';

const HOUR = 3_600_000;
const disk = (gib: number, cpu = 64_000) => ({
  ...node('n', { cpu, memory: 64 * GIB }),
  scratch: bytes(gib * GIB),
});
const phase = (gib: number, forMs?: number): SpacePhase => ({
  name: `${gib}`,
  bytes: bytes(gib * GIB),
  ...(forMs !== undefined && { forMs: spanMs(forMs) }),
});
const plot = (name: string, scratch: readonly SpacePhase[], changes = {}) =>
  workload(name, step('a', { constraints: { ...noConstraints, scratch }, ...changes }));
const two = [phase(240, 3 * HOUR), phase(100)];

test('plots whose peaks would meet are staggered, with why, and start by time alone', () => {
  const b = bench(disk(400));
  assert.ok(b.submit(plot('first', two)).includes('placed 1.a.0.1 on n'));
  assert.deepEqual(b.wait(HOUR), []);
  assert.deepEqual(b.submit(plot('second', two)), ['workload-submitted']);
  const waiting = b.engine.state.task('2.a.0' as never)!;
  assert.deepEqual(b.engine.state.scheduler.refusal(waiting), {
    code: 'scratch-space',
    node: 'n',
    peak: 240 * GIB,
    capacity: 400 * GIB,
    lacking: 80 * GIB,
    until: 3 * HOUR,
  });
  assert.equal(b.engine.nextTimer(), 3 * HOUR);
  assert.deepEqual(b.wait(2 * HOUR - 1), []);
  assert.deepEqual(b.wait(1), ['placed 2.a.0.1 on n']);
});

test('one that ends early makes room at once, and small ones pass', () => {
  const b = bench(disk(400));
  b.submit(plot('first', two));
  b.submit(plot('second', two));
  assert.ok(b.submit(plot('small', [phase(60)])).includes('placed 3.a.0.1 on n'));
  assert.ok(b.end('1.a.0.1').includes('placed 2.a.0.1 on n'));
});

test('what fits now may not fit later: nobody is let in by what was true before', () => {
  const b = bench(disk(100));
  // Little now, all of it from the second hour on.
  b.submit(plot('grows', [phase(10, 2 * HOUR), phase(100)]));
  const short = [phase(50, HOUR), phase(0)];
  assert.ok(b.submit(plot('short', short)).includes('placed 2.a.0.1 on n'));
  b.end('2.a.0.1');
  b.wait(1.5 * HOUR);
  assert.deepEqual(b.submit(plot('late', short)), ['workload-submitted']);
});

test('what never fits is refused when it is submitted, and a node of which nobody said takes any', () => {
  assert.deepEqual(bench(disk(200)).submit(plot('large', two)), ['refused never-fits']);
  assert.ok(bench(node('n')).submit(plot('large', two)).includes('placed 1.a.0.1 on n'));
});

test('a node without room is passed over for one that has some', () => {
  const other = { ...disk(400), id: 'm' as never };
  const b = bench(disk(400), other);
  const placed = ['1', '2', '3'].map((n) => b.submit(plot(n, two))[1]);
  assert.deepEqual(placed, ['placed 1.a.0.1 on n', 'placed 2.a.0.1 on m', undefined]);
});

const realEngine = () =>
  new Engine(
    { tasksMax: 1_000, endedMax: 1_000, lineMs: 100 },
    { scheduler: makeScheduler(defaultSite.scheduling) },
  );

test('a gang starts when all of it fits, and not in part', () => {
  const engine = realEngine();
  const go = (at: number) => settle(engine, at);
  engine.apply({ kind: 'node-joined', at: timeMs(0), node: disk(400) });
  submit(engine, 0, plot('small', [phase(100, HOUR), phase(10)]));
  submit(engine, 0, plot('gang', [phase(190)], { count: 2, gangMin: 2 }));
  assert.deepEqual(go(0), ['1.a.0.1']);
  assert.deepEqual(go(HOUR - 1), []);
  assert.deepEqual(go(HOUR), ['2.a.0.1', '2.a.1.1']);
});

function submit(engine: Engine, at: number, spec: ReturnType<typeof plot>): void {
  const tenant = 'tester' as TenantId;
  for (const event of engine.decide({ kind: 'submit', at: timeMs(at), tenant, spec }).events) {
    engine.apply(event);
  }
}

function settle(engine: Engine, at: number): string[] {
  const placed: string[] = [];
  for (let e = engine.next(at as TimeMs); e !== undefined; e = engine.next(at as TimeMs)) {
    engine.apply(e);
    if (e.kind === 'task-placed') placed.push(e.attempt);
    if (e.kind === 'attempts-lined-up') placed.push(...e.attempts);
  }
  return placed;
}

const random = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('submit' as const),
      count: fc.integer({ min: 1, max: 3 }),
      phases: fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 5 })), {
        minLength: 1,
        maxLength: 3,
      }),
      priority: fc.nat(3),
    }),
    fc.record({ kind: fc.constant('pass' as const), by: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ kind: fc.constant('end' as const), which: fc.nat(5) }),
    fc.record({ kind: fc.constant('crash' as const) }),
  ),
  { minLength: 5, maxLength: 40 },
);

test('through the whole engine, with crashes: never more than the node has, and nobody waits when it is empty', () => {
  fc.assert(
    fc.property(random, (story) => {
      let engine = realEngine();
      let now = 0;
      engine.apply({ kind: 'node-joined', at: timeMs(0), node: disk(12) });
      const held = (t: number): number => {
        let sum = 0;
        for (const { placedAt, task } of engine.state.runningAttempts()) {
          let end: number = placedAt;
          const list = task.step.spec.constraints!.scratch!;
          const current = list.find(({ forMs }) => {
            end += forMs ?? Number.POSITIVE_INFINITY;
            return t < end;
          });
          sum += (current ?? list.at(-1)!).bytes;
        }
        return sum;
      };
      const check = (until: number): void => {
        for (let t = now; t < until; t++)
          assert.ok(held(t) <= 12 * GIB, `${held(t) / GIB} at ${t}`);
      };
      for (const event of story) {
        if (event.kind === 'submit') {
          const { length } = event.phases;
          const scratch = event.phases.map(([gib, span], i) =>
            phase(gib, i < length - 1 ? span : undefined),
          );
          const spec = plot('w', scratch, { count: event.count });
          submit(engine, now, { ...spec, priority: event.priority });
        } else if (event.kind === 'end') {
          const running = [...engine.state.runningAttempts()][event.which];
          if (running !== undefined) end(engine, now, running.id);
        } else if (event.kind === 'crash') {
          const copy = realEngine();
          restoreSnapshot(copy.state, takeSnapshot(engine.state));
          engine = copy;
        } else {
          // The loop wakes at each timer.
          const to = now + event.by;
          for (let due = engine.nextTimer(); due !== undefined && due <= to; ) {
            check(Math.max(now, due));
            now = Math.max(now, due);
            settle(engine, now);
            const next = engine.nextTimer();
            due = next !== undefined && next > now ? next : undefined;
          }
          check(to);
          now = to;
        }
        settle(engine, now);
      }
      check(now + 30);
      const isEmpty = [...engine.state.runningAttempts()].length === 0;
      const waits = [...engine.state.workloads()].some(({ state }) => state === 'active');
      assert.ok(!(isEmpty && waits), 'somebody waits for nothing');
    }),
    { numRuns: 150 },
  );
});

function end(engine: Engine, at: number, attempt: AttemptId): void {
  const told = {
    kind: 'report-ended',
    at: timeMs(at),
    attempt,
    end: endedBy('succeeded'),
  } as const;
  for (const event of engine.decide(told).events) engine.apply(event);
}

test('the timer of a copy that looks ahead tells when it starts', () => {
  const b = bench(disk(400));
  b.submit(plot('first', two));
  b.submit(plot('second', two));
  assert.equal(b.engine.nextTimer(), (3 * HOUR) as SpanMs as number);
});
