import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skipSystem } from '../builders/system-suite.ts';
import { onCpu, realRun } from '../conformance/real-run.ts';
import { whereSeed } from '../conformance/seed-blocks.ts';
import { document } from '../conformance/seed-runs.ts';

/** The minute for which its tasks wait for others like them is a real one. */
const options = { skip: whereSeed.skip || skipSystem, timeout: 300_000 };

/**
 * The cheap pipeline of the source would rather run in off-peak hours, and has no steps. Here it is midnight: the
 * site is in a zone where it is now.
 */
function midnight(): string {
  const behind = new Date().getUTCHours();
  // POSIX: Etc/GMT+3 is three hours behind UTC.
  const zone = behind === 0 ? 'UTC' : behind <= 12 ? `Etc/GMT+${behind}` : `Etc/GMT-${24 - behind}`;
  return `time_zone: ${zone}\n${onCpu}`;
}

const steps = `steps:
  - id: shards
    parallel: {max_workers: 2, count: 2}
    action: process_data_shard
`;

test('the cost-optimised pipeline runs to its end, with a step', options, async (t) => {
  const run = await realRun(t, document('cost-optimized-pipeline', steps), { site: midnight() });
  assert.equal(run.workload.name, 'budget_friendly_analysis');
  assert.deepEqual(
    run.steps.map(({ id, tasks }) => [id, tasks.succeeded]),
    [['shards', 2]],
  );
});
