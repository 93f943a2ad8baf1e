import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { EndCause, ExceededCause, ToldUse } from '../../src/model/attempt.ts';
import type { AttemptId, WorkloadId } from '../../src/model/ids.ts';
import type { Limits, StepSpec } from '../../src/model/workload.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { noLimits } from '../../src/spec/blocks/limits-block.ts';
import { bench } from '../builders/engine-bench.ts';
import { node, step, workload } from '../builders/workload.ts';
import { checkSameFuture } from '../sim/replay.ts';

const fresh = () =>
  new Engine(
    { tasksMax: 1_000, endedMax: 10 },
    { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
  );
type Bench = ReturnType<typeof bench>;
/** Replayed and restored engines know and decide the same. */
const checkKnown = ({ engine, journal }: Bench): void =>
  checkSameFuture(engine, [journal], fresh, timeMs(0));

const big = () => bench(node('n', { cpu: 64_000, memory: 2 ** 40 }));
const limited = (limits: Partial<Limits>, changes: Partial<StepSpec> = {}): StepSpec => {
  const plain = step('a', changes as object);
  return { ...plain, limits: { ...plain.limits, ...limits } };
};
const together = (limits: { modelCalls?: number; tokens?: number }, ...steps: StepSpec[]) => ({
  ...workload('w', ...steps),
  limits: { ...noLimits, ...limits },
});
const endOf = (b: Bench, attempt: string) => b.engine.state.attempt(attempt as AttemptId)!.end!;
const workloadOf = (b: Bench) => b.engine.state.workload('1' as WorkloadId)!;

describe('what one attempt tells of its use', () => {
  const network = { execution: { network: { requestsMax: 5, proxied: true } } };
  const cases: Record<ExceededCause, [StepSpec, fits: ToldUse, over: ToldUse, message: RegExp]> = {
    'model-calls-exceeded': [
      limited({ modelCalls: 2 }),
      { modelCalls: 2, tokens: 900 },
      { modelCalls: 3 },
      /^It told of 3 calls of models, and may have 2\.$/,
    ],
    'tokens-exceeded': [
      limited({ tokens: 100 }),
      { modelCalls: 7, tokens: 100 },
      { tokens: 101 },
      /^It told of 101 tokens, and may have 100\.$/,
    ],
    'results-exceeded': [limited({ results: 0 }), {}, { results: 1 }, /1 results, and may have 0/],
    'requests-exceeded': [
      limited({}, network),
      { requests: 5 },
      { requests: 6 },
      /6 requests through the proxy, and may have 5/,
    ],
  };
  for (const [cause, [spec, fits, over, message]] of Object.entries(cases)) {
    test(`${cause}: stopped while it runs, and not tried again`, () => {
      const b = big();
      b.submit(workload('w', { ...spec, retry: { ...spec.retry, maxRetries: 3 } }));
      assert.ok(!b.uses('1.a.0.1', fits).some((line) => line.startsWith('stop')));
      assert.deepEqual(b.uses('1.a.0.1', over), ['attempt-used', 'stop 1.a.0.1 over-limit']);
      checkKnown(b);
      assert.deepEqual(b.uses('1.a.0.1', over), [], 'told once');
      assert.deepEqual(b.end('1.a.0.1', 'cancelled'), [
        `ended 1.a.0.1 ${cause}`,
        'step a failed',
        'workload 1 failed',
      ]);
      assert.match(endOf(b, '1.a.0.1').message!, message);
      assert.deepEqual(endOf(b, '1.a.0.1').used, { ...fits, ...over });
      checkKnown(b);
    });
    test(`${cause}: one that ended before it was stopped has not kept to its limit either`, () => {
      const b = big();
      b.submit(workload('w', spec));
      assert.equal(b.endWith('1.a.0.1', over)[0], `ended 1.a.0.1 ${cause}`);
      assert.equal(workloadOf(b).state, 'failed');
      checkKnown(b);
    });
    test(`${cause}: all that it may is fine`, () => {
      const b = big();
      b.submit(workload('w', spec));
      b.endWith('1.a.0.1', fits);
      assert.equal(workloadOf(b).state, 'succeeded');
    });
  }

  test('what ended it for another reason is told as that', () => {
    for (const cause of ['oom-killed', 'timed-out', 'lost', 'preempted'] as EndCause[]) {
      const b = big();
      b.submit(workload('w', limited({ tokens: 1 })));
      if (cause === 'preempted') b.order('1.a.0.1', cause);
      assert.match(b.endWith('1.a.0.1', { tokens: 2 }, cause)[0]!, new RegExp(`${cause}`));
    }
  });

  test('nothing that was told becomes less', () => {
    const b = big();
    b.submit(together({ tokens: 100 }, step('a')));
    b.uses('1.a.0.1', { tokens: 80 });
    assert.deepEqual(b.uses('1.a.0.1', { tokens: 10 }), []);
    b.endWith('1.a.0.1', { tokens: 20 });
    assert.equal(workloadOf(b).spent.tokens, 80);
    assert.deepEqual(endOf(b, '1.a.0.1').used, { tokens: 80 });
  });
});

describe('what all tasks of a workload tell together', () => {
  test('more calls than it may have stop it, and nothing more starts', () => {
    const b = big();
    b.submit(together({ modelCalls: 3 }, step('a', { count: 2 }), step('b', { needs: ['a'] })));
    b.uses('1.a.0.1', { modelCalls: 2 });
    assert.deepEqual(b.uses('1.a.1.1', { modelCalls: 1 }), ['attempt-used'], 'as many as it may');
    checkKnown(b);
    assert.deepEqual(b.uses('1.a.1.1', { modelCalls: 2 }), [
      'attempt-used',
      'limit-reached',
      'step b cancelled',
      'stop 1.a.1.1 over-limit',
      'stop 1.a.0.1 over-limit',
    ]);
    checkKnown(b);
    b.end('1.a.0.1', 'cancelled');
    assert.equal(b.end('1.a.1.1', 'cancelled').at(-1), 'workload 1 failed');
    assert.equal(endOf(b, '1.a.0.1').cause, 'over-limit');
    assert.deepEqual(workloadOf(b).limitReached, {
      limit: 'model-calls',
      stops: true,
      message: 'The workload told of 4 calls of models, and may have 3.',
    });
    checkKnown(b);
  });

  test('tokens told only at the end of its last task fail it, though all succeeded', () => {
    const b = big();
    b.submit(together({ tokens: 10 }, step('a')));
    assert.deepEqual(b.endWith('1.a.0.1', { tokens: 11 }), [
      'ended 1.a.0.1 succeeded',
      'limit-reached',
      'step a succeeded',
      'workload 1 failed',
    ]);
    assert.equal(workloadOf(b).limitReached?.limit, 'tokens');
    checkKnown(b);
  });

  test('a failed attempt that used up the last is not tried again', () => {
    const b = big();
    const retry = { ...step('a').retry, maxRetries: 3 };
    b.submit(together({ tokens: 10 }, step('a', { retry })));
    assert.match(b.endWith('1.a.0.1', { tokens: 6 }, 'failed')[0]!, /again at/);
    b.wait(1_000);
    assert.equal(b.endWith('1.a.0.2', { tokens: 6 }, 'failed')[0], 'ended 1.a.0.2 failed');
    assert.equal(workloadOf(b).state, 'failed');
    assert.equal(workloadOf(b).spent.tokens, 12);
    checkKnown(b);
  });

  test('exactly what it may have lets it go on to its end', () => {
    const b = big();
    b.submit(together({ modelCalls: 1 }, step('a'), step('b', { needs: ['a'] })));
    b.endWith('1.a.0.1', { modelCalls: 1 });
    assert.equal(b.end('1.b.0.1').at(-1), 'workload 1 succeeded');
  });

  test('what is told is added up exactly once, in whatever order and however often', () => {
    const told = fc.record({
      task: fc.nat(3),
      calls: fc.nat(6),
      tokens: fc.nat(50),
      ends: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(told, { maxLength: 30 }),
        fc.nat(12),
        fc.nat(120),
        (all, calls, tokens) => {
          const b = big();
          b.submit(together({ modelCalls: calls, tokens }, step('a', { count: 4 })));
          const most = Array.from({ length: 4 }, () => ({
            modelCalls: 0,
            tokens: 0,
            ended: false,
          }));
          let isOver = false;
          for (const { task, calls: modelCalls, tokens, ends } of all) {
            const one = most[task]!;
            if (one.ended) continue;
            const attempt = `1.a.${task}.1`;
            if (ends) b.endWith(attempt, { modelCalls, tokens });
            else b.uses(attempt, { modelCalls, tokens });
            one.modelCalls = Math.max(one.modelCalls, modelCalls);
            one.tokens = Math.max(one.tokens, tokens);
            one.ended = ends;
          }
          const sum = (key: 'modelCalls' | 'tokens') => most.reduce((n, one) => n + one[key], 0);
          isOver = sum('modelCalls') > calls || sum('tokens') > tokens;
          const { spent, limitReached } = workloadOf(b);
          assert.deepEqual([spent.calls, spent.tokens], [sum('modelCalls'), sum('tokens')]);
          assert.equal(limitReached?.stops === true, isOver);
          for (const [i, { ended }] of most.entries()) if (!ended) b.end(`1.a.${i}.1`);
          assert.equal(workloadOf(b).state, isOver ? 'failed' : 'succeeded');
          checkKnown(b);
        },
      ),
      { numRuns: 200 },
    );
  });
});
