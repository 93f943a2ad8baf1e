import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ReportDocument } from '../../src/api/contract/report-documents.ts';
import { ReportKeeper } from '../../src/app/report-keeper.ts';
import { timeMs } from '../../src/base/units.ts';
import type { ReportSchedule } from '../../src/model/objective.ts';
import { report } from '../builders/report.ts';

const weekly: ReportSchedule = { every: 'week', atMinutes: 360, weekday: 1 };

interface House {
  readonly folder: string;
  now: number;
  readonly made: { from: string; to: string }[];
  readonly logged: string[];
  fails: boolean;
  keeper(schedules?: readonly ReportSchedule[]): ReportKeeper;
}

function house(t: TestContext, now: string): House {
  const dir = mkdtempSync(join(tmpdir(), 'berth-reports-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const made: House['made'] = [];
  const logged: string[] = [];
  const one: House = {
    folder: join(dir, 'reports'),
    now: Date.parse(now),
    made,
    logged,
    fails: false,
    keeper: (schedules = [weekly]) =>
      new ReportKeeper({
        folder: one.folder,
        schedules,
        timeZone: 'UTC',
        now: () => timeMs(one.now),
        log: (sentence) => logged.push(sentence),
        make: async ({ from, to }, id): Promise<ReportDocument> => {
          if (one.fails) throw new Error('no room');
          made.push({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
          const metadata = { ...report().metadata, generated_at: one.now };
          return { ...report(), id, from, to, metadata };
        },
      }),
  };
  return one;
}

test('nothing is made before it is due, and then once, of the week before', async (t) => {
  const h = house(t, '2026-11-18T12:00Z');
  const keeper = h.keeper();
  await keeper.look();
  assert.deepEqual(h.made, []);
  h.now = Date.parse('2026-11-23T06:00:10Z');
  await keeper.look();
  await keeper.look();
  assert.deepEqual(h.made, [{ from: '2026-11-16T06:00:00.000Z', to: '2026-11-23T06:00:00.000Z' }]);
  const { reports, schedules } = await keeper.list();
  assert.deepEqual(
    reports.map(({ id }) => id),
    ['week-2026-11-23-0600'],
  );
  assert.equal(schedules[0]?.next_at, Date.parse('2026-11-30T06:00Z'));
  const html = readFileSync(join(h.folder, 'week-2026-11-23-0600.html'), 'utf8');
  assert.match(html, /^<!doctype html>/);
});

test('after three weeks without a daemon the last one is made, once', async (t) => {
  const h = house(t, '2026-11-18T12:00Z');
  await h.keeper().look();
  h.now = Date.parse('2026-12-09T12:00Z');
  const later = h.keeper();
  await later.look();
  await later.look();
  assert.deepEqual(
    h.made.map(({ to }) => to),
    ['2026-12-07T06:00:00.000Z'],
  );
  await h.keeper().look();
  assert.equal(h.made.length, 1);
});

test('what cannot be made is told once and tried again', async (t) => {
  const h = house(t, '2026-11-18T12:00Z');
  const keeper = h.keeper();
  await keeper.look();
  h.now = Date.parse('2026-11-23T07:00Z');
  h.fails = true;
  await keeper.look();
  await keeper.look();
  assert.equal(h.logged.length, 1);
  assert.equal((await keeper.list()).schedules[0]?.problem, 'no room');
  h.fails = false;
  await keeper.look();
  assert.equal(h.made.length, 1);
  assert.equal((await keeper.list()).schedules[0]?.problem, null);
});

test('a clock that was set back does not put the next one off for long', async (t) => {
  const h = house(t, '2027-06-01T12:00Z');
  await h.keeper().look();
  h.now = Date.parse('2026-11-18T12:00Z');
  const keeper = h.keeper();
  await keeper.look();
  assert.equal((await keeper.list()).schedules[0]?.next_at, Date.parse('2026-11-23T06:00Z'));
});

test('a schedule file that is damaged starts anew', async (t) => {
  const h = house(t, '2026-11-18T12:00Z');
  await h.keeper().look();
  writeFileSync(join(h.folder, 'schedule.json'), '{"half');
  const keeper = h.keeper();
  await keeper.look();
  assert.equal((await keeper.list()).schedules[0]?.next_at, Date.parse('2026-11-23T06:00Z'));
  assert.deepEqual(h.made, []);
});

test('the newest hundred are kept', { timeout: 60_000 }, async (t) => {
  const h = house(t, '2026-01-01T00:00Z');
  const keeper = h.keeper([{ every: 'day', atMinutes: 0, weekday: 1 }]);
  await keeper.look();
  for (let day = 1; day <= 105; day++) {
    h.now = Date.parse('2026-01-01T00:00Z') + day * 86_400_000;
    await keeper.look();
  }
  assert.equal(h.made.length, 105);
  const { reports } = await keeper.list();
  assert.deepEqual(
    [reports.length, reports[0]?.id, reports.at(-1)?.id],
    [100, 'day-2026-04-16-0000', 'day-2026-01-07-0000'],
  );
  // JSON and HTML of each, and the schedule.
  assert.equal(readdirSync(h.folder).length, 201);
});

test('a folder gets a copy, and a program both files', async (t) => {
  const h = house(t, '2026-11-18T12:00Z');
  const folder = join(h.folder, '..', 'for-all');
  const noted = join(h.folder, '..', 'noted');
  const command = ['/bin/sh', '-c', `echo "$1 $2" > ${noted}`, 'sh'];
  const keeper = h.keeper([
    { ...weekly, to: { folder } },
    { ...weekly, to: { command } },
  ]);
  await keeper.look();
  h.now = Date.parse('2026-11-23T06:00Z');
  await keeper.look();
  assert.equal(h.made.length, 1, 'two schedules of one time share the report');
  assert.ok(existsSync(join(folder, 'week-2026-11-23-0600.html')));
  const base = join(h.folder, 'week-2026-11-23-0600');
  assert.equal(readFileSync(noted, 'utf8'), `${base}.html ${base}.json\n`);
});

test('an id that is a path, and a file that is no report, are not there', async (t) => {
  const h = house(t, '2026-11-18T12:00Z');
  const keeper = h.keeper();
  await keeper.look();
  writeFileSync(join(h.folder, 'week-2026-01-05-0600.json'), '{}');
  for (const id of ['../schedule', 'schedule', 'week-2026-01-05-0600']) {
    assert.equal(await keeper.read(id), undefined);
  }
  assert.deepEqual((await keeper.list()).reports, []);
});
