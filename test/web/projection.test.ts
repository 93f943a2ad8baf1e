import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectedEnd } from '../../web/src/projection.ts';

test('a period ends as it went so far; nothing is said of one that has just begun or is not known', () => {
  const period = { from: 0, resets_at: 100 };
  assert.equal(projectedEnd(30, period, 25), 120);
  assert.equal(projectedEnd(0, period, 25), 0);
  assert.equal(projectedEnd(30, period, 1), undefined);
  assert.equal(projectedEnd(30, period, 100), undefined);
  assert.equal(projectedEnd(30, { from: null, resets_at: 100 }, 25), undefined);
  assert.equal(projectedEnd(30, { from: 0, resets_at: null }, 25), undefined);
});
