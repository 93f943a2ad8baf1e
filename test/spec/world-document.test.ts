import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { UNLIMITED } from '../../src/base/units.ts';
import { parseDrill } from '../../src/spec/drill-document.ts';
import { parseWorld } from '../../src/spec/world-document.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const told = (parsed: ReturnType<typeof parseWorld> | ReturnType<typeof parseDrill>): string[] =>
  parsed.ok
    ? []
    : parsed.issues.map(({ line, column, message, suggestion }) => {
        return `${line}:${column} ${message}${suggestion === undefined ? '' : ` (${suggestion}?)`}`;
      });

function worldOf(text: string) {
  const parsed = parseWorld(text);
  if (!parsed.ok) assert.fail(told(parsed).join('\n'));
  return parsed.world;
}

test('the world of the examples is read whole', () => {
  const world = worldOf(readFileSync('examples/worlds/cluster.yaml', 'utf8'));
  assert.deepEqual(world.failures, {
    nodes: {
      between: { kind: 'weibull', meanMs: 30 * DAY, shape: 0.7 },
      repair: { kind: 'lognormal', meanMs: 2 * HOUR, shape: 1 },
    },
    groups: [
      {
        label: 'rack',
        between: { kind: 'exponential', meanMs: 365 * DAY, shape: 1 },
        repair: { kind: 'exponential', meanMs: 4 * HOUR, shape: 1 },
      },
      {
        label: 'pdu',
        between: { kind: 'exponential', meanMs: 730 * DAY, shape: 1 },
        repair: { kind: 'exponential', meanMs: 8 * HOUR, shape: 1 },
      },
    ],
    planned: [{ afterMs: 7 * DAY, forMs: HOUR, who: { label: 'rack', value: 'r1' } }],
  });
  const [pool] = world.spot!;
  assert.deepEqual(
    [pool!.base, pool!.onDemand, pool!.bid, pool!.betweenMs, pool!.stepMs, pool!.jumpsPerMillion],
    [900_000, 3_060_000, 2_000_000, 20 * HOUR, 60_000, 20],
  );
  assert.deepEqual(world.network!.fabric, {
    spines: 4,
    nodeLink: 25e9,
    uplink: 100e9,
    storageLink: 100e9,
  });
  assert.deepEqual(world.network!.datasets, {
    imagenet: { size: 150 * 1024 ** 3, at: ['storage'] },
  });
  assert.deepEqual(world.network!.weights, { guaranteed: 4, burstable: 2, 'best-effort': 1 });
  assert.deepEqual(world.checkpoints, {
    everyMs: 1_800_000,
    saveMs: 30_000,
    restartMs: 120_000,
    onStop: true,
  });
  assert.deepEqual(world.gpuSharing, {
    sliceMs: 20,
    switchMs: 2,
    demand: 'request',
    contention: 0.1,
  });
});

test('what is not said has its default, and what fails for good never comes back', () => {
  const world = worldOf(`
world:
  failures:
    nodes: {mtbf: 10d, mttr: 1h, mttr_sigma: 0}
    planned: [{after: 1h, node: n1}]
  network:
    links: [{a: n1, b: s, capacity: 1Gbps}]
  slowdowns: [{pace: 60%, label: room, value: south}]
`);
  assert.equal(world.failures!.nodes!.repair.kind, 'fixed');
  assert.deepEqual(world.failures!.planned, [
    { afterMs: HOUR, forMs: UNLIMITED, who: { node: 'n1' } },
  ]);
  assert.deepEqual([world.network!.keeps, world.network!.datasets], [true, {}]);
  assert.deepEqual(world.slowdowns, [
    { afterMs: 0, overMs: 0, pace: 0.6, label: 'room', value: 'south' },
  ]);
  assert.deepEqual(worldOf('world: {}'), {});
});

