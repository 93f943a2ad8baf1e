import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { zoneOffsets } from '../../src/app/zone-offsets.ts';
import { timeMs } from '../../src/base/units.ts';

const H = 3_600_000;
const utc = (text: string) => timeMs(Date.parse(text));

/** Changes that were or are decreed, from the tz database; each with the offset that holds from it on. */
const cases: Record<
  string,
  { zone: string; from: string; until: string; first: number; want: readonly [string, number][] }
> = {
  'summer time in Berlin': {
    zone: 'Europe/Berlin',
    from: '2026-01-01T00:00:00Z',
    until: '2027-01-01T00:00:00Z',
    first: H,
    want: [
      ['2026-03-29T01:00:00.000Z', 2 * H],
      ['2026-10-25T01:00:00.000Z', H],
    ],
  },
  'the south, where it ends in April and begins in October': {
    zone: 'Australia/Sydney',
    from: '2026-01-01T00:00:00Z',
    until: '2027-01-01T00:00:00Z',
    first: 11 * H,
    want: [
      ['2026-04-04T16:00:00.000Z', 10 * H],
      ['2026-10-03T16:00:00.000Z', 11 * H],
    ],
  },
  'half an hour of it': {
    zone: 'Australia/Lord_Howe',
    from: '2026-01-01T00:00:00Z',
    until: '2026-06-01T00:00:00Z',
    first: 11 * H,
    want: [['2026-04-04T15:00:00.000Z', 10.5 * H]],
  },
  'a day that was left out': {
    zone: 'Pacific/Apia',
    from: '2011-12-01T00:00:00Z',
    until: '2012-01-15T00:00:00Z',
    first: -10 * H,
    want: [['2011-12-30T10:00:00.000Z', 14 * H]],
  },
  'no change at all': {
    zone: 'Asia/Kolkata',
    from: '2026-01-01T00:00:00Z',
    until: '2036-01-01T00:00:00Z',
    first: 5.5 * H,
    want: [],
  },
  UTC: {
    zone: 'UTC',
    from: '2026-01-01T00:00:00Z',
    until: '2036-01-01T00:00:00Z',
    first: 0,
    want: [],
  },
};
for (const [name, { zone, from, until, first, want }] of Object.entries(cases)) {
  test(`offsets: ${name}`, () => {
    const { offsets } = zoneOffsets(zone, utc(from), utc(until));
    assert.deepEqual(offsets[0], { from: 0, offsetMs: first });
    const changes = offsets.slice(1).map((o) => [new Date(o.from).toISOString(), o.offsetMs]);
    assert.deepEqual(changes, want);
  });
}

test('whatever the zone and the hour, the offsets are what its clocks show', () => {
  const zones = ['Europe/Berlin', 'America/New_York', 'America/Santiago', 'Pacific/Auckland'];
  const start = utc('2026-01-01T00:00:00Z');
  const spanHours = 3 * 365 * 24;
  const known = new Map(
    zones.map((zone) => [zone, zoneOffsets(zone, start, timeMs(start + spanHours * H))]),
  );
  fc.assert(
    fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: spanHours }), (zone, hour) => {
      const at = start + hour * H;
      const offset = known.get(zone)!.offsets.findLast((o) => o.from <= at)!.offsetMs;
      const clock = new Intl.DateTimeFormat('sv-SE', {
        timeZone: zone,
        dateStyle: 'short',
        timeStyle: 'medium',
      });
      assert.equal(
        clock.format(at),
        new Date(at + offset).toISOString().slice(0, 19).replace('T', ' '),
      );
    }),
    { numRuns: 300 },
  );
});
