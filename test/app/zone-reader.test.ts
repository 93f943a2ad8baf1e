import assert from 'node:assert/strict';
import { test } from 'node:test';
import { submissionParser } from '../../src/app/parse-submission.ts';
import { defaultSite } from '../../src/app/read-site.ts';
import { zoneReader } from '../../src/app/zone-reader.ts';
import { timeMs } from '../../src/base/units.ts';
import { isOpen, nextChange } from '../../src/scheduling/calendar.ts';

const at = (text: string) => timeMs(Date.parse(text));

test('a zone is read from now on, and that of the site where none is named', () => {
  let now = at('2026-01-10T12:00:00Z');
  const zoneOf = zoneReader('Asia/Tokyo', () => now);
  assert.deepEqual(zoneOf(undefined), {
    name: 'Asia/Tokyo',
    offsets: [{ from: 0, offsetMs: 9 * 3_600_000 }],
  });
  const berlin = zoneOf('Europe/Berlin')!;
  assert.deepEqual(
    berlin.offsets.map(({ from, offsetMs }) => [from, offsetMs / 3_600_000]),
    [
      [0, 1],
      [at('2026-03-29T01:00:00Z'), 2],
      [at('2026-10-25T01:00:00Z'), 1],
    ],
  );
  assert.equal(zoneOf('Europe/Berlin'), berlin, 'once a day');
  assert.equal(zoneOf('Europe/Atlantis'), undefined);
  now = at('2026-07-01T12:00:00Z');
  assert.equal(zoneOf('Europe/Berlin')!.offsets[0]!.offsetMs, 2 * 3_600_000);
});

test('a document is submitted with the hours of its zone, and with what the site says of batching', () => {
  const site = {
    ...defaultSite,
    timeZone: 'Europe/Berlin',
    documents: { batching: { waitMs: 5_000 as never, max: 7 } },
  };
  const parse = submissionParser(site, () => at('2026-03-28T12:00:00Z'));
  const text = 'run: x\noptimization: {scheduling: {preferred_hours: "22:00-06:00"}}\n';
  const parsed = parse(text, { fileName: 'a.yaml', cwd: '/' });
  assert.ok(parsed.ok);
  const { preferred, steps } = parsed.spec;
  assert.equal(steps[0]!.gather?.max, 7);
  assert.ok(preferred !== undefined && preferred.hours !== 'off-peak');
  // The night that loses an hour.
  assert.ok(isOpen(preferred.hours, at('2026-03-29T03:59:00Z')));
  assert.equal(nextChange(preferred.hours, at('2026-03-28T21:00:00Z')), at('2026-03-29T04:00:00Z'));
});
