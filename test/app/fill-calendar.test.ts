import assert from 'node:assert/strict';
import { test } from 'node:test';
import { periodStarts } from '../../src/app/period-starts.ts';
import { timeMs } from '../../src/base/units.ts';
import { isOpen, windowAt } from '../../src/scheduling/calendar.ts';
import { schedulingOf } from '../builders/site-text.ts';

const utc = (text: string) => timeMs(Date.parse(text));
const now = utc('2026-03-28T12:00:00Z');

test('a night window follows the clock on the wall through the change to summer time', () => {
  const { reservations } = schedulingOf(
    `reservations:
  - {name: night, resources: {cpu: 2}, duration: "22:00-06:00", time_zone: Europe/Berlin, tenants: [ada]}`,
    now,
  );
  const { duration } = reservations[0]!;
  assert.deepEqual(windowAt(duration, now), {
    start: utc('2026-03-28T21:00:00Z'),
    end: utc('2026-03-29T04:00:00Z'),
  });
  assert.equal(isOpen(duration, utc('2026-03-29T03:59:59Z')), true);
  assert.deepEqual(windowAt(duration, utc('2026-03-30T12:00:00Z')), {
    start: utc('2026-03-30T20:00:00Z'),
    end: utc('2026-03-31T04:00:00Z'),
  });
  assert.deepEqual(
    windowAt(duration, utc('2034-12-01T12:00:00Z')).start,
    utc('2034-12-01T21:00:00Z'),
  );
});

test('periods of a quota begin where the day of its zone does, for ten years', () => {
  const { quotas } = schedulingOf(
    'time_zone: Europe/Berlin\nquotas: [{name: q, per: day, cpu_hours: 1}, {name: m, per: month, time_zone: UTC, cpu_hours: 1}, {name: r, per: 7d, cpu_hours: 1}]',
    now,
  );
  const [days, months, rolling] = quotas.map(({ window }) => window);
  assert.ok(days?.kind === 'periods' && months?.kind === 'periods');
  assert.deepEqual(days.starts.slice(0, 3), [
    utc('2026-03-27T23:00:00Z'),
    utc('2026-03-28T23:00:00Z'),
    utc('2026-03-29T22:00:00Z'),
  ]);
  assert.ok(days.starts.at(-1)! > utc('2036-01-01T00:00:00Z'));
  assert.deepEqual(months.starts.slice(0, 2), [
    utc('2026-03-01T00:00:00Z'),
    utc('2026-04-01T00:00:00Z'),
  ]);
  assert.deepEqual(rolling, { kind: 'rolling', lengthMs: 7 * 86_400_000 });
});

test('every day of four years begins where the date changes on the clocks of its zone', () => {
  const timeZone = 'America/Sao_Paulo';
  const [from, until] = [utc('2016-01-01T00:00:00Z'), utc('2020-01-01T00:00:00Z')];
  const starts = periodStarts({ timeZone, every: 'day', from, until });
  const date = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
  for (const start of starts) assert.notEqual(date.format(start), date.format(start - 1));
  const lengths = starts.slice(1).map((start, i) => (start - starts[i]!) / 3_600_000);
  assert.deepEqual([...new Set(lengths)].sort(), [23, 24, 25]);
  assert.equal(starts.length, 4 * 365 + 2);
});
