import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytes, milliCpu, type SpanMs, timeMs, UNLIMITED } from '../../src/base/units.ts';
import { OUTPUT_CHARS_MAX } from '../../src/engine/attempt-end.ts';
import { Engine } from '../../src/engine/engine.ts';
import { outputsOf } from '../../src/engine/flow-scope.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import { StartRoom } from '../../src/engine/start-room.ts';
import type { StepFlow, WorkloadLimits } from '../../src/model/flow.ts';
import type { WorkloadId } from '../../src/model/ids.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { bench, benchWith } from '../builders/engine-bench.ts';
import { GIB, node, resources, step, workload } from '../builders/workload.ts';
import { checkSameFuture } from '../sim/replay.ts';

const fresh = () =>
  new Engine(
    { tasksMax: 1_000, endedMax: 10 },
    { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
  );

type Bench = ReturnType<typeof bench>;

/** Replayed and restored engines know and decide the same. */
function checkKnown({ engine, journal }: Bench, at: number): void {
  checkSameFuture(engine, [journal], fresh, timeMs(at));
}

const flow = (changes: Partial<StepFlow> = {}): StepFlow => ({ onFailure: 'fail', ...changes });

const list = (expression: string, max = 100): Pick<StepSpec, 'count' | 'flow'> => ({
  count: 0,
  flow: flow({ each: { kind: 'expression', expression, max } }),
});

const unlimited: WorkloadLimits = {
  executionMs: UNLIMITED as SpanMs,
  cpu: UNLIMITED,
  memory: UNLIMITED,
  concurrentTasks: UNLIMITED,
  retries: UNLIMITED,
  cost: UNLIMITED as WorkloadLimits['cost'],
  modelCalls: UNLIMITED,
  tokens: UNLIMITED,
};

const held = (limits: Partial<WorkloadLimits>, ...steps: StepSpec[]): WorkloadSpec => ({
  ...workload('w', ...steps),
  limits: { ...unlimited, ...limits },
});

const stepOf = ({ engine }: Bench, id: string, index = 0) =>
  engine.state.workload(id as WorkloadId)!.steps[index]!;

const big = () => bench(node('n', { cpu: 64_000, memory: 2 ** 40 }));

describe('conditions', () => {
  const after = (condition: string) => step('b', { needs: ['a'], flow: flow({ condition }) });

  test('a step whose condition is true opens once what it needs has ended', () => {
    const b = big();
    b.submit(workload('w', step('a'), after('steps.a.outputs.go')));
    assert.deepEqual(b.say('1.a.0.1', { go: true }), [
      'ended 1.a.0.1 succeeded',
      'step a succeeded',
      'step-opened',
      'placed 1.b.0.1 on n',
    ]);
    checkKnown(b, 0);
  });

  test('one whose condition is false is skipped, and counts as succeeded for those that need it', () => {
    const b = big();
    b.submit(workload('w', step('a'), after('steps.a.outputs.go'), step('c', { needs: ['b'] })));
    assert.deepEqual(b.say('1.a.0.1', { go: false }), [
      'ended 1.a.0.1 succeeded',
      'step a succeeded',
      'step b skipped',
      'placed 1.c.0.1 on n',
    ]);
    checkKnown(b, 0);
    assert.deepEqual(b.end('1.c.0.1').slice(-2), ['step c succeeded', 'workload 1 succeeded']);
  });

  test('one that asks how another ended runs after that failed', () => {
    const b = big();
    b.submit(
      workload('w', step('a'), after("steps.a.state == 'failed'"), step('c', { needs: ['a'] })),
    );
    const seen = b.end('1.a.0.1', 'failed');
    assert.ok(seen.includes('step-opened'), seen.join());
    assert.ok(seen.includes('step c skipped'), 'without a condition it is skipped as ever');
    checkKnown(b, 0);
    assert.deepEqual(b.end('1.b.0.1').slice(-1), ['workload 1 failed']);
  });

  test('one that waits for two is decided after the second, however the first ended', () => {
    const b = big();
    const last = step('z', { needs: ['a', 'b'], flow: flow({ condition: 'true' }) });
    b.submit(workload('w', step('a'), step('b'), last));
    assert.ok(!b.end('1.a.0.1', 'failed').includes('step-opened'));
    assert.ok(b.end('1.b.0.1').includes('step-opened'));
  });

  const unanswered: readonly [condition: string, message: RegExp][] = [
    ['steps.a.outputs.none == 1', /could not be evaluated: .*none/],
    ['steps.a.state', /the text "succeeded", neither true nor false/],
    ['item == 1', /could not be evaluated/],
  ];
  for (const [condition, message] of unanswered) {
    test(`${condition} says neither: the step fails with a sentence`, () => {
      const b = big();
      b.submit(workload('w', step('a'), after(condition)));
      assert.deepEqual(b.end('1.a.0.1').slice(-2), ['step b failed', 'workload 1 failed']);
      const { reason } = stepOf(b, '1', 1);
      assert.match(reason?.kind === 'expression' ? reason.message : '', message);
      checkKnown(b, 0);
    });
  }

  test('without anything that it needs, variables decide', () => {
    const b = big();
    const alone = step('a', { flow: flow({ condition: 'vars.mode == "full"' }) });
    assert.deepEqual(b.submit({ ...workload('w', alone), vars: { mode: 'full' } }).slice(1), [
      'step-opened',
      'placed 1.a.0.1 on n',
    ]);
    assert.deepEqual(b.submit({ ...workload('w', alone), vars: { mode: 'short' } }).slice(1), [
      'step a skipped',
      'workload 2 succeeded',
    ]);
    checkKnown(b, 0);
  });

  test('a step that may fail lets others go on, and its workload succeed', () => {
    const b = big();
    const loose = step('a', { flow: flow({ onFailure: 'continue' }) });
    b.submit(workload('w', loose, step('b', { needs: ['a'] })));
    assert.deepEqual(b.end('1.a.0.1', 'failed').slice(-1), ['placed 1.b.0.1 on n']);
    checkKnown(b, 0);
    assert.deepEqual(b.end('1.b.0.1').slice(-1), ['workload 1 succeeded']);
  });

  test('a cancel before the decision leaves nothing to decide', () => {
    const b = big();
    b.submit(workload('w', step('a'), after('steps.a.outputs.go')));
    assert.deepEqual(b.cancel('1'), [
      'cancel-requested',
      'step b cancelled',
      'stop 1.a.0.1 cancelled',
    ]);
    assert.deepEqual(b.end('1.a.0.1', 'cancelled').slice(-1), ['workload 1 cancelled']);
    checkKnown(b, 0);
  });
});

describe('lists', () => {
  test('one task is made for each item of what another step said, and the list is a fact', () => {
    const b = big();
    b.submit(workload('w', step('a'), step('b', { ...list('steps.a.outputs.n'), needs: ['a'] })));
    const seen = b.say('1.a.0.1', { n: ['x', { y: 1 }, 3] });
    assert.deepEqual(seen.slice(2), [
      'step-expanded',
      'placed 1.b.0.1 on n',
      'placed 1.b.1.1 on n',
      'placed 1.b.2.1 on n',
    ]);
    const expanded = b.journal.find(({ kind }) => kind === 'step-expanded');
    assert.deepEqual(expanded, {
      kind: 'step-expanded',
      at: 0,
      workload: '1',
      step: 'b',
      items: ['x', { y: 1 }, 3],
    });
    assert.equal(b.engine.state.tasksActive, 4);
    checkKnown(b, 0);
    for (const i of [0, 1]) b.end(`1.b.${i}.1`);
    checkKnown(b, 0);
    assert.deepEqual(b.end('1.b.2.1').slice(-1), ['workload 1 succeeded']);
    assert.equal(b.engine.state.tasksActive, 0);
    checkKnown(b, 0);
  });

  test('an empty list succeeds without a task', () => {
    const b = big();
    const each = { kind: 'items', items: [] } as const;
    b.submit(workload('w', step('a', list('[]')), step('b', { count: 0, flow: flow({ each }) })));
    const kinds = b.journal.map(({ kind }) => kind);
    assert.ok(!kinds.includes('task-placed'), kinds.join());
    assert.equal(b.engine.state.workload('1' as WorkloadId)?.state, 'succeeded');
    checkKnown(b, 0);
  });

  const wrong: readonly [expression: string, message: RegExp][] = [
    ['7', /the number 7, not a list/],
    ['{"a": 1}', /a map, not a list/],
    ['[1, 2, 3, 4]', /4 items, and may have 3/],
    ['steps.nobody', /could not be evaluated/],
  ];
  for (const [expression, message] of wrong) {
    test(`${expression} is no list that the step may have`, () => {
      const b = big();
      b.submit(workload('w', step('a', list(expression, 3))));
      assert.equal(b.engine.state.workload('1' as WorkloadId)?.state, 'failed');
      const { reason } = stepOf(b, '1');
      assert.match(reason?.kind === 'expression' ? reason.message : '', message);
      checkKnown(b, 0);
    });
  }

  test('more items than the site has room for fail the step, not the site', () => {
    const b = big();
    b.submit(workload('fill', step('a', { count: 990, request: resources({ cpu: 64_000 }) })));
    b.submit(workload('w', step('a', list('[1,2,3,4,5,6,7,8,9,10,11]'))));
    const { reason } = stepOf(b, '2');
    assert.match(reason?.kind === 'expression' ? reason.message : '', /room for 10 more tasks/);
  });

  test('what several tasks said is seen name by name and task by task', () => {
    const b = big();
    const each = { kind: 'items', items: [1, 2] } as const;
    const expression = '[steps.a.outputs.sum, steps.a.tasks.map(t, t.outputs)]';
    const last = step('z', { ...list(expression), needs: ['a'] });
    b.submit(workload('w', step('a', { count: 2, flow: flow({ each }) }), last));
    b.say('1.a.1.1', { sum: 20 });
    b.say('1.a.0.1', {});
    assert.deepEqual(stepOf(b, '1', 1).items, [
      [null, 20],
      [{}, { sum: 20 }],
    ]);
  });
});

describe('groups', () => {
  const group = { id: 'g' as StepSpec['id'], maxParallel: 2 };
  const member = (id: string, count = 1) => step(id, { count, flow: flow({ group }) });

  test('steps made of one share how many of their tasks run at once', () => {
    const b = big();
    const seen = b.submit(workload('w', member('a', 2), member('b', 2), member('c')));
    assert.deepEqual(seen.slice(1), ['placed 1.a.0.1 on n', 'placed 1.a.1.1 on n']);
    assert.deepEqual(StartRoom.of(stepOf(b, '1', 1))?.refusal(stepOf(b, '1', 1)), {
      code: 'group-parallelism',
      group: 'g',
      max: 2,
    });
    checkKnown(b, 0);
    assert.deepEqual(b.end('1.a.0.1').slice(1), ['placed 1.b.0.1 on n']);
    assert.deepEqual(b.end('1.b.0.1').slice(1), ['placed 1.b.1.1 on n']);
    checkKnown(b, 0);
    assert.ok(b.end('1.b.1.1').includes('placed 1.c.0.1 on n'));
  });

  test('a step that failed gives its part to the others', () => {
    const b = big();
    b.submit(workload('w', member('a', 4), member('b', 2)));
    assert.ok(!b.end('1.a.0.1', 'failed').includes('placed 1.a.2.1 on n'));
    const placed = b.journal.filter(({ kind }) => kind === 'task-placed').length;
    assert.equal(placed, 3, 'one of b, beside the one of a that still runs');
    checkKnown(b, 0);
  });
});

describe('limits of a workload', () => {
  test('so many of its tasks run at once, over all of its steps', () => {
    const b = big();
    b.submit(held({ concurrentTasks: 3 }, step('a', { count: 2 }), step('b', { count: 4 })));
    assert.equal([...b.engine.state.runningAttempts()].length, 3);
    assert.equal(StartRoom.of(stepOf(b, '1'))?.refusal(stepOf(b, '1', 1))?.code, 'workload-limit');
    checkKnown(b, 0);
    for (const id of ['1.a.0.1', '1.b.0.1', '1.a.1.1']) {
      b.end(id);
      assert.equal([...b.engine.state.runningAttempts()].length, 3, id);
    }
    checkKnown(b, 0);
  });

  for (const [limits, most] of [
    [{ cpu: milliCpu(2500) }, 2],
    [{ memory: bytes(3 * GIB) }, 3],
  ] as const) {
    test(`requests of what runs stay within ${JSON.stringify(limits)}`, () => {
      const b = big();
      b.submit(held(limits, step('a', { count: 9 })));
      assert.equal([...b.engine.state.runningAttempts()].length, most);
      checkKnown(b, 0);
    });
  }

  test('memory that grows after a kill stays within the limit, too', () => {
    const b = big();
    const base = step('a').limits;
    const retry = { ...step('a').retry, maxRetries: 2, memoryGrowth: 40_000 as never };
    const limits = { ...base, memory: bytes(GIB) };
    b.submit(held({ memory: bytes(3 * GIB) }, step('a', { count: 2, retry, limits })));
    const seen = b.end('1.a.0.1', 'oom-killed');
    assert.deepEqual(seen, ['ended 1.a.0.1 oom-killed, again at 1000 with 2Gi']);
    assert.equal([...b.engine.state.runningAttempts()].length, 1);
    checkKnown(b, 0);
  });

  test('what could never start under them is refused', () => {
    const b = big();
    const wide = step('a', { request: resources({ cpu: 4000 }) });
    assert.deepEqual(b.submit(held({ cpu: 2000 }, wide)), ['refused workload-limit']);
    const gang = step('a', { count: 4, gangMin: 4 });
    assert.deepEqual(b.submit(held({ concurrentTasks: 3 }, gang)), ['refused workload-limit']);
  });

  test('a gang enters as a whole, or two of them would wait for each other', () => {
    const b = big();
    const gang = (id: string) => step(id, { count: 3, gangMin: 3 });
    b.submit(held({ concurrentTasks: 4 }, step('x', { count: 2 }), gang('a'), gang('b')));
    assert.equal([...b.engine.state.runningAttempts()].length, 2);
    assert.deepEqual(b.end('1.x.0.1').slice(1), [
      'placed 1.a.0.1 on n',
      'placed 1.a.1.1 on n',
      'placed 1.a.2.1 on n',
    ]);
    assert.deepEqual(b.end('1.x.1.1').slice(1), ['step x succeeded']);
    checkKnown(b, 0);
  });

  test('what ends of a step that has failed makes room, though it could try again', () => {
    const b = big();
    const retry = { ...step('a').retry, maxRetries: 1 };
    b.submit(held({ concurrentTasks: 2 }, step('a', { count: 2, retry }), step('b', { count: 2 })));
    b.end('1.a.0.1', 'failed');
    b.wait(1000);
    assert.ok(b.end('1.a.0.2', 'failed').includes('placed 1.b.0.1 on n'));
    assert.ok(b.end('1.a.1.1', 'failed').includes('placed 1.b.1.1 on n'));
    checkKnown(b, 0);
  });

  test('memory that a task grew to is free once its step has failed, and it starts no more', () => {
    const b = big();
    const base = step('a');
    const retry = { ...base.retry, maxRetries: 1, memoryGrowth: 20_000 as never };
    const grows = step('a', { count: 2, retry, limits: { ...base.limits, memory: bytes(GIB) } });
    const wide = step('b', { request: resources({ memory: 4 * GIB }) });
    b.submit(held({ memory: bytes(4 * GIB) }, grows, wide));
    b.end('1.a.0.1', 'failed');
    b.wait(1000);
    b.end('1.a.1.1', 'oom-killed');
    assert.deepEqual(b.end('1.a.0.2', 'failed').slice(-1), ['placed 1.b.0.1 on n']);
    checkKnown(b, 0);
  });

  test('after its execution time it is stopped, and has failed for that', () => {
    const b = big();
    const executionMs = 60_000 as SpanMs;
    const spec = held({ executionMs }, step('a', { count: 2 }), step('b', { needs: ['a'] }));
    b.wait(1_000);
    b.submit(spec);
    assert.equal(b.engine.nextTimer(), 61_000);
    checkKnown(b, 1_000);
    assert.deepEqual(b.wait(60_000), [
      'limit-reached',
      'step b cancelled',
      'stop 1.a.1.1 over-limit',
      'stop 1.a.0.1 over-limit',
    ]);
    checkKnown(b, 61_000);
    b.end('1.a.0.1', 'cancelled');
    assert.deepEqual(b.end('1.a.1.1'), [
      'ended 1.a.1.1 succeeded',
      'step a cancelled',
      'workload 1 failed',
    ]);
    const { end } = stepOf(b, '1').tasks[0]!.attempts[0]!;
    assert.equal(end?.cause, 'over-limit');
    assert.equal(end?.message, 'The workload ran longer than its limit of 1m 0s.');
    assert.equal(b.engine.nextTimer(), undefined);
    checkKnown(b, 61_000);
  });

  test('its time is counted from its first start, and what ended in time is left alone', () => {
    const b = bench();
    b.submit(held({ executionMs: 10 as SpanMs }, step('a')));
    b.wait(1_000);
    assert.equal(b.engine.nextTimer(), undefined);
    b.join(node('n'));
    assert.equal(b.engine.nextTimer(), 1_010);
    b.end('1.a.0.1');
    assert.equal(b.engine.nextTimer(), undefined);
    assert.deepEqual(b.wait(100), []);
  });

  test('its retries are counted over all of its tasks', () => {
    const b = big();
    const retry = { ...step('a').retry, maxRetries: 5 };
    b.submit(held({ retries: 2 }, step('a', { count: 3, retry }), step('b', { retry })));
    b.end('1.a.0.1', 'failed');
    b.order('1.b.0.1', 'preempted');
    b.end('1.b.0.1', 'preempted');
    b.end('1.a.1.1', 'failed');
    assert.equal(b.engine.state.workload('1' as WorkloadId)?.retried, 2);
    checkKnown(b, 0);
    assert.deepEqual(b.end('1.a.2.1', 'failed'), [
      'ended 1.a.2.1 failed',
      'limit-reached',
      'step a failed',
    ]);
    const reached = b.engine.state.workload('1' as WorkloadId)?.limitReached;
    assert.deepEqual(reached, {
      limit: 'retries',
      stops: false,
      message: 'The workload has used up its retries: 2.',
    });
    checkKnown(b, 0);
  });

  test('a node that leaves with many of its tasks spends no more retries than there are', () => {
    const b = big();
    const retry = { ...step('a').retry, maxRetries: 5 };
    b.submit(held({ retries: 2 }, step('a', { count: 4, retry })));
    const seen = b.leave('n');
    assert.equal(seen.filter((line) => line.includes('again')).length, 2);
    assert.equal(seen.filter((line) => line === 'limit-reached').length, 1);
    checkKnown(b, 0);
  });
});

describe('a run that is gone on with', () => {
  const spec = workload(
    'w',
    step('a'),
    step('b', { needs: ['a'], flow: flow() }),
    step('c', { ...list('steps.a.outputs.n'), needs: ['a', 'b'] }),
  );

  test('carries no more outputs than a workload may have, and says which were left out', () => {
    const b = big();
    const text = 'x'.repeat(64_000);
    const fits = Math.floor(OUTPUT_CHARS_MAX / JSON.stringify({ text }).length);
    b.submit(
      workload('w', step('a', { count: fits + 1 }), step('b', { needs: ['a'], flow: flow() })),
    );
    for (let i = 0; i <= fits; i++) b.say(`1.a.${i}.1`, { text });
    const a = stepOf(b, '1');
    const [last, kept] = [a.tasks[fits]!, a.tasks[fits - 1]!].map(
      ({ attempts }) => attempts[0]!.end!,
    );
    assert.deepEqual(kept!.outputs, { text });
    assert.equal(last!.outputs, undefined);
    assert.match(last!.message!, /outputs are left out.*8 MiB/);
    checkKnown(b, 0);
    b.end('1.b.0.1', 'failed');
    assert.deepEqual(b.retry('1'), ['workload-submitted', 'placed 2.b.0.1 on n']);
    const charsOf = (id: string) => b.engine.state.workload(id as WorkloadId)!.outputChars;
    // Of the task whose outputs were left out `{}` is taken over.
    assert.equal(charsOf('2'), charsOf('1') + 2);
    checkKnown(b, 0);
    const restored = fresh();
    restoreSnapshot(restored.state, takeSnapshot(b.engine.state));
    for (const id of ['1', '2'] as WorkloadId[]) {
      assert.equal(restored.state.workload(id)!.outputChars, charsOf(id));
    }
  });

  test('may be a chain of ten thousand steps, the last of which is written first', () => {
    const b = benchWith({ tasksMax: 100_000 }, node('n'));
    const last = 9_999;
    const chain = Array.from({ length: last + 1 }, (_, i) =>
      step(`s${i}`, { needs: i === 0 ? [] : [`s${i - 1}`] }),
    );
    b.submit(workload('w', ...chain.reverse()));
    for (let i = 0; i < last; i++) b.end(`1.s${i}.0.1`);
    b.end(`1.s${last}.0.1`, 'failed');
    assert.deepEqual(b.retry('1'), ['workload-submitted', `placed 2.s${last}.0.1 on n`]);
  });

  test('takes over what succeeded, with what it said, and runs the rest', () => {
    const b = big();
    b.submit(spec);
    b.say('1.a.0.1', { n: [1, 2] });
    b.end('1.b.0.1', 'failed');
    assert.deepEqual(b.retry('1'), ['workload-submitted', 'placed 2.b.0.1 on n']);
    const [a] = b.engine.state.workload('2' as WorkloadId)!.steps;
    assert.equal(a!.state, 'succeeded');
    assert.deepEqual(outputsOf(a!), [{ n: [1, 2] }]);
    checkKnown(b, 0);
    assert.deepEqual(b.end('2.b.0.1').slice(2), [
      'step-expanded',
      'placed 2.c.0.1 on n',
      'placed 2.c.1.1 on n',
    ]);
    assert.deepEqual(b.retry('1'), ['refused retried-already']);
    assert.deepEqual(b.retry('2'), ['refused not-ended']);
    b.end('2.c.0.1');
    b.end('2.c.1.1', 'failed');
    checkKnown(b, 0);
    assert.deepEqual(b.retry('2').slice(1), [
      'step-expanded',
      'placed 3.c.0.1 on n',
      'placed 3.c.1.1 on n',
    ]);
    const third = b.engine.state.workload('3' as WorkloadId)!;
    assert.deepEqual(third.resumes, { from: '2', folder: '1' });
    checkKnown(b, 0);
  });

  test('from the start, all of it runs again', () => {
    const b = big();
    b.submit(workload('w', step('a')));
    b.end('1.a.0.1');
    assert.deepEqual(b.retry('1'), ['refused nothing-failed']);
    assert.deepEqual(b.retry('1', true), ['workload-submitted', 'placed 2.a.0.1 on n']);
  });

  test('what succeeded only because another failed is decided anew', () => {
    const b = big();
    const report = step('b', {
      needs: ['a'],
      flow: flow({ condition: "steps.a.state == 'failed'" }),
    });
    b.submit(workload('w', step('a'), report));
    b.end('1.a.0.1', 'failed');
    b.end('1.b.0.1');
    assert.deepEqual(b.retry('1'), ['workload-submitted', 'placed 2.a.0.1 on n']);
    assert.deepEqual(b.end('2.a.0.1').slice(1), [
      'step a succeeded',
      'step b skipped',
      'workload 2 succeeded',
    ]);
    checkKnown(b, 0);
  });
});
