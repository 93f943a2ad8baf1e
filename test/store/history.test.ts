import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { timeMs } from '../../src/base/units.ts';
import { OperationError } from '../../src/model/errors.ts';
import { openHistory } from '../../src/store/io/history.ts';
import { type Reading, type SeriesPoint, seriesKey } from '../../src/telemetry/metric.ts';
import { scratch } from './scratch.ts';

/** The beginning of a day, UTC. */
const START = 1_800_057_600_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function opened(t: TestContext, file = join(scratch(t), 'history.db'), bytesMax = 2 ** 29) {
  const problems: unknown[] = [];
  const onProblem = (problem: unknown) => problems.push(problem);
  const history = openHistory({ file, onProblem, bytesMax });
  t.after(() => history.close());
  return { file, history, problems };
}

const reading = (name: string, value: number, labels = {}): Reading => ({ name, labels, value });
const window = (name: string, from = 0, to = HOUR, pointsMax = 10_000) => ({
  name,
  from: timeMs(START + from),
  to: timeMs(START + to),
  pointsMax,
});

type History = ReturnType<typeof openHistory>;
const pointsOf = (history: History, ...asked: Parameters<typeof window>): readonly SeriesPoint[] =>
  history.query(window(...asked))[0]?.points ?? [];

test('a recorded reading is seen at once, and unknown stays unknown', (t) => {
  const { history } = opened(t);
  history.record(timeMs(START), [reading('cpu', 0.5), reading('io', Number.NaN)]);
  history.record(timeMs(START + 1000), [reading('cpu', 0.25), reading('memory', 7)]);
  const point = (at: number, v: number) => ({ at, min: v, max: v, mean: v, last: v, count: 1 });
  assert.deepEqual(pointsOf(history, 'cpu'), [point(START, 0.5), point(START + 1000, 0.25)]);
  assert.deepEqual(pointsOf(history, 'memory'), [point(START + 1000, 7)]);
  assert.deepEqual(history.query(window('io')), []);
  assert.deepEqual(history.query(window('never heard of')), []);
  assert.deepEqual(history.names(), ['cpu', 'memory']);
});

test('series are told by their labels, those with the greatest mean first', (t) => {
  const { history } = opened(t);
  const of = (value: number, labels: object) => reading('busy', value, labels);
  for (let s = 0; s < 3; s++) {
    history.record(timeMs(START + s * 1000), [
      of(1, { cpu: '0', mode: 'user' }),
      of(3, { cpu: '1', mode: 'user' }),
      of(2, { mode: 'idle', cpu: '0' }),
    ]);
  }
  const keys = (labels?: object, seriesMax?: number) =>
    history
      .query({
        ...window('busy'),
        ...(labels && { labels }),
        ...(seriesMax && { seriesMax }),
      } as never)
      .map(({ key }) => key);
  const [user0, user1, idle] = [
    'busy{cpu="0",mode="user"}',
    'busy{cpu="1",mode="user"}',
    'busy{cpu="0",mode="idle"}',
  ];
  assert.deepEqual(keys(), [user1, idle, user0]);
  assert.deepEqual(keys({ cpu: '0' }), [idle, user0]);
  assert.deepEqual(keys({ cpu: '0', mode: 'user' }), [user0]);
  assert.deepEqual(keys({ cpu: '2' }), []);
  assert.deepEqual(keys(undefined, 1), [user1]);
  const there = (from: number, to: number) =>
    history.series({ name: 'busy' }, timeMs(START + from), timeMs(START + to));
  assert.deepEqual(
    there(0, 1).map(({ key }) => key),
    [idle, user0, user1],
  );
  assert.deepEqual(there(HOUR, DAY), []);
});

type Sample = readonly [at: number, value: number];
const steps = [1000, MINUTE, HOUR];

/** The obvious way: all samples in memory, one bucket after the other. */
function merged(samples: readonly Sample[], step: number): SeriesPoint[] {
  const buckets = Map.groupBy(samples, ([at]) => at - (at % step));
  return [...buckets].map(([at, group]) => {
    const values = group.map(([, value]) => value);
    return {
      at,
      min: Math.min(...values),
      max: Math.max(...values),
      mean: values.reduce((sum, v) => sum + v, 0) / values.length,
      last: values.at(-1)!,
      count: values.length,
    };
  });
}

