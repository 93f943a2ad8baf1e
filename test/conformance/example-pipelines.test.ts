import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onCpu, realRun } from './real-run.ts';
import { whereSeed } from './seed-blocks.ts';
import { document } from './seed-runs.ts';

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
  - id: describe
    needs: [shards]
    action: complex_analysis
    with: {values: [1, 2, 3], resamples: 10}
`;

test(
  'the high-performance pipeline runs to its end on CPU, as it is written',
  whereSeed,
  async (t) => {
    const { workload, steps, status, berth } = await realRun(
      t,
      document('high-performance-pipeline'),
    );
    assert.equal(workload.name, 'high_performance_research');
    assert.deepEqual(
      [status, steps.map(({ id, tasks }) => [id, tasks.succeeded])],
      ['succeeded', [['parallel_processing', 1]]],
    );
    const shown = await berth('ps', '--all', '--json');
    assert.equal(JSON.parse(shown.stdout).workloads[0].reason, 'runs on CPU in place of 0.5 GPUs');
  },
);

test('the cost-optimised pipeline runs to its end, with steps', whereSeed, async (t) => {
  const run = await realRun(t, document('cost-optimized-pipeline', steps), { site: midnight() });
  assert.equal(run.workload.name, 'budget_friendly_analysis');
  assert.deepEqual(
    run.steps.map(({ id, tasks }) => [id, tasks.succeeded]),
    [
      ['shards', 2],
      ['describe', 1],
    ],
  );
});
