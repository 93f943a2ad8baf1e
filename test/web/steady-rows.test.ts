import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptInPlace } from '../../web/src/parts/kept-in-place.ts';

const row = (id: string, state = 'running') => ({ id, state });
const keyOf = ({ id }: { id: string }): string => id;
const before = [row('1'), row('2'), row('3')].map((r) => ({ row: r, gone: false }));

test('rows keep their place and show what is new about them', () => {
  const now = [row('4'), row('3', 'done'), row('1'), row('2')];
  assert.deepEqual(keptInPlace(before, now, keyOf), [
    { row: row('1'), gone: false },
    { row: row('2'), gone: false },
    { row: row('3', 'done'), gone: false },
  ]);
});

test('a row that left stays where it was, and says so', () => {
  const kept = keptInPlace(before, [row('3'), row('1')], keyOf);
  assert.deepEqual(kept[1], { row: row('2'), gone: true });
});

test('a row that comes back is back', () => {
  const without = keptInPlace(before, [row('1')], keyOf);
  assert.equal(keptInPlace(without, [row('2'), row('1')], keyOf)[1]!.gone, false);
});