/** As history would answer if it had kept everything: the coarsest of the tiers that gives enough points. */
function oracle(samples: readonly Sample[], from: number, to: number, pointsMax: number) {
  const step = (grid: number) =>
    Math.max(1, Math.ceil((to - from) / (pointsMax - 1) / grid)) * grid;
  const tier = step(MINUTE) >= HOUR ? 2 : step(1000) >= MINUTE ? 1 : 0;
  const grid = steps[tier]!;
  // A point may reach beyond the window; a series that does not reach into it has none.
  if (samples.length === 0 || samples[0]![0] > to || samples.at(-1)![0] < from) return [];
  const first = from - (from % grid);
  const inside = samples.filter(([at]) => at - (at % grid) >= first && at - (at % grid) <= to);
  return merged(inside, step(grid));
}

function assertSame(points: readonly SeriesPoint[], want: readonly SeriesPoint[]): void {
  assert.equal(points.length, want.length);
  for (const [i, { mean, ...rest }] of points.entries()) {
    const { mean: wanted, ...others } = want[i]!;
    assert.ok(Math.abs(mean - wanted) < 1e-9 * Math.max(1, Math.abs(wanted)), `${mean}, ${wanted}`);
    assert.deepEqual(rest, others);
  }
}

/** Gaps below a second, of seconds, minutes and hours, twelve hours at most. */
const gap = fc.oneof(
  fc.integer({ min: 50, max: 2_000 }),
  fc.integer({ min: 1_000, max: 90_000 }),
  fc.integer({ min: MINUTE, max: 25 * MINUTE }),
);
const ask = fc.record({
  from: fc.double({ min: 0, max: 1, noNaN: true }),
  span: fc.double({ min: 0, max: 1, noNaN: true }),
  pointsMax: fc.oneof(fc.integer({ min: 2, max: 30 }), fc.integer({ min: 30, max: 5_000 })),
});

test('answers are those of somebody who kept every sample, across restarts', (t) => {
  const runs = fc.array(fc.tuple(gap, fc.integer({ min: -50, max: 50 }), fc.nat(20)), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(runs, fc.array(ask, { minLength: 3, maxLength: 6 }), (runs, asks) => {
      const file = join(scratch(t), 'history.db');
      let { history } = opened(t, file);
      const samples: Record<'a' | 'b', Sample[]> = { a: [], b: [] };
      let at = START + 7 * HOUR;
      for (const [gap, value, chance] of runs) {
        at += gap;
        samples.a.push([at, value]);
        // The other one comes and goes, so that places of readings shift.
        const both = chance < 12;
        if (both) samples.b.push([at, value * 3]);
        history.record(timeMs(at), [
          ...(both ? [reading('v', value * 3, { of: 'b' })] : []),
          reading('v', value, { of: 'a' }),
        ]);
        if (chance === 20) {
          history.close();
          history = opened(t, file).history;
        }
      }
      const length = at - START - 7 * HOUR;
      for (const { from, span, pointsMax } of asks) {
        const begin = START + 7 * HOUR + Math.floor(from * length);
        const end = begin + Math.ceil(span * (length * 1.1));
        for (const which of ['a', 'b'] as const) {
          const query = {
            name: 'v',
            labels: { of: which },
            from: timeMs(begin),
            to: timeMs(end),
            pointsMax,
          };
          const points = history.query(query)[0]?.points ?? [];
          assert.ok(points.length <= pointsMax);
          assertSame(points, oracle(samples[which], begin, end, pointsMax));
        }
      }
      history.close();
    }),
    { numRuns: 80 },
  );
});

