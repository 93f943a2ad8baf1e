import assert from 'node:assert/strict';
import { test } from 'node:test';
import { periodStarts } from '../../src/app/period-starts.ts';
import { timeMs } from '../../src/base/units.ts';

const utc = (text: string) => timeMs(Date.parse(text));
const iso = (starts: readonly number[]) => starts.map((ms) => new Date(ms).toISOString());
const days = (timeZone: string, from: string, until: string) =>
  periodStarts({ timeZone, every: 'day', from: utc(from), until: utc(until) });

const cases: Record<string, { zone: string; from: string; until: string; want: string[] }> = {
  'a day of 23 hours in spring': {
    zone: 'Europe/Berlin',
    from: '2026-03-28T12:00:00Z',
    until: '2026-03-30T12:00:00Z',
    want: ['2026-03-27T23:00:00.000Z', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
  },
  'a day of 25 hours in autumn': {
    zone: 'America/New_York',
    from: '2026-10-31T12:00:00Z',
    until: '2026-11-02T12:00:00Z',
    want: ['2026-10-31T04:00:00.000Z', '2026-11-01T04:00:00.000Z', '2026-11-02T05:00:00.000Z'],
  },
  'half an hour of daylight saving': {
    zone: 'Australia/Lord_Howe',
    from: '2026-04-04T00:00:00Z',
    until: '2026-04-06T00:00:00Z',
    want: ['2026-04-03T13:00:00.000Z', '2026-04-04T13:00:00.000Z', '2026-04-05T13:30:00.000Z'],
  },
  'a midnight that does not exist': {
    zone: 'America/Havana',
    from: '2026-03-07T12:00:00Z',
    until: '2026-03-09T12:00:00Z',
    want: ['2026-03-07T05:00:00.000Z', '2026-03-08T05:00:00.000Z', '2026-03-09T04:00:00.000Z'],
  },
  'a day that was left out': {
    zone: 'Pacific/Apia',
    from: '2011-12-29T12:00:00Z',
    until: '2011-12-31T20:00:00Z',
    want: ['2011-12-29T10:00:00.000Z', '2011-12-30T10:00:00.000Z', '2011-12-31T10:00:00.000Z'],
  },
};
for (const [name, { zone, from, until, want }] of Object.entries(cases)) {
  test(`days: ${name}`, () => assert.deepEqual(iso(days(zone, from, until)), want));
}

test('months begin at the first of the zone', () => {
  const starts = periodStarts({
    timeZone: 'Asia/Tokyo',
    every: 'month',
    from: utc('2026-01-15T00:00:00Z'),
    until: utc('2026-03-15T00:00:00Z'),
  });
  assert.deepEqual(iso(starts), [
    '2025-12-31T15:00:00.000Z',
    '2026-01-31T15:00:00.000Z',
    '2026-02-28T15:00:00.000Z',
  ]);
});

test('every day of a year has one start, in order, in any zone', () => {
  for (const zone of [
    'UTC',
    'Europe/Berlin',
    'America/St_Johns',
    'Asia/Kathmandu',
    'Africa/Casablanca',
  ]) {
    const starts = days(zone, '2026-01-01T12:00:00Z', '2026-12-31T12:00:00Z');
    assert.equal(starts.length, 365, zone);
    for (let i = 1; i < starts.length; i++) {
      const hours = (starts[i]! - starts[i - 1]!) / 3_600_000;
      assert.ok(hours >= 23 && hours <= 25, `${zone}: ${hours} h`);
    }
  }
});
