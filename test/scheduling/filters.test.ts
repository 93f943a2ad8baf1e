import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, milliGpu } from '../../src/base/units.ts';
import {
  type Constraints,
  type LabelExpression,
  noConstraints,
} from '../../src/model/constraints.ts';
import type { Node } from '../../src/model/node.ts';
import { allowsGpu } from '../../src/scheduling/allows-gpu.ts';
import { dataLocality } from '../../src/scheduling/filters/data-locality.ts';
import { gpuKind } from '../../src/scheduling/filters/gpu-kind.ts';
import { nodeLabels } from '../../src/scheduling/filters/node-labels.ts';
import { type FilterName, filters } from '../../src/scheduling/filters/registry.ts';
import { taints } from '../../src/scheduling/filters/taints.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Outlook } from '../../src/scheduling/outlook.ts';
import { allowed, findPlace } from '../../src/scheduling/place.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { TypicalDemand } from '../../src/scheduling/typical-demand.ts';
import { bench } from '../builders/engine-bench.ts';
import { GIB, node, resources, step, workload } from '../builders/workload.ts';

const anything: Constraints = noConstraints;
const labelled: Node = {
  ...node('n'),
  labels: { zone: 'east', cores: '16', odd: '1e3', none: '' },
};

const expressions: [string, LabelExpression, boolean][] = [
  ['in a list', { operator: 'in', key: 'zone', values: ['west', 'east'] }, true],
  ['not in the list', { operator: 'in', key: 'zone', values: ['west'] }, false],
  ['absent is in no list', { operator: 'in', key: 'rack', values: [''] }, false],
  ['not-in, and it is', { operator: 'not-in', key: 'zone', values: ['east'] }, false],
  ['not-in, and it is absent', { operator: 'not-in', key: 'rack', values: ['1'] }, true],
  ['exists, though empty', { operator: 'exists', key: 'none' }, true],
  ['does not exist', { operator: 'exists', key: 'rack' }, false],
  ['is to be absent, and is', { operator: 'does-not-exist', key: 'rack' }, true],
  ['is to be absent, and is not', { operator: 'does-not-exist', key: 'zone' }, false],
  ['above', { operator: 'gt', key: 'cores', value: 15 }, true],
  ['not above itself', { operator: 'gt', key: 'cores', value: 16 }, false],
  ['below', { operator: 'lt', key: 'cores', value: 17 }, true],
  ['not below itself', { operator: 'lt', key: 'cores', value: 16 }, false],
  ['text is not above', { operator: 'gt', key: 'zone', value: 0 }, false],
  ['only decimal integers are numbers', { operator: 'gt', key: 'odd', value: 0 }, false],
  ['absent is not below', { operator: 'lt', key: 'rack', value: 9 }, false],
  ['what every object has is no label', { operator: 'exists', key: 'constructor' }, false],
];
for (const [name, expression, want] of expressions) {
  test(`a node label: ${name}`, () => {
    const table = new NodeTable();
    table.join(labelled);
    const constraints = { ...anything, labels: [expression] };
    assert.equal(nodeLabels.passes(table, 0, milliGpu(0), constraints), want);
  });
}

/** Two A of 16 GiB and one B of 80 GiB; 400 of the first A are held. */
function mixed(): NodeTable {
  const plain = node('n', { cpu: 8000, gpus: 3 });
  const gpus = plain.gpus.map((gpu, i) =>
    i < 2 ? { ...gpu, model: 'A' } : { ...gpu, model: 'B', memory: bytes(80 * GIB) },
  );
  const table = new NodeTable();
  table.join({ ...plain, gpus });
  table.take(0, resources({ cpu: 0, memory: 0, gpu: 400 }), ['n-gpu0']);
  return table;
}

const devices: [string, number, Partial<Constraints>, string[] | undefined][] = [
  ['a share goes on the fullest', 500, {}, ['n-gpu0']],
  ['a share of a model', 500, { gpuModels: ['B'] }, ['n-gpu2']],
  ['a share of more than is left of one', 700, { gpuModels: ['A'] }, ['n-gpu1']],
  ['a whole one of a model', 1000, { gpuModels: ['A'] }, ['n-gpu1']],
  ['two of a model of which one is shared', 2000, { gpuModels: ['A'] }, undefined],
  ['two of any', 2000, { gpuModels: ['B', 'A'] }, ['n-gpu1', 'n-gpu2']],
  ['by memory', 300, { gpuMemory: bytes(17 * GIB) }, ['n-gpu2']],
  [
    'a model with too little memory',
    300,
    { gpuModels: ['A'], gpuMemory: bytes(17 * GIB) },
    undefined,
  ],
  ['a model that is not there', 300, { gpuModels: ['C'] }, undefined],
];
for (const [name, gpu, limits, want] of devices) {
  test(`devices of a node with two models: ${name}`, () => {
    const table = mixed();
    const constraints = { ...anything, ...limits };
    assert.equal(gpuKind.passes(table, 0, milliGpu(gpu), constraints), want !== undefined);
    if (want === undefined) return;
    const ask = { ...resources({ gpu }), constraints };
    const chosen = table.chooseGpus(0, milliGpu(gpu), ask).map(({ id }) => id);
    assert.deepEqual(chosen, want);
  });
}

