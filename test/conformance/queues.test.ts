import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { WorkloadId } from '../../src/model/ids.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { entered, openHouse, said, settle, submitTo } from '../builders/overflow-house.ts';
import { reported, schedulingOf } from '../builders/site-text.ts';
import { scratch } from '../store/scratch.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';

/** A loop, an engine and a file on disk under the block as it is written; tasks run when they are told to end. */
const site = (t: TestContext) =>
  openHouse(t, join(scratch(t), 'spilled.db'), { scheduling: schedulingOf(seedBlock('queues')) });

test(
  'the block is taken as it is written: sizes and what happens when they are reached',
  whereSeed,
  () => {
    const told = reported(seedBlock('queues'));
    assert.deepEqual(
      told.filter((line) => /max_size|overflow|guaranteed/.test(line)),
      [],
    );
    const { root } = schedulingOf(seedBlock('queues'));
    assert.deepEqual(
      root.children.map((queue) => [
        queue.name,
        queue.activeMax,
        queue.overflow,
        queue.guaranteedProcessing,
      ]),
      [
        ['default', 1000, 'reject', false],
        ['high_priority', 100, 'spill-to-disk', true],
        ['batch', 10_000, 'reject', false],
      ],
    );
  },
);

for (const [queue, size] of [
  ['default', 1_000],
  ['batch', 10_000],
] as const) {
  test(
    `${queue}: max_size ${size} tasks, and the next submission is refused`,
    whereSeed,
    async (t) => {
      const a = await site(t);
      assert.equal(said(await submitTo(a, { queue, count: size - 1 })), 'accepted 1');
      assert.equal(said(await submitTo(a, { queue })), 'accepted 2');
      const refused = await submitTo(a, { queue });
      assert.deepEqual(refused.kind === 'refused' && refused.refusal, {
        code: 'queue-cap',
        queue,
        what: 'active',
        count: size,
        asked: 1,
        max: size,
      });
      assert.deepEqual(a.overflow.byQueue(), [], 'nothing is kept of it');
    },
  );
}

test(
  'high_priority: beyond max_size 100 nothing is refused, and all of it runs, in order',
  whereSeed,
  async (t) => {
    const a = await site(t);
    const outcomes: string[] = [];
    for (let i = 0; i < 130; i++)
      outcomes.push(said(await submitTo(a, { queue: 'high_priority' })));
    assert.deepEqual([outcomes[99], outcomes[100]], ['accepted 100', 'spilled 101']);
    assert.equal(a.overflow.byQueue()[0]!.submissions, 30);
    await settle(a);
    assert.deepEqual(
      entered(a),
      Array.from({ length: 130 }, (_, i) => String(i + 1)),
    );
    assert.equal(a.overflow.byQueue().length, 0);
  },
);

test(
  'guaranteed_processing: what is lost with its node is run again, and elsewhere it fails',
  whereSeed,
  async (t) => {
    const a = await site(t);
    await submitTo(a, { queue: 'high_priority' });
    await submitTo(a, { queue: 'default' });
    for (const attempt of ['1.s.0.1', '2.s.0.1'] as never[]) {
      await a.loop.send({ kind: 'report-ended', attempt, end: endedBy('lost') });
    }
    await turn();
    const state = (id: string) => a.engine.state.workload(id as WorkloadId)!;
    assert.deepEqual([state('1').state, state('1').retried], ['active', 0]);
    assert.equal(state('1').steps[0]!.tasks[0]!.state, 'resting');
    assert.equal(state('2').state, 'failed');
  },
);
