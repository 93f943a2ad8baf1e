import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config, queueConfig, Site } from '../builders/site.ts';
import { GIB } from '../builders/workload.ts';
import { openFlowRig } from '../execution/flow-rig.ts';
import { whereSeed } from './seed-blocks.ts';
import { a100, machine, readBlock } from './seed-runs.ts';

const oneQueue = config([queueConfig('default')]);

test(
  'each step is placed by its own resources: the light one where the heavy one has no room',
  whereSeed,
  () => {
    const { spec, warnings } = readBlock('step-resources');
    assert.deepEqual(warnings, []);
    const small = machine('small', { cpu: 0.5, gib: 0.5 });
    const large = machine('large', { cpu: 4, gib: 16, gpus: [a100('g')] });
    const site = new Site(oneQueue, small, large);
    assert.equal(site.submitSpec(spec), undefined);
    const placed = site.pass().map((id) => site.engine.state.attempt(id)!.placement);
    assert.deepEqual(
      placed.map(({ node, held: { cpu, memory, gpu }, gpus }) => [node, cpu, memory, gpu, gpus]),
      [
        ['small', 500, GIB / 2, 0, []],
        ['large', 4000, 16 * GIB, 1000, ['g']],
      ],
    );
    // Each amount is needed: with a little less of it on the one machine that could, it is refused.
    for (const [short, resource] of [
      [{ cpu: 3.9, gib: 16, gpus: [a100('g')] }, 'cpu'],
      [{ cpu: 4, gib: 15.5, gpus: [a100('g')] }, 'memory'],
      [{ cpu: 4, gib: 16 }, 'gpu'],
    ] as const) {
      const refusal = new Site(oneQueue, small, machine('n', short)).submitSpec(spec);
      assert.ok(refusal?.code === 'never-fits', JSON.stringify(refusal));
      assert.deepEqual([refusal.step, refusal.resource], ['heavy_task', resource]);
    }
  },
);

test('both steps run to their end by their actions', whereSeed, async (t) => {
  const rig = await openFlowRig(t, undefined, { gpus: [a100('g')] });
  const { spec } = readBlock('step-resources');
  const { state, steps } = await rig.ended(await rig.submit(spec));
  assert.equal(state, 'succeeded');
  assert.deepEqual(
    steps.map(({ spec: { id, limits }, tasks }) => [
      id,
      limits.cpu,
      limits.memory,
      tasks[0]!.attempts[0]!.placement.gpus.join(),
      tasks[0]!.attempts[0]!.end!.cause,
    ]),
    [
      ['light_task', 500, GIB / 2, '', 'succeeded'],
      ['heavy_task', 4000, 16 * GIB, 'g', 'succeeded'],
    ],
  );
});
