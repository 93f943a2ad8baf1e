import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type SpanMs, timeMs, UNLIMITED } from '../../src/base/units.ts';
import { projectStarts } from '../../src/engine/projection.ts';
import { exactly, type RunTimeDistribution } from '../../src/forecasting/run-time-distribution.ts';
import type { TaskId, TenantId } from '../../src/model/ids.ts';
import {
  DRAWS_MIN,
  forecastStarts,
  forecastStartsNow,
  type StartForecastOptions,
} from '../../src/simulation/start-times.ts';
import { drawSite } from '../builders/draw-site.ts';
import { config, node, queueConfig, Site, specOf } from '../builders/site.ts';

const site = (cpus = 1): Site =>
  new Site(config([queueConfig('default')]), node('n', { cpu: cpus * 1000 }));

function forecast(of: Site, changes: Partial<StartForecastOptions> = {}) {
  return forecastStartsNow({ ...optionsOf(of), ...changes });
}

function optionsOf(of: Site): StartForecastOptions {
  return {
    fork: () => of.engine.fork(),
    at: of.at,
    runTimeOf: ({ estimateMs }) => (estimateMs === undefined ? undefined : exactly(estimateMs)),
    seed: 1,
    drawsMax: DRAWS_MIN,
    eventsMax: 1_000_000,
  };
}

const taskOf = (workload: number): TaskId => `${workload}.s.0` as TaskId;

/** As likely one as the other. */
const either = (a: number, b: number): RunTimeDistribution => ({
  quantile: (u, elapsedMs = 0) => (u < 0.5 && elapsedMs < a ? a : b),
});

/** Any run time up to `ms` is as likely. */
const upTo = (ms: number): RunTimeDistribution => ({
  quantile: (u, elapsedMs = 0) => elapsedMs + u * (ms - elapsedMs),
});

test('one after the other, with run times that are known', () => {
  const s = site();
  for (const runMs of [10_000, 20_000, 30_000]) s.submit({ runMs });
  s.pass();
  s.now = 4_000;
  const found = forecast(s);
  assert.deepEqual([...found.keys()], [taskOf(2), taskOf(3)]);
  const at = { draws: 9, beyond: 0 };
  assert.deepEqual(found.get(taskOf(2)), {
    low: 10_000,
    median: 10_000,
    high: 10_000,
    ...at,
    after: '1.s.0.1',
  });
  assert.deepEqual(found.get(taskOf(3)), {
    low: 30_000,
    median: 30_000,
    high: 30_000,
    ...at,
    after: '2.s.0.1',
  });
});

test('the interval has what is likely, and the sum of two is nearer to its middle', () => {
  const s = site();
  for (let i = 0; i < 3; i++) s.submit({ runMs: 10_000 });
  s.pass();
  const found = forecast(s, { runTimeOf: () => either(10_000, 90_000), drawsMax: 99 });
  const [second, third] = [found.get(taskOf(2))!, found.get(taskOf(3))!];
  assert.deepEqual([second.low, second.high], [10_000, 90_000]);
  assert.deepEqual([third.low, third.median, third.high], [20_000, 100_000, 180_000]);
});

test('the end that is waited for most often is named', () => {
  const s = site(2);
  s.submit({ runMs: 10_000 });
  s.submit({ runMs: 10_000 });
  s.submit({ runMs: 10_000 });
  s.pass();
  const runTimeOf: StartForecastOptions['runTimeOf'] = ({ id }) =>
    id === taskOf(2) ? exactly(50_000) : either(10_000, 90_000);
  const { after, low, high } = forecast(s, { runTimeOf, drawsMax: 19 }).get(taskOf(3))!;
  assert.deepEqual([low, high], [10_000, 50_000]);
  assert.ok(after === '1.s.0.1' || after === '2.s.0.1');
  const mostly = forecast(s, {
    runTimeOf: ({ id }) => (id === taskOf(2) ? exactly(85_000) : upTo(90_000)),
    drawsMax: 19,
  });
  assert.equal(mostly.get(taskOf(3))!.after, '1.s.0.1');
});

test('where nobody knows when what is in the way ends, nobody knows the start', () => {
  const s = site();
  s.submit({});
  s.submit({ runMs: 5_000 });
  s.pass();
  assert.deepEqual(forecast(s).get(taskOf(2)), {
    low: undefined,
    median: undefined,
    high: undefined,
    draws: 9,
    beyond: 9,
    after: undefined,
  });
});

test('what lies beyond the horizon in some draws has an interval that is open there', () => {
  const s = site();
  for (let i = 0; i < 2; i++) s.submit({ runMs: 10_000 });
  s.pass();
  const found = forecast(s, {
    runTimeOf: () => either(10_000, 90_000),
    drawsMax: 19,
    horizonMs: 50_000,
  });
  const { low, high, draws, beyond } = found.get(taskOf(2))!;
  assert.deepEqual([low, high, draws], [10_000, undefined, 19]);
  assert.ok(beyond === 9 || beyond === 10, 'half of the strata, one of them in either');
});

test('a small budget ends each draw early, and all the more draws', () => {
  const s = site();
  for (let i = 0; i < 40; i++) s.submit({ runMs: 1_000 });
  s.pass();
  const found = forecast(s, { drawsMax: 99, eventsMax: 20 * DRAWS_MIN });
  assert.equal(found.get(taskOf(2))!.draws, DRAWS_MIN);
  assert.equal(found.get(taskOf(2))!.low, 1_000);
  assert.deepEqual(
    [found.get(taskOf(40))!.median, found.get(taskOf(40))!.beyond],
    [undefined, DRAWS_MIN],
  );
  assert.equal(forecast(s, { drawsMax: 99 }).get(taskOf(40))!.median, 39_000);
});

