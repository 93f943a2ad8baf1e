import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNLIMITED } from '../../../src/base/units.ts';
import { kueueGenerator } from '../../../src/simulation/traces/kueue-generator.ts';
import { baselineGenerator } from '../../builders/kueue-generator.ts';

const read = (text: string) => kueueGenerator.read([{ file: 'generator.yaml', text }], {});

test("Kueue's baseline: 15,000 workloads in 30 queues, which take 66 s of all cores", () => {
  const found = read(baselineGenerator);
  assert.ok(found.ok, JSON.stringify(found));
  const { count, nodes, root, jobs } = found.trace;
  assert.equal(count, 15_000);
  assert.deepEqual(
    nodes!.map(({ cpu }) => cpu),
    [600_000],
  );
  let work = 0;
  const classes: Record<string, number> = {};
  let before = 0;
  for (const { at, runMs, spec } of jobs) {
    assert.ok(at >= before);
    before = at;
    work += (runMs * spec.steps[0]!.request.cpu) / 1e6;
    classes[spec.name] = (classes[spec.name] ?? 0) + 1;
  }
  assert.deepEqual(classes, { small: 10_500, medium: 3_000, large: 1_500 });
  assert.equal(Math.round((work / 600) * 1e6) / 1e6, 66);
  assert.equal(before, 60_000);
  assert.deepEqual(
    root!.children.map(({ name, children }) => [name, children.length]),
    [
      ['cohort-0', 6],
      ['cohort-1', 6],
      ['cohort-2', 6],
      ['cohort-3', 6],
      ['cohort-4', 6],
    ],
  );
  const [first] = root!.children;
  assert.deepEqual([first!.limit.cpu, first!.guaranteed.cpu], [120_000, 120_000]);
  const [queue] = first!.children;
  assert.deepEqual(
    [
      queue!.name,
      queue!.guaranteed.cpu,
      queue!.borrowingLimit.cpu,
      queue!.limit.cpu,
      queue!.reclaim,
    ],
    ['cq-0-0-cohort-0', 20_000, 100_000, UNLIMITED, 'enabled'],
  );
});

test('workloads come to each queue one interval after the other, those of a set in turn', () => {
  const found = read(`
cohorts:
- className: c
  count: 1
  queuesSets:
  - className: q
    count: 1
    nominalQuota: 2500m
    reclaimWithinCohort: Never
    workloadsSets:
    - count: 2
      creationIntervalMs: 100
      workloads:
      - {className: a, runtimeMs: 10, request: 1}
      - {className: b, runtimeMs: 20, request: 500m, priority: 5000, podCount: 3}
`);
  assert.ok(found.ok, JSON.stringify(found));
  assert.deepEqual(
    [...found.trace.jobs].map(({ at, spec, runMs }) => [
      at,
      spec.name,
      spec.queue,
      spec.priority,
      runMs,
      spec.steps[0]!.count,
    ]),
    [
      [100, 'a', 'q-0-0-c-0', 0, 10, 1],
      [200, 'b', 'q-0-0-c-0', 1_000, 20, 3],
      [300, 'a', 'q-0-0-c-0', 0, 10, 1],
      [400, 'b', 'q-0-0-c-0', 1_000, 20, 3],
    ],
  );
  const [queue] = found.trace.root!.children[0]!.children;
  assert.deepEqual(
    [queue!.guaranteed.cpu, queue!.borrowingLimit.cpu, queue!.reclaim],
    [2_500, UNLIMITED, 'disabled'],
  );
  assert.deepEqual(
    found.trace.nodes!.map(({ cpu }) => cpu),
    [3_000],
  );
});

const wrong: Record<string, { from: string; to: string; want: readonly [number, RegExp] }> = {
  'a count that is none': { from: 'count: 350', to: 'count: many', want: [13, /it is a string/] },
  'an amount that is none': {
    from: 'nominalQuota: 20',
    to: 'nominalQuota: lots',
    want: [8, /not an amount of CPU/],
  },
  'a topology': {
    from: 'cohorts:',
    to: 'topology: {levels: []}\ncohorts:',
    want: [1, /nothing here models it/],
  },
  'more workloads than anybody reads': {
    from: 'count: 5\n',
    to: 'count: 3000\n',
    want: [1, /9000000 workloads/],
  },
  'no workloads': { from: 'count: 5\n', to: 'count: 0\n', want: [1, /no workloads/] },
};
for (const [
  name,
  {
    from,
    to,
    want: [line, says],
  },
] of Object.entries(wrong)) {
  test(`a generator with ${name} says where`, () => {
    assert.ok(baselineGenerator.includes(from));
    const found = read(baselineGenerator.replace(from, to));
    assert.ok(!found.ok);
    assert.match(found.issues[0]!.message, says);
    assert.equal(found.issues[0]!.line, line);
  });
}