const words: [string, string, boolean][] = [
  ['a100', 'NVIDIA A100-SXM4-40GB', true],
  ['nvidia-a100', 'NVIDIA A100-SXM4-40GB', true],
  ['A100 40GB', 'NVIDIA A100-SXM4-40GB', true],
  ['a10', 'NVIDIA A100-SXM4-40GB', false],
  ['a100', 'NVIDIA A100-SXM4-40GB MIG 1g.5gb', true],
  ['a100-mig-1g.5gb', 'NVIDIA A100-SXM4-40GB MIG 1g.5gb', true],
  ['-', 'NVIDIA A100-SXM4-40GB', false],
];
for (const [wanted, model, want] of words) {
  test(`${wanted} is ${want ? '' : 'not '}${model}`, () => {
    const constraints = { ...anything, gpuModels: [wanted] };
    assert.equal(allowsGpu(constraints, { model, memory: bytes(0) }), want);
  });
}

test('room where the constraints forbid it is told apart from no room', () => {
  const table = mixed();
  const outlook = new Outlook(table, new TypicalDemand());
  const constraints = {
    ...anything,
    gpuModels: ['C'],
    labels: [{ operator: 'exists', key: 'rack' } as const],
  };
  assert.deepEqual(
    findPlace(table, { ...resources({ gpu: 300 }), constraints }, firstFit, outlook),
    { kind: 'refuse', refusal: { code: 'constraints', filters: ['node-labels', 'gpu-kind'] } },
  );
});

test('the engine keeps a step to its constraints, and holds the request alone', () => {
  const east = { ...node('b', { cpu: 1000 }), labels: { zone: 'east' } };
  const b = bench(node('a', { cpu: 4000 }), east);
  const constraints: Constraints = {
    ...anything,
    labels: [{ operator: 'in', key: 'zone', values: ['east'] }],
  };
  assert.deepEqual(b.submit(workload('w', step('s', { count: 2, constraints }))).slice(1), [
    'placed 1.s.0.1 on b',
  ]);
  const placed = b.journal.find((event) => event.kind === 'task-placed')!;
  assert.deepEqual(placed.placement.held, resources());
  assert.deepEqual(b.end('1.s.0.1'), ['ended 1.s.0.1 succeeded', 'placed 1.s.1.1 on b']);
});

const tainted: Node = {
  ...node('n'),
  taints: [
    { key: 'team', value: 'vision' },
    { key: 'spot', value: '' },
  ],
};
const tolerated: [string, Constraints['tolerations'], boolean][] = [
  ['none', undefined, false],
  ['one of two', [{ key: 'team', value: 'vision' }], false],
  ['both', [{ key: 'team', value: 'vision' }, { key: 'spot' }], true],
  ['another value', [{ key: 'team', value: 'speech' }, { key: 'spot' }], false],
  ['every taint', [{}], true],
  ['every taint of a value', [{ value: 'vision' }], false],
];
for (const [name, tolerations, want] of tolerated) {
  test(`taints: a task that tolerates ${name}`, () => {
    const table = new NodeTable();
    table.join(tainted);
    const constraints = tolerations === undefined ? anything : { ...anything, tolerations };
    assert.equal(taints.passes(table, 0, milliGpu(0), constraints), want);
  });
}

const data: [string, NonNullable<Constraints['data']>[number], boolean[]][] = [
  ['on the very node', { names: ['imagenet'], within: 'node', weight: 0 }, [true, false, false]],
  [
    'two of which no node has both',
    { names: ['imagenet', 'laion'], within: 'node', weight: 0 },
    [false, false, false],
  ],
  [
    'two in one zone',
    { names: ['imagenet', 'laion'], within: 'zone', weight: 0 },
    [true, true, false],
  ],
  [
    'a wish keeps nobody out',
    { names: ['nothing'], within: 'node', weight: 10 },
    [true, true, true],
  ],
  ['held nowhere', { names: ['nothing'], within: 'zone', weight: 0 }, [false, false, false]],
];
for (const [name, rule, want] of data) {
  test(`data locality: ${name}`, () => {
    const table = new NodeTable();
    table.join({ ...node('a'), labels: { zone: 'east', 'data/imagenet': 'yes' } });
    table.join({ ...node('b'), labels: { zone: 'east', 'data/laion': 'yes' } });
    table.join({ ...node('c'), labels: { zone: 'west' } });
    const constraints = { ...anything, data: [rule] };
    const passes = [0, 1, 2].map((row) =>
      dataLocality.passes(table, row, milliGpu(0), constraints),
    );
    assert.deepEqual(passes, want);
  });
}

