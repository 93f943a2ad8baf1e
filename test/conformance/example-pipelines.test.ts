import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realRun } from './real-run.ts';
import { whereSeed } from './seed-blocks.ts';
import { document } from './seed-runs.ts';

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