test('whatever the clock does, no second is lost and the tiers agree', (t) => {
  const seconds = fc.uniqueArray(fc.integer({ min: 0, max: 6 * 3_600 }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(seconds, fc.nat(60), (seconds, restartAt) => {
      const file = join(scratch(t), 'history.db');
      let { history } = opened(t, file);
      for (const [i, second] of seconds.entries()) {
        history.record(timeMs(START + second * 1000), [reading('v', second % 101)]);
        if (i === restartAt) {
          history.close();
          history = opened(t, file).history;
        }
      }
      const samples = seconds
        .map((second) => [START + second * 1000, second % 101] as const)
        .sort(([a], [b]) => a - b);
      for (const pointsMax of [30_000, 300, 6]) {
        const query = { name: 'v', from: timeMs(START), to: timeMs(START + 6 * HOUR), pointsMax };
        const points = history.query(query)[0]!.points;
        assertSame(points, oracle(samples, START, START + 6 * HOUR, pointsMax));
      }
      history.close();
    }),
    { numRuns: 80 },
  );
});

test('a clock that is years ahead for a moment takes nothing of what is kept', (t) => {
  const { history } = opened(t);
  for (let s = 0; s < 600; s++) history.record(timeMs(START + s * 1000), [reading('v', s)]);
  history.record(timeMs(START + 3_000 * DAY), [reading('v', 1)]);
  for (let s = 600; s < 900; s++) history.record(timeMs(START + s * 1000), [reading('v', s)]);
  assert.ok(pointsOf(history, 'v').length >= 900 - 4 * 60);
});

test('minutes outlive seconds, hours outlive minutes, and all end', (t) => {
  const { file, history } = opened(t);
  // One sample every hour, for 800 days.
  for (let after = 0; after <= 800 * DAY; after += HOUR) {
    history.record(timeMs(START + after), [reading('v', after / HOUR)]);
  }
  const all = (pointsMax: number, from: number) =>
    pointsOf(history, 'v', from, 800 * DAY, pointsMax);
  const days = all(801, 0);
  assert.ok(days.length >= 730 && days.length <= 733, `${days.length} days`);
  assert.equal(days.at(-2)?.count, 24);
  assert.equal(all(60 * 24 * 7 + 1, 793 * DAY).length, 7 * 24 + 1);
  history.close();
  using db = new DatabaseSync(file);
  const rows = (table: string) => db.prepare(`select count(*) as n from ${table}`).get()?.['n'];
  assert.ok(Number(rows('second')) <= 27);
  assert.ok(Number(rows('minute')) <= 92 * 24);
  assert.ok(Number(rows('hour')) <= 733);
});

test('a file that may not grow drops the oldest seconds first, and keeps what is new', (t) => {
  const bytesMax = 2 ** 20;
  const { file, history, problems } = opened(t, undefined, bytesMax);
  const noise = (s: number, i: number) => Math.abs(Math.sin(s * 7.31 + i)) * 1e6;
  const hours = 9;
  for (let s = 0; s < hours * 3_600; s++) {
    const readings = Array.from({ length: 12 }, (_, i) =>
      reading('noise', noise(s, i), { i: String(i) }),
    );
    history.record(timeMs(START + s * 1000), readings);
  }
  assert.deepEqual(problems, []);
  assert.equal(history.droppedSamples, 0);
  assert.ok(statSync(file).size <= bytesMax, `${statSync(file).size} bytes`);
  const begins = (pointsMax: number) =>
    pointsOf(history, 'noise', 0, hours * HOUR, pointsMax)[0]!.at - START;
  assert.equal(begins(hours * 60 + 1), 0, 'all minutes are there');
  const lately = pointsOf(history, 'noise', (hours - 1 / 6) * HOUR, hours * HOUR, 601);
  assert.equal(lately.length, 600, 'the last ten minutes are there second by second');
});

/** A day and a half, a sample each minute. */
function filled(t: TestContext): string {
  const { file, history } = opened(t);
  for (let at = 0; at <= 36 * HOUR; at += MINUTE) {
    history.record(timeMs(START + at), [reading('v', at / MINUTE)]);
  }
  history.close();
  return file;
}

const firstSecond = (file: string): number => {
  using db = new DatabaseSync(file);
  // A block has the number of its minute, and then of its series.
  const row = db.prepare('select min(id) / 16777216 as minute from second').get();
  return Number(row?.['minute']) * MINUTE - START;
};

test('kept shorter from now on: what is there goes at once, and coarser points stay', (t) => {
  const file = filled(t);
  assert.ok(firstSecond(file) <= 12 * HOUR, `${firstSecond(file) / HOUR} h`);
  const onProblem = (problem: unknown): void => assert.fail(String(problem));
  const history = openHistory({ file, onProblem, keepMs: [HOUR, 2 * DAY, 700 * DAY] });
  t.after(() => history.close());
  for (let s = 0; s < 60; s++) {
    history.record(timeMs(START + 36 * HOUR + MINUTE + s * 1000), [reading('v', s)]);
  }
  history.close();
  assert.ok(firstSecond(file) >= 34.9 * HOUR && firstSecond(file) <= 35.1 * HOUR);
  const again = openHistory({ file, onProblem });
  t.after(() => again.close());
  const minutes = pointsOf(again, 'v', 0, 36 * HOUR, 36 * 60 + 1);
  assert.deepEqual(
    minutes.map(({ last }) => last).slice(0, 36 * 60),
    Array.from({ length: 36 * 60 }, (_, i) => i),
  );
});

test('kept shorter, and a clock that is years ahead: only what is old by what was measured', (t) => {
  const file = filled(t);
  const before = firstSecond(file);
  const history = openHistory({ file, onProblem: () => {}, keepMs: [30 * HOUR, 2 * DAY, 7 * DAY] });
  t.after(() => history.close());
  history.record(timeMs(START + 3_000 * DAY), [reading('v', 1)]);
  history.record(timeMs(START + 36 * HOUR + MINUTE), [reading('v', 2)]);
  history.close();
  assert.ok(firstSecond(file) - before <= 3 * MINUTE);
});

test('smaller from now on: the file gives back its room, the oldest seconds first', (t) => {
  const { file, history } = opened(t);
  const noise = (s: number, i: number) => Math.abs(Math.sin(s * 7.31 + i)) * 1e6;
  for (let s = 0; s < 8 * 3_600; s++) {
    const readings = Array.from({ length: 12 }, (_, i) =>
      reading('noise', noise(s, i), { i: String(i) }),
    );
    history.record(timeMs(START + s * 1000), readings);
  }
  history.close();
  const bytesMax = 2 ** 20;
  assert.ok(statSync(file).size > 2 * bytesMax, `${statSync(file).size} bytes`);
  const { history: smaller, problems } = opened(t, file, bytesMax);
  assert.deepEqual(problems, []);
  const minutes = pointsOf(smaller, 'noise', 0, 8 * HOUR, 8 * 60 + 1);
  assert.ok(minutes.length >= 480, `${minutes.length} minutes are there`);
  const lately = pointsOf(smaller, 'noise', (8 - 1 / 6) * HOUR, 8 * HOUR - 1, 601);
  assert.equal(lately.length, 600, 'the last ten minutes are there second by second');
  smaller.close();
  assert.ok(statSync(file).size <= bytesMax, `${statSync(file).size} bytes`);
});

test('what was written is there after a crash, and the running minute goes on', (t) => {
  const { file, history } = opened(t);
  for (let s = 0; s < 20; s++) history.record(timeMs(START + s * 1000), [reading('v', s)]);
  // As SIGKILL would leave it: both files copied while it is open.
  const copy = join(scratch(t), 'history.db');
  for (const part of ['', '-wal']) writeFileSync(copy + part, readFileSync(file + part));
  const { history: again, problems } = opened(t, copy);
  for (let s = 20; s < 40; s++) again.record(timeMs(START + s * 1000), [reading('v', s)]);
  again.close();
  const { history: third } = opened(t, copy);
  assert.deepEqual(pointsOf(third, 'v', 0, MINUTE, 2), [
    { at: START, min: 0, max: 39, mean: 19.5, last: 39, count: 40 },
  ]);
  assert.deepEqual(problems, []);
});

test('a crash in the middle of a minute that is being written loses none of it', (t) => {
  const { file, history } = opened(t);
  const many = (s: number) =>
    Array.from({ length: 4_000 }, (_, i) => reading('v', s + i / 8, { i: String(i) }));
  for (let s = 0; s < 61; s++) history.record(timeMs(START + s * 1000), many(s));
  // Some milliseconds of it are written by now.
  const copy = join(scratch(t), 'history.db');
  for (const part of ['', '-wal']) writeFileSync(copy + part, readFileSync(file + part));
  {
    using db = new DatabaseSync(copy);
    const rows = Number(db.prepare('select count(*) as n from second').get()?.['n']);
    assert.ok(rows > 0 && rows < 4_000, `${rows} of 4,000 are written`);
  }
  const { history: again } = opened(t, copy);
  for (let i = 0; i < 4_000; i += 37) {
    const query = { ...window('v', 0, MINUTE - 1), labels: { i: String(i) } };
    assert.equal(again.query(query)[0]?.points.length, 60, `series ${i}`);
  }
});

test('a damaged file is set aside, said so, and a new one begun', (t) => {
  const file = join(scratch(t), 'history.db');
  writeFileSync(file, 'scribble '.repeat(1000));
  const { history, problems } = opened(t, file);
  assert.ok(problems[0] instanceof OperationError && problems[0].code === 'STATE_CORRUPT');
  assert.ok(existsSync(`${file}.damaged`));
  history.record(timeMs(START), [reading('v', 1)]);
  history.close();
  const { history: again, problems: none } = opened(t, file);
  assert.equal(pointsOf(again, 'v').length, 1);
  assert.deepEqual(none, []);
});

test('damage that shows only later is set aside, too, and what is in memory is kept', (t) => {
  const { file, history, problems } = opened(t);
  const many = (s: number) =>
    Array.from({ length: 200 }, (_, i) => reading('v', Math.sin(s * i), { i: String(i) }));
  for (let s = 0; s < 30 * 60; s += 2) history.record(timeMs(START + s * 1000), many(s));
  history.close();
  const { history: again, problems: told } = opened(t, file);
  // Behind its back, and more than its cache holds.
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0xff, 4_096));
  for (let s = 30 * 60; s < 40 * 60; s += 2) again.record(timeMs(START + s * 1000), many(s));
  again.query({ ...window('v'), seriesMax: 200 });
  for (let s = 40 * 60; s < 50 * 60; s += 2) again.record(timeMs(START + s * 1000), many(s));
  assert.ok(told.some((one) => one instanceof OperationError && one.code === 'STATE_CORRUPT'));
  assert.ok(existsSync(`${file}.damaged`));
  again.close();
  const { history: third, problems: none } = opened(t, file);
  assert.ok(pointsOf(third, 'v', 41 * MINUTE, 50 * MINUTE).length >= 9 * 30);
  assert.deepEqual([problems, none], [[], []]);
});

