import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AutoscalingDefaults } from '../../src/model/autoscaling.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { parse as parseSite, reported as reportedOfSite } from '../builders/site-text.ts';

const parse = (text: string, site?: AutoscalingDefaults) =>
  parseDocument(text, { fileName: 'web.yaml', ...(site && { autoscaling: site }) });

const service = (autoscaling: string, more = 'service: {}\n'): string =>
  `name: web\nqueue: work\nrun: serve\n${more}autoscaling:${autoscaling}\n`;

function termsOf(text: string, site?: AutoscalingDefaults) {
  const parsed = parse(text, site);
  if (!parsed.ok) assert.fail(formatIssues(parsed.issues, text, 'web.yaml'));
  assert.deepEqual(parsed.warnings, []);
  const [step] = parsed.spec.steps;
  return { count: step!.count, ...step!.service!.autoscaling! };
}

function reported(text: string): string[] {
  const parsed = parse(text);
  const issues = parsed.ok ? parsed.warnings : parsed.issues;
  return formatIssues(issues, text, 's')
    .split('\n')
    .filter((line) => /^s:\d/.test(line))
    .map((line) => line.slice(2));
}

const builtIn = {
  count: 1,
  metrics: [{ kind: 'cpu', target: 70_000 }],
  minReplicas: 1,
  maxReplicas: 10,
  up: { replicas: 2, cooldownMs: 60_000 },
  down: { replicas: 1, cooldownMs: 300_000 },
};

test('a block that says nothing has its defaults filled in', () => {
  assert.deepEqual(termsOf(service(' {}')), builtIn);
});

test('every key is read, in the units of people', () => {
  const text = service(`
  enabled: true
  metrics:
    - {type: cpu, target: 62.5}
    - {type: MEMORY, target: 80}
    - {type: queue_depth, target: 50}
    - {type: queue-depth, target: 0.5, queue: other}
    - {type: custom, name: inbox, target: 1.5, file: state/inbox}
    - {type: custom, name: requests, target: 100, url: "http://127.0.0.1:9/now"}
  scaling_policy:
    min_replicas: 0
    max_replicas: 40
    scale_up: {increment: 3, cooldown: 90}
    scale_down: {decrement: 2, cooldown: 5m}`);
  assert.deepEqual(termsOf(text), {
    count: 1,
    metrics: [
      { kind: 'cpu', target: 62_500 },
      { kind: 'memory', target: 80_000 },
      { kind: 'queue-depth', target: 50_000, queue: 'work' },
      { kind: 'queue-depth', target: 500, queue: 'other' },
      { kind: 'custom', target: 1_500, name: 'inbox', from: { kind: 'file', path: 'state/inbox' } },
      {
        kind: 'custom',
        target: 100_000,
        name: 'requests',
        from: { kind: 'url', url: 'http://127.0.0.1:9/now' },
      },
    ],
    minReplicas: 0,
    maxReplicas: 40,
    up: { replicas: 3, cooldownMs: 90_000 },
    down: { replicas: 2, cooldownMs: 300_000 },
  });
});

test('it begins with what the service says, or with the minimum', () => {
  const policy = '\n  scaling_policy: {min_replicas: 3, max_replicas: 9}';
  assert.equal(termsOf(service(policy)).count, 3);
  assert.equal(termsOf(service(policy, 'service: {replicas: 5}\n')).count, 5);
});

describe('a block that is not for it', () => {
  test('is none when it is off', () => {
    const parsed = parse(service(' {enabled: false}'));
    assert.ok(parsed.ok && parsed.spec.steps[0]!.service!.autoscaling === undefined);
    assert.deepEqual(parsed.warnings, []);
  });

  test('is told where there are no replicas', () => {
    const told = 'only a service has replicas to scale, and this is none; ignored';
    assert.deepEqual(reported(service(' {}', '')), [`4:1 warning: autoscaling: ${told}`]);
    const pipeline = 'steps: [{id: a, run: x}]\nautoscaling: {}\n';
    assert.deepEqual(reported(pipeline), [`2:1 warning: autoscaling: ${told}`]);
  });
});