test('who comes later and goes first makes others wait', () => {
  const s = site();
  s.submit({ runMs: 10_000 });
  s.submit({ runMs: 10_000 });
  s.pass();
  const arrivals: StartForecastOptions['arrivals'] = (draw) =>
    [
      {
        kind: 'submit',
        at: timeMs(5_000),
        tenant: 'eve' as TenantId,
        spec: specOf({ priority: 9, runMs: draw % 2 === 0 ? 3_000 : 4_000 }),
      } as const,
    ].values();
  const { low, high } = forecast(s, { arrivals }).get(taskOf(2))!;
  assert.deepEqual([low, high], [13_000, 14_000]);
});

test('the same seed draws the same, in pieces or at once, and another one does not', () => {
  const s = site(2);
  for (let i = 0; i < 30; i++) s.submit({ runMs: 10_000 });
  s.pass();
  const runTimeOf = () => upTo(60_000);
  const once = forecast(s, { runTimeOf });
  assert.deepEqual(forecast(s, { runTimeOf }), once);
  assert.notDeepEqual(forecast(s, { runTimeOf, seed: 2 }), once);
  const pieces = forecastStarts({ ...optionsOf(s), runTimeOf });
  let count = 0;
  let step = pieces.next();
  for (; step.done !== true; step = pieces.next()) count++;
  assert.deepEqual(step.value, once);
  assert.ok(count >= 9 * 28, `${count} pieces`);
});

test('with a grain an end comes a little earlier, but what is planned by is met', () => {
  const s = site();
  for (let i = 0; i < 2; i++) s.submit({ runMs: 100_000 });
  s.pass();
  const startAt = (ms: number): number | undefined =>
    forecast(s, { runTimeOf: () => exactly(ms), grain: 32 }).get(taskOf(2))!.median;
  assert.equal(startAt(99_999), 98_304, '48 steps of 2048 ms');
  assert.equal(startAt(100_000), 100_000);
});

test('only those that are asked for are told, and it costs less', () => {
  const s = site();
  for (let i = 0; i < 20; i++) s.submit({ runMs: 1_000 });
  s.pass();
  const steps = (asked: ReadonlySet<TaskId>) => {
    const pieces = forecastStarts({ ...optionsOf(s), asked });
    let count = 0;
    let step = pieces.next();
    for (; step.done !== true; step = pieces.next()) count++;
    return { count, found: step.value };
  };
  const near = steps(new Set([taskOf(3)]));
  const far = steps(new Set([taskOf(20)]));
  assert.deepEqual([...near.found.keys()], [taskOf(3)]);
  assert.ok(near.count * 4 < far.count, `${near.count} and ${far.count} pieces`);
});

const seeds = fc.integer({ min: 0, max: 1_000_000 });

test('property: with run times that are known, it is what a projection says, without width', () => {
  let told = 0;
  fc.assert(
    fc.property(seeds, (seed) => {
      const { site: s } = drawSite(seed);
      const projected = projectStarts(s.engine, s.at)!;
      // A projection lets what has outlived its estimate run for ever.
      for (const { placedAt, task } of s.engine.state.runningAttempts()) {
        fc.pre(placedAt + (task.estimateMs ?? UNLIMITED) > s.now);
      }
      for (const [id, { low, median, high, after }] of forecast(s, { drawsMax: 2 })) {
        const start = projected.get(id);
        const at = start?.at;
        assert.deepEqual([low, median, high], [at, at, at], id);
        if (at === undefined) continue;
        assert.equal(after, start!.after, id);
        told++;
      }
    }),
    { numRuns: 40 },
  );
  assert.ok(told > 30, `${told} starts`);
});

test('property: low, median and high are in order, none is past, and the least is none too late', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { site: s } = drawSite(seed);
      for (const { low, median, high, beyond } of forecast(s, {
        runTimeOf: () => upTo(900_000),
      }).values()) {
        assert.ok((low ?? s.now) >= s.now && beyond >= 0, `${low}, ${beyond}`);
        assert.ok(
          (low ?? Infinity) <= (median ?? Infinity) && (median ?? Infinity) <= (high ?? Infinity),
        );
      }
    }),
    { numRuns: 20 },
  );
});

test('of starts that are as likely as those drawn, eight tenths lie inside, with nine draws as with more', () => {
  for (const drawsMax of [9, 19]) {
    let inside = 0;
    const rounds = 250;
    const s = site(2);
    for (let i = 0; i < 6; i++) s.submit({ runMs: 10_000 });
    s.pass();
    const options = optionsOf(s);
    for (let seed = 0; seed < rounds; seed++) {
      const asked = new Set([taskOf(6)]);
      const made = { ...options, asked, runTimeOf: () => upTo(60_000) };
      const { low, high } = forecastStartsNow({ ...made, seed, drawsMax }).get(taskOf(6))!;
      const truth = forecastStartsNow({ ...made, seed: seed + 1_000_000, drawsMax: 1 });
      const came = truth.get(taskOf(6))!.median!;
      if (came >= low! && came <= high!) inside++;
    }
    assert.ok(Math.abs(inside / rounds - 0.8) < 0.06, `${inside / rounds} of ${drawsMax} draws`);
  }
});

test('a task that others stand before starts when they have gone, however long they take to stop', () => {
  const s = site();
  s.submit({ runMs: 60_000, wallMs: 60_000 });
  s.submit({ runMs: 10_000 });
  s.pass();
  s.now = 10_000;
  s.cancel(1);
  s.pass();
  assert.equal(forecast(s).get(taskOf(2))!.high, 10_000 + (0 as SpanMs));
});