test('where no file can be had, memory serves and the reason is told', (t) => {
  const { history, problems } = opened(t, join(scratch(t), 'nowhere', 'history.db'));
  assert.ok(problems[0] instanceof OperationError && problems[0].code === 'STATE_UNWRITABLE');
  history.record(timeMs(START), [reading('v', 1)]);
  assert.equal(pointsOf(history, 'v').length, 1);
});

test('a file of a later version is left as it is', (t) => {
  const file = join(scratch(t), 'history.db');
  {
    using db = new DatabaseSync(file);
    db.exec('pragma user_version = 99; create table theirs (x)');
  }
  const { history, problems } = opened(t, file);
  assert.ok(problems[0] instanceof OperationError && problems[0].code === 'STATE_NEWER');
  history.record(timeMs(START), [reading('v', 1)]);
  assert.equal(pointsOf(history, 'v').length, 1);
});

test('a flood of labels is refused and counted, and other names are measured on', (t) => {
  const { history } = opened(t);
  const flood = (from: number) =>
    Array.from({ length: 1_000 }, (_, i) => reading('flood', 1, { id: `${from + i}` }));
  for (let s = 0; s < 30; s++) {
    history.record(timeMs(START + s * 1000), [...flood(s * 1000), reading('cpu', s)]);
  }
  assert.equal(history.refusedReadings, 25_000);
  assert.equal(pointsOf(history, 'cpu').length, 30);
  assert.equal(
    history.series({ name: 'flood' }, timeMs(START), timeMs(START + HOUR)).length,
    5_000,
  );
  // Those that fell silent make place.
  const later = 11 * MINUTE;
  for (let s = 0; s < 600; s++) {
    history.record(timeMs(START + later + s * 1000), [reading('flood', 2, { id: 'new' })]);
  }
  const found = history.query({ ...window('flood', later), labels: { id: 'new' } });
  assert.ok(found[0]!.points.length > 500);
  const long = reading('long', 1, { text: 'x'.repeat(5_000) });
  history.record(timeMs(START + HOUR), [long]);
  assert.ok(!history.names().includes('long'));
});