const wrong: Record<string, { text: string; want: readonly string[] }> = {
  'a minimum above the maximum': {
    text: service('\n  scaling_policy: {min_replicas: 5, max_replicas: 4}'),
    want: [
      '6:34 error: autoscaling.scaling_policy.min_replicas: at least 5 replicas, and at most 4',
    ],
  },
  'a minimum above the maximum that holds when none is said': {
    text: service('\n  scaling_policy: {min_replicas: 11}'),
    want: [
      '6:34 error: autoscaling.scaling_policy.min_replicas: at least 11 replicas, and at most 10',
    ],
  },
  'more to begin with than the most': {
    text: service(' {}', 'service: {replicas: 11}\n'),
    want: [
      '4:21 error: service.replicas: 11 replicas to begin with; expected 1 to 10, as `autoscaling` says',
    ],
  },
  'zero, and nobody who would tell': {
    text: service('\n  scaling_policy: {min_replicas: 0}'),
    want: [
      '6:34 error: autoscaling.scaling_policy.min_replicas: with none running, nothing would tell when one is needed; expected a metric `queue_depth` or `custom`, or at least 1',
    ],
  },
  'unknown keys and words': {
    text: service(
      '\n  metric: []\n  metrics: [{type: cpuu, target: 70}]\n  scaling_policy: {min: 1}',
    ),
    want: [
      '6:3 error: autoscaling.metric: unknown key "metric" - did you mean "metrics"?',
      '7:20 error: autoscaling.metrics[0].type: "cpuu" cannot be used here; expected cpu, memory, queue-depth, custom - did you mean "cpu"?',
      '8:20 error: autoscaling.scaling_policy.min: unknown key "min"',
    ],
  },
  'amounts that are none': {
    text: service(
      '\n  metrics: [{type: cpu, target: 0}, {type: memory, target: "80"}, {type: queue_depth}]\n  scaling_policy: {max_replicas: 5000, scale_up: {increment: 0, cooldown: 0}}',
    ),
    want: [
      '6:33 error: autoscaling.metrics[0].target: 0 is out of range; expected at least 0.001',
      '6:60 error: autoscaling.metrics[1].target: "80" cannot be used here; expected a whole number',
      '6:68 error: autoscaling.metrics[2].target: the key `target` is missing',
      '7:34 error: autoscaling.scaling_policy.max_replicas: 5000 is out of range; expected at most 1000',
      '7:62 error: autoscaling.scaling_policy.scale_up.increment: 0 is out of range; expected at least 1',
      '7:75 error: autoscaling.scaling_policy.scale_up.cooldown: "0" is nothing; expected more than 0',
    ],
  },
  'a percentage beyond what can be': {
    text: service('\n  metrics: [{type: cpu, target: 70000}]'),
    want: [
      '6:33 error: autoscaling.metrics[0].target: 70000 is above the range; expected a percentage to 10000',
    ],
  },
  'keys of another metric, and a metric twice': {
    text: service(
      '\n  metrics:\n    - {type: cpu, target: 70, queue: a}\n    - {type: cpu, target: 50}\n    - {type: queue_depth, target: 1, name: x}',
    ),
    want: [
      '7:31 error: autoscaling.metrics[0].queue: only for `type: queue_depth`',
      '9:38 error: autoscaling.metrics[2].name: only for `type: custom`',
    ],
  },
  'the same twice': {
    text: service('\n  metrics:\n    - {type: cpu, target: 70}\n    - {type: cpu, target: 50}'),
    want: ['8:7 error: autoscaling.metrics[1]: this metric is given twice'],
  },
  'a number that is nowhere, twice, or elsewhere': {
    text: service(
      '\n  metrics:\n    - {type: custom, name: a, target: 1}\n    - {type: custom, name: b, target: 1, url: "http://x", file: y}\n    - {type: custom, name: c, target: 1, url: "file:///etc/passwd"}\n    - {type: custom, name: d, target: 1, file: ../up}\n    - {type: custom, name: e, target: 1, file: /abs}\n    - {type: custom, target: 1, file: f}',
    ),
    want: [
      '7:7 error: autoscaling.metrics[0]: says nowhere where its number is; expected one of `url` and `file`',
      '8:7 error: autoscaling.metrics[1]: says twice where its number is; expected one of `url` and `file`',
      '9:47 error: autoscaling.metrics[2].url: "file:///etc/passwd" is not asked; expected an address that begins with http:// or https://',
      '10:48 error: autoscaling.metrics[3].file: "../up" leads elsewhere; expected a path below the folder that the replicas run in',
      '11:48 error: autoscaling.metrics[4].file: "/abs" leads elsewhere; expected a path below the folder that the replicas run in',
      '12:7 error: autoscaling.metrics[5]: a custom metric has a `name`',
    ],
  },
};

