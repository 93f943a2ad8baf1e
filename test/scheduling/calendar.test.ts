import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeMs } from '../../src/base/units.ts';
import { type Duration, UTC, type Zone } from '../../src/model/reservation.ts';
import { isOpen, nextChange, windowAt } from '../../src/scheduling/calendar.ts';
import { matches } from '../../src/scheduling/reservations.ts';

const H = 3_600_000;
const at = (text: string) => timeMs(Date.parse(text));
/** Europe/Berlin in 2026: summer time from 29 March 01:00 UTC until 25 October 01:00 UTC. */
const berlin: Zone = {
  name: 'Europe/Berlin',
  offsets: [
    { from: timeMs(0), offsetMs: H },
    { from: at('2026-03-29T01:00:00Z'), offsetMs: 2 * H },
    { from: at('2026-10-25T01:00:00Z'), offsetMs: H },
  ],
};
const daily = (start: number, end: number, zone: Zone = UTC): Duration => ({
  kind: 'daily',
  startMs: start * H,
  endMs: end * H,
  zone,
});

const cases: Record<string, { duration: Duration; at: string; want: [string, string] }> = {
  'within the day': {
    duration: daily(9, 17),
    at: '2026-05-01T10:00:00Z',
    want: ['2026-05-01T09:00:00Z', '2026-05-01T17:00:00Z'],
  },
  'the next one, once it is over': {
    duration: daily(9, 17),
    at: '2026-05-01T17:00:00Z',
    want: ['2026-05-02T09:00:00Z', '2026-05-02T17:00:00Z'],
  },
  'over midnight, seen before it': {
    duration: daily(22, 6),
    at: '2026-05-01T23:00:00Z',
    want: ['2026-05-01T22:00:00Z', '2026-05-02T06:00:00Z'],
  },
  'over midnight, seen after it': {
    duration: daily(22, 6),
    at: '2026-05-02T05:59:59Z',
    want: ['2026-05-01T22:00:00Z', '2026-05-02T06:00:00Z'],
  },
  'in a zone': {
    duration: daily(22, 6, berlin),
    at: '2026-01-10T12:00:00Z',
    want: ['2026-01-10T21:00:00Z', '2026-01-11T05:00:00Z'],
  },
  'the night that loses an hour is an hour shorter': {
    duration: daily(22, 6, berlin),
    at: '2026-03-28T22:00:00Z',
    want: ['2026-03-28T21:00:00Z', '2026-03-29T04:00:00Z'],
  },
  'the night that gains an hour is an hour longer': {
    duration: daily(22, 6, berlin),
    at: '2026-10-24T22:00:00Z',
    want: ['2026-10-24T20:00:00Z', '2026-10-25T05:00:00Z'],
  },
  'a start that is skipped is the moment of the change': {
    duration: daily(2.5, 4, berlin),
    at: '2026-03-29T00:30:00Z',
    want: ['2026-03-29T01:00:00Z', '2026-03-29T02:00:00Z'],
  },
  'a start that comes twice is the first': {
    duration: daily(2.5, 4, berlin),
    at: '2026-10-24T23:00:00Z',
    want: ['2026-10-25T00:30:00Z', '2026-10-25T03:00:00Z'],
  },
};
for (const [name, tc] of Object.entries(cases)) {
  test(`a daily window: ${name}`, () => {
    const { start, end } = windowAt(tc.duration, at(tc.at));
    assert.deepEqual(
      [start, end].map((t) => new Date(t).toISOString().replace('.000', '')),
      tc.want,
    );
  });
}

test('every day of a year has one window, and its changes follow each other', () => {
  const night = daily(22, 6, berlin);
  let now = at('2026-01-01T12:00:00Z');
  let opened = 0;
  while (now < at('2027-01-01T12:00:00Z')) {
    const next = nextChange(night, now)!;
    assert.ok(next > now);
    assert.notEqual(isOpen(night, now), isOpen(night, next));
    now = next;
    if (isOpen(night, now)) opened++;
  }
  assert.equal(opened, 366);
  assert.equal(nextChange({ kind: 'always' }, now), undefined);
});

test('patterns of names', () => {
  assert.ok(matches('production_*', 'production_nightly'));
  assert.ok(!matches('production_*', 'my_production_x'));
  assert.ok(matches('*', ''));
  assert.ok(matches('a*b*c', 'axxbyyc') && !matches('a*b*c', 'ac'));
  assert.ok(matches('same', 'same') && !matches('same', 'same2'));
  assert.ok(!matches('ab*ba', 'aba'), 'parts do not overlap');
});
