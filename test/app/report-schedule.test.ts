import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lastDue, nextDue, reportId } from '../../src/app/report-schedule.ts';
import { zoneOffsets } from '../../src/app/zone-offsets.ts';
import { timeMs } from '../../src/base/units.ts';
import { type ReportSchedule, reportPeriods } from '../../src/model/objective.ts';

const zoneOf = (name: string) =>
  zoneOffsets(name, timeMs(Date.parse('2025-01-01')), timeMs(Date.parse('2028-01-01')));
const berlin = zoneOf('Europe/Berlin');

const schedule = (every: ReportSchedule['every'], at = 360, weekday = 1): ReportSchedule => ({
  every,
  atMinutes: at,
  weekday,
});

const cases: Record<string, { of: ReportSchedule; after: string; want: string }> = {
  'a day': { of: schedule('day'), after: '2026-11-22T12:00Z', want: '2026-11-23T05:00Z' },
  'a week, on Monday': {
    of: schedule('week'),
    after: '2026-11-22T12:00Z',
    want: '2026-11-23T05:00Z',
  },
  'a week, due at this very moment: the next one': {
    of: schedule('week'),
    after: '2026-11-23T05:00Z',
    want: '2026-11-30T05:00Z',
  },
  'a month': { of: schedule('month'), after: '2026-11-22T12:00Z', want: '2026-12-01T05:00Z' },
  'a quarter': { of: schedule('quarter'), after: '2026-11-22T12:00Z', want: '2027-01-01T05:00Z' },
  'a quarter in summer time': {
    of: schedule('quarter'),
    after: '2026-05-01T00:00Z',
    want: '2026-07-01T04:00Z',
  },
  'a year': { of: schedule('year'), after: '2026-11-22T12:00Z', want: '2027-01-01T05:00Z' },
  'a time that summer time leaves out is the moment of the change': {
    of: schedule('day', 150),
    after: '2026-03-28T12:00Z',
    want: '2026-03-29T01:00Z',
  },
  'a time that comes twice is the first': {
    of: schedule('day', 150),
    after: '2026-10-24T12:00Z',
    want: '2026-10-25T00:30Z',
  },
  'and not once more the same night': {
    of: schedule('day', 150),
    after: '2026-10-25T00:30Z',
    want: '2026-10-26T01:30Z',
  },
};
for (const [sentence, { of, after, want }] of Object.entries(cases)) {
  test(sentence, () => {
    const due = nextDue(of, berlin, Date.parse(after));
    assert.equal(new Date(due).toISOString(), new Date(want).toISOString());
  });
}

test('it is due at its time on its days, whatever day is asked for, as a formatter of the machine shows', () => {
  const shown = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'America/New_York',
    weekday: 'short',
    day: 'numeric',
    month: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const zone = zoneOf('America/New_York');
  const every = fc.constantFrom(...reportPeriods);
  const moment = fc.integer({ min: Date.parse('2026-02-01'), max: Date.parse('2026-12-01') });
  const ask = fc.tuple(every, moment, fc.integer({ min: 1, max: 7 }));
  fc.assert(
    fc.property(ask, ([period, after, weekday]) => {
      const of = schedule(period, 615, weekday);
      const due = nextDue(of, zone, after);
      assert.ok(due > after);
      const part = new Map(shown.formatToParts(due).map(({ type, value }) => [type, value]));
      assert.equal(`${part.get('hour')}:${part.get('minute')}`, '10:15');
      const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
      if (period === 'week') assert.equal(part.get('weekday'), days[weekday - 1]);
      if (['month', 'quarter', 'year'].includes(period)) assert.equal(Number(part.get('day')), 1);
      if (period === 'quarter') assert.equal(Number(part.get('month')) % 3, 1);
      if (period === 'year') assert.equal(Number(part.get('month')), 1);
      // What is due last at that moment is that moment, and just before it is an earlier one.
      assert.equal(lastDue(of, zone, due), due);
      const before = lastDue(of, zone, due - 1);
      assert.ok(before < due && nextDue(of, zone, before) === due);
    }),
    { numRuns: 60 },
  );
});

test('its name is the day that the clocks of the zone show', () => {
  const due = nextDue(schedule('day', 30), berlin, Date.parse('2026-11-22T12:00Z'));
  assert.equal(reportId(schedule('day', 30), berlin, due), 'day-2026-11-23-0030');
});
