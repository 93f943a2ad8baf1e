import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causeOfStop, type StopReason } from '../../src/model/attempt.ts';
import { isOwnEnd } from '../../src/simulation/own-ends.ts';

const reasons: readonly StopReason[] = [
  'cancelled',
  'preempted',
  'unhealthy',
  'over-budget',
  'evicted',
  'spot',
  'moved',
  'overused',
  'over-limit',
];

test('what was told to stop did not end of its own accord, nor what was lost or never begun', () => {
  for (const reason of reasons) assert.equal(isOwnEnd(causeOfStop(reason)), false, reason);
  for (const cause of ['over-limit', 'lost', 'unstarted'] as const)
    assert.equal(isOwnEnd(cause), false);
  for (const cause of ['succeeded', 'failed', 'signalled', 'oom-killed', 'timed-out'] as const) {
    assert.equal(isOwnEnd(cause), true, cause);
  }
});
