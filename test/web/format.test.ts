import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ago,
  bytes,
  counted,
  duration,
  listed,
  milli,
  percent,
  shortMoment,
  whole,
} from '../../web/src/format.ts';

const GIB = 1_073_741_824;
const shown: readonly (readonly [string, string, string])[] = [
  ['no bytes', bytes(0), '0 B'],
  ['bytes', bytes(999), '999 B'],
  ['just below a unit', bytes(1_023), '1023 B'],
  ['a binary unit', bytes(4 * GIB), '4.0 GiB'],
  ['hundreds without a fraction', bytes(512 * 1_048_576), '512 MiB'],
  ['rounded up into the next unit', bytes(GIB - 1), '1.0 GiB'],
  ['beyond the largest unit', bytes(2 ** 60), '1024 PiB'],
  ['unknown bytes', bytes(null), '—'],
  ['half a core', milli(500), '0.5'],
  ['whole cores', milli(48_000), '48'],
  ['a rounded core', milli(3_428), '3.43'],
  ['unknown cores', milli(undefined), '—'],
  ['a small share', percent(0.0071), '0.7%'],
  ['a share', percent(0.714), '71%'],
  ['no share', percent(0), '0%'],
  ['unknown share', percent(null), '—'],
  ['part of a second', duration(850), '0.8s'],
  ['seconds', duration(12_400), '12s'],
  ['minutes', duration(252_000), '4m 12s'],
  ['a minute sharp', duration(60_000), '1m 00s'],
  ['rounded into a minute', duration(59_700), '1m 00s'],
  ['hours', duration(7_500_000), '2h 05m'],
  ['rounded into an hour', duration(3_599_600), '1h 00m'],
  ['days', duration(273_600_000), '3d 4h'],
  ['a clock that went back', duration(-5), '0.0s'],
  ['unknown length', duration(null), '—'],
  ['just now', ago(900), 'now'],
  ['seconds ago', ago(48_000), '48s ago'],
  ['hours ago', ago(2 * 3_600_000 + 1), '2h ago'],
  ['thousands', whole(12_345), '12\u202f345'],
  ['one thing', counted(1, 'task'), '1 task'],
  ['no things', counted(0, 'task'), '0 tasks'],
  ['one name', listed(['a']), 'a'],
  ['three names', listed(['a', 'b', 'c']), 'a, b and c'],
  ['five names', listed(['a', 'b', 'c', 'd', 'e']), 'a, b and 3 more'],
];
for (const [name, got, want] of shown) {
  test(`shown: ${name}`, () => assert.equal(got, want));
}

test('a start is told to the minute, with its day where that is another one', () => {
  const today = new Date(2026, 10, 22, 14, 0).getTime();
  assert.equal(shortMoment(new Date(2026, 10, 22, 9, 5, 59).getTime(), today), '09:05');
  assert.equal(shortMoment(new Date(2026, 10, 23, 0, 7).getTime(), today), '11-23 00:07');
});
