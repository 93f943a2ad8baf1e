import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderWorkloads } from '../../src/cli/commands/ps.ts';
import { calibrationLine, startCell } from '../../src/cli/start-times.ts';
import { summary } from './documents.ts';

const page = { width: 120, colour: 'none', unicode: true } as const;
/** In the zone that the test runs in. */
const NOW = new Date(2026, 10, 22, 14, 0).getTime();
const minutes = (count: number): number => NOW + count * 60_000;

test('a start has its interval, its day where that is another one, and nothing where nothing is known', () => {
  const cell = (low: number, at: number, high: number | null): string =>
    startCell(
      { low: minutes(low), at: minutes(at), high: high === null ? null : minutes(high) },
      page,
      NOW,
    );
  assert.equal(cell(5, 20, 70), '14:20 (14:05–15:10)');
  assert.equal(cell(20, 20, 20), '14:20');
  assert.equal(cell(20, 20.2, 20.9), '14:20', 'nothing is between, to the minute');
  assert.equal(cell(5, 20, null), '14:20 (from 14:05)');
  assert.equal(cell(20, 600, 700), '2026-11-23 00:00 (14:20–2026-11-23 01:40)');
  assert.equal(startCell(undefined, page, NOW), '—');
});

test('the list has a column of starts where they were asked for, and says what an interval is worth', () => {
  const waits = {
    ...summary('7', 'waiting'),
    starts: { at: minutes(20), low: minutes(5), high: minutes(70) },
  };
  const list = { workloads: [waits, summary('6', 'running')], total: 2 };
  const asked = renderWorkloads(
    { ...list, calibration: { inside: 163, of: 200 } },
    { page, now: NOW, all: false },
  );
  assert.match(asked[0]!, /STARTS +REASON/);
  assert.match(asked[1]!, /14:20 \(14:05–15:10\)/);
  assert.match(asked.at(-1)!, /of the last 200 here 163 did\./);
  const plain = renderWorkloads(list, { page, now: NOW, all: false });
  assert.ok(!plain.join('\n').includes('STARTS'));
  assert.match(calibrationLine({ inside: 4, of: 4 }), /too few have come here/);
});
