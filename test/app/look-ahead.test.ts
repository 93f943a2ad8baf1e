import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LookAhead } from '../../src/app/look-ahead.ts';
import type { Start } from '../../src/engine/projection.ts';
import { config, node, queueConfig, Site } from '../builders/site.ts';

function open() {
  const site = new Site(config([queueConfig('default')]), node('n', { cpu: 1000 }));
  const ahead = new LookAhead({
    engine: site.engine,
    now: () => site.at,
    warn: (_, error) => {
      throw error;
    },
  });
  let heard = 0;
  const hear = (): void => {
    ahead.noteEvents(site.journal.slice(heard));
    heard = site.journal.length;
  };
  const startOf = (workload: number): Start | undefined =>
    ahead.starts()?.get(`${workload}.s.0` as never);
  return { site, ahead, hear, startOf };
}

/** Runs so many jobs of one sort, one after the other. */
function runJobs(
  { site, hear }: ReturnType<typeof open>,
  runs: readonly number[],
  estimateMs: number,
): void {
  for (const ms of runs) {
    site.submit({ runMs: estimateMs });
    const [attempt] = site.pass();
    site.now += ms;
    site.end(attempt!);
    site.pass();
    hear();
  }
}

test('where nothing has ended yet, starts are as the estimates have them, and kept until something happens', async () => {
  const { site, ahead, hear, startOf } = open();
  site.submit({ runMs: 60_000 });
  site.submit({ runMs: 60_000 });
  site.pass();
  assert.equal(ahead.starts(), undefined, 'nobody looked');
  await ahead.look();
  const start = { at: 60_000, after: '1.s.0.1', interval: { low: 60_000, high: 60_000 } };
  assert.deepEqual(startOf(2), start);
  const starts = ahead.starts();
  await ahead.look();
  assert.equal(ahead.starts(), starts, 'the same, without another look');
  hear();
  assert.equal(ahead.starts(), starts, 'some seconds old at most');
});

for (const [when, before, after] of [
  ['before anybody looked', 5, 0],
  ['since somebody looked', 0, 30],
] as const) {
  test(`what ended ${when} says how long the next ones run`, async () => {
    const opened = open();
    const { site, ahead, startOf } = opened;
    runJobs(opened, Array(before).fill(600_000), 3_600_000);
    if (after > 0) await ahead.look();
    runJobs(opened, Array(after).fill(600_000), 3_600_000);
    site.submit({ runMs: 3_600_000 });
    site.pass();
    site.submit({ runMs: 3_600_000 });
    opened.hear();
    await looked(ahead);
    const { at } = startOf(before + after + 2)!;
    assert.ok(Math.abs((at! - site.now) / 600_000 - 1) < 0.15, `${at! - site.now}`);
  });
}

/** It rests after each look, by how long that took. */
async function looked(ahead: LookAhead): Promise<void> {
  const before = ahead.starts();
  for (;;) {
    await ahead.look();
    if (ahead.starts() !== before) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('what comes is held against what was foretold, and what is cancelled is not', async () => {
  const opened = open();
  const { site, ahead, hear } = opened;
  assert.deepEqual(ahead.calibration, { inside: 0, of: 0 });
  site.submit({ runMs: 60_000 });
  for (let i = 0; i < 3; i++) site.submit({ runMs: 60_000 });
  site.pass();
  await ahead.look();
  site.now = 60_000;
  site.end('1.s.0.1' as never);
  site.pass();
  hear();
  assert.deepEqual(ahead.calibration, { inside: 1, of: 1 }, 'as foretold');
  site.cancel(3);
  site.pass();
  hear();
  site.now = 500_000;
  site.end('2.s.0.1' as never);
  site.pass();
  hear();
  assert.deepEqual(
    ahead.calibration,
    { inside: 1, of: 2 },
    'the last started long after its interval',
  );
});

test('of what nobody knows the end of, it is said whose end lets something start', async () => {
  const { site, ahead, startOf } = open();
  site.submit({});
  site.submit({ runMs: 5_000 });
  site.pass();
  await ahead.look();
  assert.deepEqual(startOf(2), { at: undefined, after: '1.s.0.1' });
});

test('a state that is too large is not looked ahead in', async () => {
  const { site, ahead } = open();
  site.submit({ count: 4_001, runMs: 1_000 });
  site.pass();
  await ahead.look();
  assert.equal(ahead.starts(), undefined);
});

test('everybody else has his turn while it looks', async () => {
  const { site, ahead } = open();
  site.submit({ count: 2_000, runMs: 1_000 });
  site.pass();
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await ahead.look();
  isOver = true;
  assert.ok(turns > 10, `${turns} turns`);
  assert.ok((ahead.starts()?.size ?? 0) > 500);
});