test('a closed node takes nothing new, tells why, and what runs there runs on', () => {
  const b = bench(node('a', { cpu: 2000 }));
  b.submit(workload('w', step('s')));
  b.join({ ...node('a', { cpu: 2000 }), closed: 'drained' });
  assert.deepEqual(b.submit(workload('w', step('s'))), ['workload-submitted']);
  const task = b.engine.state.task('2.s.0' as never)!;
  assert.deepEqual(b.engine.state.scheduler.refusal(task), {
    code: 'constraints',
    filters: ['node-health'],
  });
  assert.equal(b.engine.state.task('1.s.0' as never)!.state, 'running');
  assert.ok(b.join(node('a', { cpu: 2000 })).includes('placed 2.s.0.1 on a'), 'open again');
});

/** One ask and one node for each filter: it refuses, and it alone. */
const self = { workload: '1' as never, name: 'w', labels: {} };
const company = (kind: 'near' | 'apart' | 'spread', topology: string) => ({
  ...anything,
  self,
  company: [{ kind, values: [], topology, maxSkew: 1, weight: 0 }],
});
const refuses: Record<FilterName, readonly [Partial<Node>, Constraints & { self?: typeof self }]> =
  {
    'node-health': [{ closed: 'unhealthy' }, anything],
    taints: [{ taints: [{ key: 'team', value: 'vision' }] }, anything],
    'node-labels': [{}, { ...anything, labels: [{ operator: 'exists', key: 'rack' }] }],
    'scratch-space': [
      { scratch: bytes(10) },
      { ...anything, scratch: [{ name: 'all', bytes: bytes(11) }] },
    ],
    'gpu-kind': [{}, { ...anything, gpuModels: ['H100'] }],
    'data-locality': [{}, { ...anything, data: [{ names: ['x'], within: 'node', weight: 0 }] }],
    affinity: [{}, company('near', 'rack')],
    'anti-affinity': [{}, company('apart', 'node')],
    'topology-spread': [{}, company('spread', 'rack')],
  };
for (const filter of filters) {
  test(`the contract of filters: ${filter.name} refuses alone, by name, the same twice, and lets others in`, () => {
    const [changes, constraints] = refuses[filter.name];
    const table = new NodeTable();
    table.join({ ...node('n', { gpus: 1 }), ...changes });
    if (filter.name === 'anti-affinity') table.residents.add(0, self);
    const ask = { ...resources({ gpu: 500 }), constraints };
    const failed = filters.filter((one) => !one.passes(table, 0, milliGpu(500), constraints));
    assert.deepEqual(
      failed.map(({ name }) => name),
      [filter.name],
    );
    assert.equal(filter.passes(table, 0, milliGpu(500), constraints), false);
    assert.equal(allowed(table, 0, ask), false);
    const outlook = new Outlook(table, new TypicalDemand());
    assert.deepEqual(findPlace(table, ask, firstFit, outlook), {
      kind: 'refuse',
      refusal:
        filter.name === 'scratch-space'
          ? {
              code: 'scratch-space',
              node: 'n',
              peak: 11,
              capacity: 10,
              lacking: 1,
              until: undefined,
            }
          : { code: 'constraints', filters: [filter.name] },
    });
    const open = new NodeTable();
    open.join({ ...node('n', { gpus: 1 }) });
    assert.equal(filter.passes(open, 0, milliGpu(500), anything), true);
    assert.match(filter.what, /\.$/);
  });
}

test('the refusal names the filters of the node that comes nearest', () => {
  const table = new NodeTable();
  table.join({ ...node('a'), labels: { zone: 'east' } });
  table.join({ ...node('b'), labels: { zone: 'east' }, closed: 'drained' });
  const outlook = new Outlook(table, new TypicalDemand());
  const west = [{ operator: 'in', key: 'zone', values: ['west'] } as const];
  const ask = { ...resources(), constraints: { ...anything, labels: west } };
  assert.deepEqual(findPlace(table, ask, firstFit, outlook), {
    kind: 'refuse',
    refusal: { code: 'constraints', filters: ['node-labels'] },
  });
});
