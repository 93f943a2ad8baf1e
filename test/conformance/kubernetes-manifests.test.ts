import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { Refusal } from '../../src/model/refusal.ts';
import { importManifests } from '../../src/spec/kubernetes/import-manifests.ts';
import { type Ask, node, Site } from '../builders/site.ts';
import { schedulingOf, written } from '../builders/site-text.ts';

const data = process.env['BERTH_DATA'] ?? join(import.meta.dirname, '../../../shared/data');
const SEED = join(data, '../seeds/003_d5cec058a6e5cb7f.txt');

const whereSeed = {
  skip: existsSync(SEED) ? false : `no source documents beside ${data}`,
  timeout: 120_000,
} as const;

/** The block of the source that has a namespace, a quota, a priority class and fair shares. */
function manifests(): string {
  const text = readFileSync(SEED, 'utf8');
  const start = text.indexOf('# kubernetes_cluster_config.yaml');
  return text.slice(start, text.indexOf('```', start));
}

function imported() {
  const read = importManifests([{ fileName: 'cluster.yaml', text: manifests() }]);
  if (!read.ok) assert.fail(JSON.stringify(read.issues));
  return read;
}

const NAMESPACE = 'ml-team-alpha';
const site = (...nodes: ReturnType<typeof node>[]) =>
  new Site(schedulingOf(imported().text), ...nodes);
const large = () => node('n', { cpu: 1_000_000, memory: 4_000 * 1024 ** 3, gpus: 64 });

test('what the quota of the namespace refuses, its queue refuses', whereSeed, () => {
  const over: Record<string, { most: Ask; over: Ask; of: number }> = {
    cpu: { most: { cpu: 20 }, over: { cpu: 101 }, of: 5 },
    memory: { most: { gib: 50 }, over: { gib: 201 }, of: 4 },
    gpu: { most: { gpu: 2 }, over: { gpu: 9 }, of: 4 },
  };
  for (const [resource, { most, over: tooMuch, of }] of Object.entries(over)) {
    const here = site(large());
    const refused = here.submit({ ...tooMuch, queue: NAMESPACE });
    assert.ok(refused !== undefined, `${resource} beyond the quota is refused at once`);
    assert.equal(here.submit({ ...most, queue: NAMESPACE, count: of + 3 }), undefined);
    here.pass();
    assert.equal(here.running.size, of, `${resource}: as many as the quota has`);
    const why = here.why(1) as Extract<Refusal, { code: 'queue-limit' }>;
    assert.equal(why.code, 'queue-limit', resource);
    assert.equal(why.queue, NAMESPACE);
  }
});

test('the 21st job of the namespace is refused until one has ended', whereSeed, () => {
  const here = site(large());
  for (let i = 0; i < 20; i++) {
    // Of several tasks: jobs are counted, not pods.
    assert.equal(here.submit({ queue: NAMESPACE, cpu: 0.1, count: 3 }), undefined);
  }
  const refused = here.submit({ queue: NAMESPACE, cpu: 0.1 });
  assert.deepEqual(refused, {
    code: 'too-many-active',
    limit: `queue ${NAMESPACE}`,
    active: 20,
    max: 20,
  });
  assert.equal(here.submit({ queue: 'research' }), undefined, 'other queues are not counted');
  here.pass();
  assert.equal(here.running.size, 61);
  here.endAll();
  here.pass();
  assert.equal(here.submit({ queue: NAMESPACE }), undefined);
});

test('whoever is of the class goes before whoever is of none', whereSeed, () => {
  const { scheduling } = parse(imported().text);
  const { priority, preemptible } = scheduling.classes['ml-high-priority'];
  assert.deepEqual([priority, preemptible], [1000, true]);
  const here = site(node('n', { cpu: 1_000 }));
  assert.equal(here.submit({ queue: NAMESPACE }), undefined);
  assert.equal(here.submit({ queue: NAMESPACE, priority }), undefined);
  here.pass();
  assert.deepEqual(
    [...here.running.values()].map((ask) => ask.priority ?? 0),
    [priority],
  );
});

test('production, research and development divide the cluster as 50, 30 and 20', whereSeed, () => {
  const here = site(node('n', { cpu: 100_000 }));
  for (const queue of ['production', 'research', 'development']) {
    assert.equal(here.submit({ queue, count: 200 }), undefined);
  }
  here.pass();
  assert.deepEqual(here.held('queue'), { production: 50, research: 30, development: 20 });
});

test(
  'the users divide a queue as 30, 25 and 20, up to the jobs that each may run',
  whereSeed,
  () => {
    const users = ['team-alpha', 'team-beta', 'team-gamma'];
    const shared = site(node('n', { cpu: 15_000 }));
    const free = site(node('n', { cpu: 100_000 }));
    for (const here of [shared, free]) {
      for (const tenant of users) here.submit({ queue: 'research', tenant, count: 50 });
      here.pass();
    }
    assert.deepEqual(shared.held('tenant'), { 'team-alpha': 6, 'team-beta': 5, 'team-gamma': 4 });
    assert.deepEqual(free.held('tenant'), { 'team-alpha': 10, 'team-beta': 8, 'team-gamma': 6 });
  },
);

test('each key of the manifests is carried over or told, with its line', whereSeed, () => {
  const { warnings, text } = imported();
  const lines = manifests().split('\n');
  const told = warnings.map(({ line, file }) => {
    assert.equal(file, 'cluster.yaml');
    return lines[line - 1]!.trim().replace(/:.*/, '');
  });
  assert.deepEqual(told, [
    'labels',
    'limits.cpu',
    'limits.memory',
    'persistentvolumeclaims',
    'maxRunningJobs',
    'maxRunningJobs',
    'maxRunningJobs',
    'queues',
    'priority',
    'priority',
    'priority',
  ]);
  const sources = [...text.matchAll(/cluster\.yaml:(\d+) ([\w./-]+)/g)];
  for (const [, line, what] of sources) {
    if (!/^(fairSharing|namespace|queue)$/.test(what!)) {
      assert.ok(lines[Number(line) - 1]!.includes(what!), `${what} is in line ${line}`);
    }
  }
  assert.ok(sources.length > 15);
  assert.equal(written(text).quotas.length, 0);
});