describe('every mistake is told with its place', () => {
  for (const [name, { text, want }] of Object.entries(wrong)) {
    test(name, () => assert.deepEqual(reported(text), want));
  }
});

describe('what a site says', () => {
  const siteOf = (text: string): AutoscalingDefaults | undefined => {
    const parsed = parseSite(text);
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.warnings, []);
    return parsed.site.autoscaling;
  };
  const site = siteOf(`
autoscaling:
  metrics: [{type: queue_depth, target: 50}]
  scaling_policy: {min_replicas: 2, scale_up: {increment: 4}}`);

  test('holds for a service that has the block and says nothing of it', () => {
    assert.deepEqual(termsOf(service(' {}'), site), {
      ...builtIn,
      count: 2,
      metrics: [{ kind: 'queue-depth', target: 50_000, queue: 'work' }],
      minReplicas: 2,
      up: { replicas: 4, cooldownMs: 60_000 },
    });
  });

  test('gives way to what the service says, key by key', () => {
    const own =
      '\n  metrics: [{type: cpu, target: 60}]\n  scaling_policy: {scale_up: {cooldown: 5}}';
    assert.deepEqual(termsOf(service(own), site), {
      ...builtIn,
      count: 2,
      metrics: [{ kind: 'cpu', target: 60_000 }],
      minReplicas: 2,
      up: { replicas: 4, cooldownMs: 5_000 },
    });
  });

  test('is nothing for a service that has no such block', () => {
    const parsed = parse('name: web\nrun: serve\nservice: {replicas: 3}\n', site);
    assert.ok(parsed.ok && parsed.spec.steps[0]!.service!.autoscaling === undefined);
    assert.equal(parsed.spec.steps[0]!.count, 3);
  });

  test('is nothing when it is off', () => {
    assert.equal(
      siteOf('autoscaling: {enabled: false, scaling_policy: {min_replicas: 5}}'),
      undefined,
    );
  });

  test('is told where it is wrong', () => {
    assert.deepEqual(
      reportedOfSite(
        'autoscaling:\n  metrics: [{type: custom, target: 1, name: a}]\n  scaling_polcy: {}\n',
      ),
      [
        '2:13 error: autoscaling.metrics[0]: says nowhere where its number is; expected one of `url` and `file`',
        '3:3 error: autoscaling.scaling_polcy: unknown key "scaling_polcy" - did you mean "scaling_policy"?',
      ],
    );
    // It would be wrong of every service that says nothing, which could not help it.
    const policy = (inner: string) => reportedOfSite(`autoscaling: {scaling_policy: {${inner}}}\n`);
    assert.deepEqual(policy('min_replicas: 30'), [
      '1:46 error: autoscaling.scaling_policy.min_replicas: at least 30 replicas, and at most 10',
    ]);
    assert.deepEqual(policy('max_replicas: 4, min_replicas: 5'), [
      '1:63 error: autoscaling.scaling_policy.min_replicas: at least 5 replicas, and at most 4',
    ]);
    assert.deepEqual(policy('min_replicas: 0, max_replicas: 30'), []);
  });
});
