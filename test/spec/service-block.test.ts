import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parseDocument } from '../../src/spec/parse-document.ts';

const parse = (service: string, more = '') =>
  parseDocument(`name: web\nrun: serve\n${more}service:\n${service}`, { fileName: 'web.yaml' });

function messages(service: string, more = ''): string[] {
  const parsed = parse(service, more);
  return parsed.ok ? [] : parsed.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('a service', () => {
  test('has its defaults filled in', () => {
    const parsed = parse('  ports: [http]\n  readiness: {http: {}}');
    assert.ok(parsed.ok);
    assert.equal(parsed.spec.kind, 'service');
    const [step] = parsed.spec.steps;
    assert.equal(step!.count, 1);
    assert.deepEqual(step!.service!.readiness, {
      check: { kind: 'http', path: '/', port: 'http' },
      everyMs: 10_000,
      timeoutMs: 1_000,
      failures: 3,
      successes: 1,
      initialDelayMs: 0,
    });
    assert.deepEqual(step!.service!.update, {
      strategy: 'rolling',
      maxSurge: { kind: 'part', part: 2_500 },
      maxUnavailable: { kind: 'count', count: 0 },
      canary: { replicas: { kind: 'count', count: 1 }, holdMs: 60_000 },
      rollback: true,
      deadlineMs: 600_000,
    });
  });

  const wrong: Record<string, { service: string; more?: string; want: RegExp }> = {
    'a probe that tries nothing': {
      service: '  readiness: {every: 1s}',
      want: /^service\.readiness: says nothing to try$/,
    },
    'a probe that tries two things': {
      service: '  readiness: {exec: ["true"], tcp: {port: 80}}',
      want: /more than one thing/,
    },
    'a probe of a port that is not there': {
      service: '  ports: [http]\n  liveness: {tcp: {port: htpp}}',
      want: /^service\.liveness\.tcp\.port: the service has no port htpp$/,
    },
    'a probe of one of several ports': {
      service: '  ports: [a, b]\n  liveness: {tcp: {}}',
      want: /which of its ports/,
    },
    'a port twice': { service: '  ports: [a, a]', want: /given twice/ },
    'a count': { service: '  replicas: 2', more: 'count: 3\n', want: /^count: not for a service/ },
    'a retry': { service: '  replicas: 2', more: 'retry: {max_retries: 3}\n', want: /^retry: not/ },
    'canaries of another strategy': {
      service: '  update: {strategy: rolling, canary: {replicas: 1}}',
      want: /only for `strategy: canary`/,
    },
    'canaries by number and part': {
      service: '  update: {strategy: canary, canary: {replicas: 1, percent: 5}}',
      want: /they are the same thing/,
    },
    'more replicas than are kept': { service: '  replicas: 5000', want: /service\.replicas/ },
  };
  for (const [name, { service, more, want }] of Object.entries(wrong)) {
    test(`may not have ${name}`, () => assert.match(messages(service, more).join('\n'), want));
  }

  test('is no step of a pipeline', () => {
    const text = 'steps: [{id: a, run: x, service: {replicas: 2}}]';
    assert.ok(!parseDocument(text, { fileName: 'p.yaml' }).ok);
  });

  test('examples/agents.yaml has 131 replicas and no warnings', () => {
    const text = readFileSync(new URL('../../examples/agents.yaml', import.meta.url), 'utf8');
    const parsed = parseDocument(text, { fileName: 'agents.yaml' });
    assert.ok(parsed.ok);
    assert.equal(parsed.spec.steps[0]!.count, 131);
    assert.deepEqual(parsed.warnings, []);
  });
});
