import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, reported } from '../builders/site-text.ts';

const HOUR = 3_600_000;
const site = (history: string): string => `monitoring:\n  history: ${history}\n`;

const right: Readonly<Record<string, readonly number[]>> = {
  '{}': [24, 90 * 24, 730 * 24, 512 * 1024 ** 2],
  '{seconds: 2h, size: 64Mi}': [2, 90 * 24, 730 * 24, 64 * 1024 ** 2],
  '{seconds: 30d, minutes: 30d, hours: 30d, size: 2GB}': [720, 720, 720, 2e9],
};
for (const [text, [seconds, minutes, hours, size]] of Object.entries(right)) {
  test(`read: ${text}`, () => {
    const parsed = parse(site(text));
    assert.ok(parsed.ok, JSON.stringify(parsed));
    assert.deepEqual(parsed.site.history, {
      secondsMs: seconds! * HOUR,
      minutesMs: minutes! * HOUR,
      hoursMs: hours! * HOUR,
      size,
    });
  });
}

const AT = 'error: monitoring.history.';
const wrong: Readonly<Record<string, string>> = {
  '{seconds: 59m}': `2:22 ${AT}seconds: \`seconds\` is out of range; expected from 1h to 30d`,
  '{seconds: 2h, minutes: 12h}': `2:35 ${AT}minutes: \`minutes\` is out of range; expected from 1d to 1830d`,
  '{hours: 30000d}': `2:20 ${AT}hours: \`hours\` is out of range; expected from 7d to 7300d`,
  '{size: 1Mi}': `2:19 ${AT}size: \`size\` is out of range; expected from 16Mi to 64Gi`,
  '{minutes: 800d}': `2:22 ${AT}minutes: points of minutes would be kept longer than those of hours; expected \`minutes\` of at most 730d, as \`hours\``,
  '{hours: 60d}': `2:20 ${AT}hours: points of minutes would be kept longer than those of hours; expected \`minutes\` of at most 60d, as \`hours\``,
};
for (const [text, want] of Object.entries(wrong)) {
  test(`told with its place: ${text}`, () => assert.deepEqual(reported(site(text)), [want]));
}
