import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { timeMs } from '../../src/base/units.ts';
import { OperationError } from '../../src/model/errors.ts';
import { type HistoryPoint, openHistory } from '../../src/store/io/history.ts';
import { scratch } from './scratch.ts';

const START = 1_800_000_000_000;
const HOUR = 3_600_000;

function opened(t: TestContext, file = join(scratch(t), 'history.db')) {
  const problems: unknown[] = [];
  const history = openHistory({ file, onProblem: (problem) => problems.push(problem) });
  t.after(() => history.close());
  return { file, history, problems };
}

const whole = (column: string) => ({
  column,
  from: timeMs(START),
  to: timeMs(START + HOUR),
  pointsMax: 10_000,
});

test('a recorded sample is seen at once, and unknown stays unknown', (t) => {
  const { history } = opened(t);
  history.record({ at: timeMs(START), values: { cpu: 0.5, memory: undefined, io: Number.NaN } });
  history.record({ at: timeMs(START + 1000), values: { cpu: 0.25, memory: 7 } });
  const point = (at: number, v: number) => ({ at, min: v, max: v, mean: v, last: v });
  assert.deepEqual(history.query(whole('cpu')), [point(START, 0.5), point(START + 1000, 0.25)]);
  assert.deepEqual(history.query(whole('memory')), [point(START + 1000, 7)]);
  assert.deepEqual(history.query(whole('io')), []);
  assert.deepEqual(history.query(whole('never heard of')), []);
});

/** The obvious way: all samples in memory, one bucket after the other. */
function merged(samples: readonly (readonly [number, number])[], step: number): HistoryPoint[] {
  const buckets = Map.groupBy(samples, ([at]) => Math.floor(at / step) * step);
  return [...buckets].map(([at, group]) => {
    const values = group.map(([, value]) => value);
    return {
      at,
      min: Math.min(...values),
      max: Math.max(...values),
      mean: values.reduce((sum, v) => sum + v, 0) / values.length,
      last: values.at(-1)!,
    };
  });
}

test('merged points equal those of the obvious way, and are never too many', (t) => {
  const gaps = fc.array(fc.integer({ min: 100, max: 90_000 }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 2, max: 50 }), fc.nat(1000), (gaps, pointsMax, seed) => {
      const { history } = opened(t, ':memory:');
      let at = START;
      const samples = gaps.map((gap, i) => {
        at += gap;
        return [at, (i * 37 + seed) % 101] as const;
      });
      for (const [time, v] of samples) history.record({ at: timeMs(time), values: { v } });
      const points = history.query({ column: 'v', from: timeMs(START), to: timeMs(at), pointsMax });
      history.close();
      assert.ok(points.length <= pointsMax);
      const step = Math.max(1, Math.ceil((at - START) / (pointsMax - 1) / 1000)) * 1000;
      const want = merged(samples, step);
      assert.equal(points.length, want.length);
      for (const [i, point] of points.entries()) {
        const { mean, ...rest } = want[i]!;
        assert.ok(Math.abs(point.mean - mean) < 1e-9, `${point.mean} for ${mean}`);
        assert.deepEqual({ ...point, mean: undefined }, { ...rest, mean: undefined });
      }
    }),
    { numRuns: 60 },
  );
});

test('minutes outlive seconds, and both end', (t) => {
  const { file, history } = opened(t);
  // One sample every ten minutes, for 31 days.
  const days = 31 * 24 * HOUR;
  for (let after = 0; after <= days; after += HOUR / 6) {
    history.record({ at: timeMs(START + after), values: { v: after } });
  }
  const all = history.query({
    column: 'v',
    from: timeMs(START),
    to: timeMs(START + days),
    pointsMax: 100_000,
  });
  assert.equal(all.length, 30 * 24 * 6 + 1);
  assert.equal(all[0]?.at, START + 24 * HOUR);
  history.close();
  using db = new DatabaseSync(file);
  assert.equal(db.prepare('select count(*) as n from second').get()?.['n'], 13);
});

test('what was written is there after a crash, and the running minute is completed', (t) => {
  const { file, history } = opened(t);
  for (let s = 0; s < 20; s++) history.record({ at: timeMs(START + s * 1000), values: { v: s } });
  // As SIGKILL would leave it: both files copied while it is open.
  const copy = join(scratch(t), 'history.db');
  for (const part of ['', '-wal']) writeFileSync(copy + part, readFileSync(file + part));
  const { history: again, problems } = opened(t, copy);
  for (let s = 20; s < 40; s++) again.record({ at: timeMs(START + s * 1000), values: { v: s } });
  again.close();
  assert.deepEqual(problems, []);
  using db = new DatabaseSync(copy);
  assert.deepEqual(
    { ...db.prepare('select count, min, max, mean, last from minute').get() },
    { count: 40, min: 0, max: 39, mean: 19.5, last: 39 },
  );
});

test('a damaged file is set aside, said so, and a new one begun', (t) => {
  const file = join(scratch(t), 'history.db');
  writeFileSync(file, 'scribble '.repeat(1000));
  const { history, problems } = opened(t, file);
  assert.ok(problems[0] instanceof OperationError && problems[0].code === 'STATE_CORRUPT');
  assert.ok(existsSync(`${file}.damaged`));
  history.record({ at: timeMs(START), values: { v: 1 } });
  history.close();
  const { history: again, problems: none } = opened(t, file);
  assert.equal(again.query(whole('v')).length, 1);
  assert.deepEqual(none, []);
});

test('where no file can be had, memory serves and the reason is told', (t) => {
  const { history, problems } = opened(t, join(scratch(t), 'nowhere', 'history.db'));
  assert.ok(problems[0] instanceof OperationError && problems[0].code === 'STATE_UNWRITABLE');
  history.record({ at: timeMs(START), values: { v: 1 } });
  assert.equal(history.query(whole('v')).length, 1);
});

test('a write that fails drops its samples, counts them, and is told once', (t) => {
  const { file, history, problems } = opened(t);
  history.record({ at: timeMs(START), values: { v: 1 } });
  history.query(whole('v'));
  history.close();
  {
    using db = new DatabaseSync(file);
    db.exec(`create trigger full before insert on second when new.name = 'bad'
             begin select raise(abort, 'no'); end`);
  }
  const { history: again, problems: told } = opened(t, file);
  const bad = { at: timeMs(START), values: { bad: 1 } };
  for (let i = 0; i < 20; i++) again.record(bad);
  assert.equal(again.droppedSamples, 20);
  assert.equal(told.length, 1);
  again.record({ at: timeMs(START + 5000), values: { v: 2 } });
  assert.equal(again.query(whole('v')).length, 2);
  assert.deepEqual(problems, []);
});

test('more columns than the bound are dropped, those known before are not', (t) => {
  const { history } = opened(t);
  const values = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`c${i}`, i]));
  history.record({ at: timeMs(START), values });
  assert.equal(history.query(whole('c255')).length, 1);
  assert.equal(history.query(whole('c256')).length, 0);
});
