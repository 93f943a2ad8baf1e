import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SpilledPlace, spilledSentence } from '../../src/api/views/spilled.ts';
import { timeMs } from '../../src/base/units.ts';
import type { QueueName, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Refusal } from '../../src/model/refusal.ts';

const place = (ahead: number, reason?: Refusal): SpilledPlace => ({
  workload: '7' as WorkloadId,
  at: timeMs(0),
  tenant: 'ada' as TenantId,
  queue: 'lab' as QueueName,
  name: 'w',
  kind: 'job',
  priority: 0,
  tasks: 1,
  ahead,
  reason,
});
const full = (queue: string): Refusal => ({
  code: 'queue-cap',
  queue: queue as QueueName,
  what: 'active',
  count: 4,
  asked: 1,
  max: 4,
});

const sentences: Record<string, [SpilledPlace, string]> = {
  first: [place(0), 'waits on disk until queue lab has room'],
  second: [place(1), 'waits on disk behind one other until queue lab has room'],
  'its queue is full, which is said already': [
    place(2, full('lab')),
    'waits on disk behind 2 others until queue lab has room',
  ],
  'a queue above is full': [
    place(0, full('root')),
    'waits on disk until queue lab has room: queue root has 4 active tasks, and 4 are allowed; 1 was asked for',
  ],
};
for (const [name, [of, want]] of Object.entries(sentences)) {
  test(`what waits on disk, ${name}`, () => assert.equal(spilledSentence(of, timeMs(0)), want));
}