const wrong: Record<string, readonly [text: string, want: readonly string[]]> = {
  'no world': ['wrld: {}', ['1:1 unknown key "wrld" (world?)', '1:1 the key `world` is missing']],
  'a key that is not known': ['world:\n  failure: {}', ['2:3 unknown key "failure" (failures?)']],
  'no span': [
    'world:\n  failures:\n    nodes: {mtbf: soon, mttr: 1h}',
    ['3:19 "soon" is not a span of time'],
  ],
  'a repair that is not said': [
    'world:\n  failures:\n    nodes: {mtbf: 3d}',
    ['3:5 the key `mttr` is missing'],
  ],
  'a planned failure of nobody': [
    'world:\n  failures:\n    planned:\n      - {after: 1h}',
    ['4:9 nothing says who fails'],
  ],
  'a planned failure of two': [
    'world:\n  failures:\n    planned:\n      - {after: 1h, node: n, label: rack, value: r}',
    ['4:21 a node and a label are given'],
  ],
  'a label without its value': [
    'world:\n  slowdowns:\n    - {pace: 50%, label: rack}',
    ['3:19 `label` is given without `value`'],
  ],
  'a network of nothing': [
    'world:\n  network: {keeps: false}',
    ['2:3 there is nothing to go over'],
  ],
  'a cable to itself': [
    'world:\n  network:\n    links: [{a: x, b: x, capacity: 1Gbps}]',
    ['3:23 it is connected with itself'],
  ],
  'faster than before': ['world:\n  slowdowns: [{pace: 120%}]', ['2:22 this is faster']],
  'no text': ['', ['1:1 the document is empty']],
};
for (const [name, [text, want]] of Object.entries(wrong)) {
  test(`a world that is wrong is told where: ${name}`, () => {
    assert.deepEqual(told(parseWorld(text)), want);
  });
}

const head = 'drill: {name: d, what: it shows, for: 1h}\nnodes: [{count: 2}]\n';
const wrongDrills: Record<string, readonly [text: string, want: readonly string[]]> = {
  'without jobs': [head, ['1:1 the key `jobs` is missing']],
  'workers of no job': [
    `${head}jobs: [{name: web, run: 1h}]\nworld: {requests: {workload: wev, rate: 1, serves: 1, timeout: 1s, queue: 9}}`,
    ['4:30 no job is called "wev" (web?)'],
  ],
  'nodes of one name': [
    'drill: {name: d, what: it shows, for: 1h}\nnodes: [{count: 2}, {count: 1}]\njobs: [{name: a, run: 1s}]',
    ['2:21 nodes before these are called "n", too'],
  ],
  'too much work': [
    `${head}jobs: [{name: a, run: 1s, times: 100000, count: 2}]`,
    ['3:7 these are too many tasks'],
  ],
  'without an end': [
    'drill: {name: d, what: it shows, for: unlimited}\nnodes: [{count: 2}]\njobs: [{name: a, run: 1s}]',
    ['1:39 a drill has an end'],
  ],
  'requests for longer than they are kept': [
    'drill: {name: d, what: it shows, for: 8d}\nnodes: [{count: 2}]\njobs: [{name: w, run: 1h}]\nworld: {requests: {workload: w, rate: 1, serves: 1, timeout: 1s, queue: 9}}',
    ['1:39 requests come for a week at most'],
  ],
  'no variant': [
    `${head}jobs: [{name: a, run: 1s}]\nvariants: {}`,
    ['4:1 there is nothing to play'],
  ],
};
for (const [name, [text, want]] of Object.entries(wrongDrills)) {
  test(`a drill that is wrong is told where: ${name}`, () => {
    assert.deepEqual(told(parseDrill(text)), want);
  });
}

test('whatever the text is, it is read or told', () => {
  const texts = ['examples/worlds/cluster.yaml', 'examples/drills/overload-cascade.yaml'].map(
    (file) => readFileSync(file, 'utf8'),
  );
  const cut = fc.record({ of: fc.constantFrom(...texts), at: fc.nat(1500), put: fc.string() });
  fc.assert(
    fc.property(cut, ({ of, at, put }) => {
      const text = of.slice(0, at) + put + of.slice(at + put.length);
      for (const parsed of [parseWorld(text), parseDrill(text)]) {
        assert.ok(parsed.ok || (parsed.issues.length > 0 && parsed.issues[0]!.line >= 1));
      }
    }),
    { numRuns: 150 },
  );
});
