import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, reported } from '../builders/site-text.ts';
import { realRun } from './real-run.ts';
import { seedBlock, whereSeed } from './seed-blocks.ts';
import { document, readBlock } from './seed-runs.ts';

const missing: Readonly<Record<string, RegExp>> = {
  'models.resource_management.instance_pooling': /no instance .* started, kept or stopped/,
  'models.resource_management.model_loading': /no model is loaded or kept/,
  'models.resource_management.allocation': /neither given instances nor held back/,
};

test(
  'a run says of each part of it what is not available yet, and so does its record',
  whereSeed,
  async (t) => {
    const { id, told, warnings, berth } = await realRun(t, document('models', 'run: echo ran\n'));
    const why = await berth('why', id);
    assert.equal(warnings!.length, 3);
    for (const [i, [path, what]] of Object.entries(missing).entries()) {
      const sentence = warnings![i]!;
      assert.match(sentence, /^block\.yaml:\d+:\d+ warning: |^\/.*block\.yaml:\d+:\d+ warning: /);
      assert.ok(sentence.includes(`${path}: checked; `), sentence);
      assert.match(sentence, what);
      assert.match(sentence, /the model gateway, which does that, is not part of this version/);
      for (const shown of [told, why.stdout]) assert.ok(shown.includes(path), shown);
    }
  },
);

test('as a site it is checked and says the same', whereSeed, () => {
  const warnings = reported(seedBlock('models'));
  assert.deepEqual(
    warnings.map((line) => / (models[\w.]*):/.exec(line)?.[1]),
    Object.keys(missing),
  );
});

const wrong: Readonly<Record<string, readonly [from: string, to: string, error: RegExp]>> = {
  'a pool that is smaller than its least': [
    'max_instances: 10',
    'max_instances: 0',
    /max_instances/,
  ],
  'a number of instances that is none': [
    'min_instances: 1',
    'min_instances: some',
    /min_instances/,
  ],
  'a time that is none': ['idle_timeout: 300', 'idle_timeout: soon', /idle_timeout/],
  'a strategy that there is not': ['"lazy"', '"later"', /strategy/],
  'a size that is none': ['"10Gi"', '"much"', /cache_size/],
  'a key that there is not': ['dedicated_instances: 2', 'dedicated: 2', /dedicated/],
  'no calls at all': [
    'max_concurrent_requests: 50',
    'max_concurrent_requests: 0',
    /max_concurrent/,
  ],
};

for (const [what, [from, to, error]] of Object.entries(wrong)) {
  test(`wrong in it, with its place: ${what}`, whereSeed, () => {
    const text = seedBlock('models').replace(from, to);
    assert.notEqual(text, seedBlock('models'));
    const parsed = parse(text);
    assert.ok(!parsed.ok);
    const line = text.split('\n').findIndex((one) => one.includes(to)) + 1;
    assert.deepEqual(
      parsed.issues.map((issue) => [issue.line, error.test(issue.path.join('.'))]),
      [[line, true]],
      JSON.stringify(parsed.issues),
    );
  });
}

test('nothing of it changes how the job runs', whereSeed, () => {
  assert.deepEqual(readBlock('models', 'run: echo\n').spec.limits, undefined);
});