test('series that make place slowly, since they have much to remove, do so once', (t) => {
  const { history, file } = opened(t);
  const all = (prefix: string) =>
    Array.from({ length: 5_000 }, (_, i) => reading('flood', 1, { id: `${prefix}${i}` }));
  history.record(timeMs(START), all('old'));
  history.record(timeMs(START + 20 * HOUR), all('old'));
  // More looks for place than it takes to find the same ones again.
  const later = START + 21 * HOUR;
  for (let s = 0; s < 300; s++)
    history.record(timeMs(later + s * 1000), all('new').slice(0, 2_000));
  const known = history.series({ name: 'flood' }, timeMs(START), timeMs(START + DAY));
  assert.ok(known.length > 4_000);
  history.close();
  const again = opened(t, file).history;
  assert.deepEqual(
    again.series({ name: 'flood' }, timeMs(START), timeMs(START + DAY)).length,
    known.length,
    'no two have one number',
  );
});

test('what version 1 kept is kept, by the names of today', (t) => {
  const file = join(scratch(t), 'history.db');
  const columns: Record<string, string> = {
    cpu_ratio: 'berth_node_cpu_busy_ratio',
    cpu_held_ratio: 'berth_node_cpu_held_ratio',
    memory_used_bytes: 'berth_node_memory_used_bytes',
    memory_held_bytes: 'berth_node_memory_held_bytes',
    cpu_pressure_ratio: 'berth_node_pressure_waiting_ratio{resource="cpu"}',
    memory_pressure_ratio: 'berth_node_pressure_waiting_ratio{resource="memory"}',
    io_pressure_ratio: 'berth_node_pressure_waiting_ratio{resource="io"}',
    something_else: 'something_else',
  };
  {
    using db = new DatabaseSync(file);
    for (const table of ['second', 'minute']) {
      db.exec(`create table ${table} (
        name text not null, at integer not null, count integer not null,
        min real not null, max real not null, mean real not null, last real not null,
        primary key (name, at)) strict, without rowid`);
    }
    db.exec('pragma user_version = 1; begin');
    const add = (table: string) => db.prepare(`insert into ${table} values (?, ?, ?, ?, ?, ?, ?)`);
    const [second, minute] = [add('second'), add('minute')];
    for (const [c, name] of Object.keys(columns).entries()) {
      for (let m = 0; m < 3 * 24 * 60; m++) {
        minute.run(name, START + m * MINUTE, 60, c, c + m, c + m / 2, m);
      }
      for (let s = 0; s < 120; s++) {
        second.run(name, START + 3 * DAY - MINUTE * 2 + s * 1000, 1, s, s, s, s);
      }
    }
    db.exec('commit');
  }
  const { history, problems } = opened(t, file);
  assert.deepEqual(problems, []);
  for (const [c, key] of Object.values(columns).entries()) {
    const name = key.replace(/\{.*/, '');
    const query = (from: number, pointsMax: number) =>
      history.query({ ...window(name, from, 3 * DAY, pointsMax) }).find((one) => one.key === key)!
        .points;
    const minutes = query(0, 3 * 24 * 60 + 1);
    assert.equal(minutes.length, 3 * 24 * 60);
    const m = 1_000;
    const want = { min: c, max: c + m, mean: c + m / 2, last: m, count: 60 };
    assert.deepEqual(minutes[m], { at: START + m * MINUTE, ...want });
    assert.equal(query(0, 73).length, 72, 'hours');
    assert.equal(query(3 * DAY - 2 * MINUTE, 1_000).length, 120, 'seconds');
  }
  history.record(timeMs(START + 3 * DAY), [reading('berth_node_cpu_busy_ratio', 0.5)]);
  history.close();
  const { history: again } = opened(t, file);
  assert.equal(pointsOf(again, 'berth_node_cpu_busy_ratio', 0, 4 * DAY, 24 * 4 + 1).length, 73);
});

test('keys are the text that Prometheus has', () => {
  assert.equal(seriesKey('a', { z: '1', b: 'x"\\\n' }), 'a{b="x\\"\\\\\\n",z="1"}');
});
