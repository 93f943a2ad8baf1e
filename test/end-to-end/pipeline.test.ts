import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';

const bounded = { timeout: 120_000 };

test(
  'the example of a pipeline runs to its end, and says what was computed',
  bounded,
  async (t) => {
    const { state } = scratchState(t);
    const done = await runBerth([
      'run',
      'examples/pipeline.yaml',
      '--var',
      'parts=2',
      '--json',
      '--state',
      state,
    ]);
    assert.equal(done.code, 0, done.stderr);
    const { status, steps } = JSON.parse(done.stdout);
    assert.equal(status, 'succeeded');
    const states = Object.fromEntries(
      steps.map((one: { id: string; state: string }) => [one.id, one.state]),
    );
    assert.deepEqual(states, {
      write: 'succeeded',
      count: 'succeeded',
      greet: 'succeeded',
      describe_0: 'succeeded',
      describe_1: 'succeeded',
      check: 'failed',
      small: 'succeeded',
    });
    // One task for each file that the first step wrote, and one for each combination that is not left out.
    const attemptsOf = (id: string): { outputs?: unknown }[] =>
      steps.find((one: { id: string }) => one.id === id).attempts;
    assert.equal(attemptsOf('count').length, 2);
    assert.equal(attemptsOf('greet').length, 3);
  },
);
