import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, milliGpu } from '../../src/base/units.ts';
import type { Constraints, LabelExpression } from '../../src/model/constraints.ts';
import type { Node } from '../../src/model/node.ts';
import { gpuKind } from '../../src/scheduling/filters/gpu-kind.ts';
import { nodeLabels } from '../../src/scheduling/filters/node-labels.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Outlook } from '../../src/scheduling/outlook.ts';
import { findPlace } from '../../src/scheduling/place.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { TypicalDemand } from '../../src/scheduling/typical-demand.ts';
import { bench } from '../builders/engine-bench.ts';
import { GIB, node, resources, step, workload } from '../builders/workload.ts';

const anything: Constraints = { gpuModels: [], gpuMemory: bytes(0), labels: [] };
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
