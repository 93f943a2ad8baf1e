import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FlowValue } from '../../src/model/flow.ts';
import { step, workload } from '../builders/workload.ts';
import { openFlowRig } from './flow-rig.ts';

const limit = { timeout: 60_000 };
const flow = { onFailure: 'fail' } as const;
const shell = (script: string) => ({ run: { kind: 'shell', script } as const });

test('a pipeline of real tasks: outputs, a list, holes and a condition', limit, async (t) => {
  const rig = await openFlowRig(t);
  const each = {
    kind: 'expression',
    expression: 'steps.list.outputs.names',
    max: 10,
  } as const;
  const argv = [
    '/bin/sh',
    '-c',
    'echo "n=$1" >> "$BERTH_OUTPUT"',
    'x',
    '${{ size(item) + index }}',
  ];
  const doc = workload(
    'w',
    step('list', { ...shell(`echo 'names=["ab","cde"]' > "$BERTH_OUTPUT"`), flow }),
    step('count', {
      needs: ['list'],
      count: 0,
      run: { kind: 'argv', argv },
      flow: { ...flow, each, holes: true },
    }),
    step('never', {
      needs: ['count'],
      ...shell('exit 1'),
      flow: { ...flow, condition: 'steps.count.outputs.n != [2, 4]' },
    }),
    step('last', {
      needs: ['never'],
      ...shell('echo "item=$BERTH_ITEM" > "$BERTH_OUTPUT"'),
      flow: { ...flow, each: { kind: 'items', items: [{ a: 1 }] }, onFailure: 'continue' },
    }),
  );
  const id = await rig.submit(doc);
  const record = await rig.ended(id);
  assert.equal(record.state, 'succeeded');
  const outputs = (index: number): unknown[] =>
    record.steps[index]!.tasks.map((task) => task.attempts.at(-1)?.end?.outputs);
  assert.deepEqual(outputs(0), [{ names: ['ab', 'cde'] }]);
  assert.deepEqual(outputs(1), [{ n: 2 }, { n: 4 }]);
  assert.equal(record.steps[2]!.state, 'skipped');
  assert.deepEqual(outputs(3), [{ item: { a: 1 } }]);
});

test('a hole that cannot be filled ends its attempt with a sentence', limit, async (t) => {
  const rig = await openFlowRig(t);
  const run = { kind: 'argv', argv: ['/bin/echo', '${{ vars.none }}'] } as const;
  const id = await rig.submit(workload('w', step('a', { run, flow: { ...flow, holes: true } })));
  const record = await rig.ended(id);
  assert.equal(record.state, 'failed');
  const { end } = record.steps[0]!.tasks[0]!.attempts[0]!;
  assert.equal(end?.cause, 'start-failed');
  assert.match(end?.message ?? '', /^A hole of the command could not be filled: .*none/);
});

test('what was said before a crash of the daemon is known after it', limit, async (t) => {
  const rig = await openFlowRig(t);
  const script = 'echo done=true > "$BERTH_OUTPUT"; : > "$BERTH_WORKDIR/said"';
  const id = await rig.submit(workload('w', step('a', { ...shell(script), flow })), { deaf: true });
  await rig.seen(join(rig.workdir(id), 'said'));
  await rig.crash();
  const record = await rig.ended(id);
  assert.deepEqual(record.steps[0]!.tasks[0]!.attempts[0]!.end?.outputs, { done: true });
});

test(
  'a step that nobody asks, and that has no flow, is not told where to write',
  limit,
  async (t) => {
    const rig = await openFlowRig(t);
    const script = 'test -z "$BERTH_OUTPUT"';
    const id = await rig.submit(
      workload('w', step('a', shell(script)), step('b', { needs: ['a'] })),
    );
    assert.equal((await rig.ended(id)).state, 'succeeded');
  },
);

test(
  'what a task puts in place of its file is not followed, and keeps nobody waiting',
  limit,
  async (t) => {
    const rig = await openFlowRig(t);
    const secret = join(rig.stateDir, 'secret');
    writeFileSync(secret, 'stolen=1\n');
    const spec = workload(
      'w',
      step('link', { ...shell(`rm "$BERTH_OUTPUT"; ln -s ${secret} "$BERTH_OUTPUT"`), flow }),
      step('pipe', { ...shell('rm "$BERTH_OUTPUT"; mkfifo "$BERTH_OUTPUT"'), flow }),
    );
    const record = await rig.ended(await rig.submit(spec));
    const said = (index: number): Readonly<Record<string, FlowValue>> | undefined =>
      record.steps[index]!.tasks[0]!.attempts[0]!.end?.outputs;
    assert.equal(record.state, 'succeeded');
    assert.deepEqual([said(0), said(1)], [undefined, undefined]);
  },
);

test('a run that is gone on with finds the folder of the first', limit, async (t) => {
  const rig = await openFlowRig(t);
  const spec = workload(
    'w',
    step('make', { ...shell('echo 7 > "$BERTH_WORKDIR/n"; echo n=7 > "$BERTH_OUTPUT"'), flow }),
    step('use', {
      needs: ['make'],
      run: {
        kind: 'argv',
        argv: [
          '/bin/sh',
          '-c',
          'test "$(cat n)" = "$1" && test -e go',
          'x',
          '${{ steps.make.outputs.n }}',
        ],
      },
      flow: { ...flow, holes: true },
    }),
  );
  const first = await rig.submit(spec);
  assert.equal((await rig.ended(first)).state, 'failed');
  mkdirSync(rig.workdir(first), { recursive: true });
  writeFileSync(join(rig.workdir(first), 'go'), '');
  const second = await rig.retry(first);
  const record = await rig.ended(second);
  assert.equal(record.state, 'succeeded');
  assert.equal(record.steps[0]!.tasks.length, 0);
  assert.equal(readFileSync(join(rig.workdir(first), 'n'), 'utf8'), '7\n');
});
