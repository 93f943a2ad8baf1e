import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Constraints } from '../../src/model/constraints.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';

function constraints(lines: string): Partial<Constraints> | undefined {
  const text = `run: echo\n${lines}`;
  const result = parseDocument(text, { fileName: 'doc.yaml' });
  assert.ok(result.ok, result.ok ? '' : formatIssues(result.issues, text, 'doc.yaml'));
  assert.deepEqual(result.warnings, []);
  return result.spec.steps[0]!.constraints;
}

const nothing = { gpuModels: [], gpuMemory: 0, labels: [] };
const rule = { values: [], topology: 'node', maxSkew: 1, weight: 0 };

const cases: Record<string, [lines: string, want: unknown]> = {
  'nothing said': ['resources: {gpu: 1}', undefined],
  'an empty block': ['affinity: {}', undefined],
  'a model of GPU': [
    'resources: {gpu: {count: 2, type: A100}}',
    { ...nothing, gpuModels: ['A100'] },
  ],
  'models and memory of GPUs': [
    'resources: {gpu: {count: 2, type: [a100, h100], memory: 40Gi}}',
    { ...nothing, gpuModels: ['a100', 'h100'], gpuMemory: 40 * 1024 ** 3 },
  ],
  'labels of nodes': [
    `affinity:
  node_affinity:
    required:
      - {key: gpu, operator: In, values: [v100, a100]}
      - {key: spot, operator: DoesNotExist}
      - {key: cores, operator: Gt, values: [8]}
      - {key: ssd}
    preferred:
      - {weight: 10, key: zone, values: [east]}`,
    {
      ...nothing,
      labels: [
        { operator: 'in', key: 'gpu', values: ['v100', 'a100'] },
        { operator: 'does-not-exist', key: 'spot' },
        { operator: 'gt', key: 'cores', value: 8 },
        { operator: 'exists', key: 'ssd' },
      ],
      preferred: [{ weight: 10, label: { operator: 'in', key: 'zone', values: ['east'] } }],
    },
  ],
  'others near and apart': [
    `affinity:
  pod_affinity:
    required: [{label: pipeline, topology: kubernetes.io/hostname}]
  anti_affinity:
    required: [{}]
    preferred: [{label: heavy, values: [1], topology: rack, weight: 5}]`,
    {
      ...nothing,
      company: [
        { ...rule, kind: 'near', label: 'pipeline' },
        { ...rule, kind: 'apart' },
        { ...rule, kind: 'apart', label: 'heavy', values: ['1'], topology: 'rack', weight: 5 },
      ],
    },
  ],
  'spread, hard and soft': [
    'affinity: {spread: [{topology: zone, max_skew: 2}, {topology: rack, required: false}]}',
    {
      ...nothing,
      company: [
        { ...rule, kind: 'spread', topology: 'zone', maxSkew: 2 },
        { ...rule, kind: 'spread', topology: 'rack', weight: 100 },
      ],
    },
  ],
  'one topology as a wish': [
    'affinity: {topology: rack}',
    { ...nothing, company: [{ ...rule, kind: 'near', topology: 'rack', weight: 100 }] },
  ],
  'one topology, required': [
    'affinity: {topology: {same: zone, required: true}}',
    { ...nothing, company: [{ ...rule, kind: 'near', topology: 'zone' }] },
  ],
  'data and tolerations': [
    `affinity:
  data: {required: [imagenet], preferred: [laion], within: zone}
  tolerations: [{key: team, value: vision}, {key: spot, operator: Exists}]`,
    {
      ...nothing,
      tolerations: [{ key: 'team', value: 'vision' }, { key: 'spot' }],
      data: [
        { names: ['imagenet'], within: 'zone', weight: 0 },
        { names: ['laion'], within: 'zone', weight: 100 },
      ],
    },
  ],
};
describe('where a job may run', () => {
  for (const [name, [lines, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(constraints(lines), want));
  }
});

const wrong: Record<string, [lines: string, want: RegExp]> = {
  'a list without values': [
    '{node_affinity: {required: [{key: a, operator: In}]}}',
    /needs values/,
  ],
  'values that nobody looks at': [
    '{node_affinity: {required: [{key: a, operator: Exists, values: [1]}]}}',
    /looks at no values/,
  ],
  'above a word': [
    '{node_affinity: {required: [{key: a, operator: Gt, values: [many]}]}}',
    /needs one whole number/,
  ],
  'an operator that does not exist': [
    '{node_affinity: {required: [{key: a, operator: Is}]}}',
    /operator/,
  ],
  'a weight of nothing': ['{anti_affinity: {preferred: [{weight: 0}]}}', /weight/],
};
describe('what is wrong is said', () => {
  for (const [name, [affinity, want]] of Object.entries(wrong)) {
    test(name, () => {
      const text = `run: echo\naffinity: ${affinity}`;
      const result = parseDocument(text, { fileName: 'doc.yaml' });
      assert.ok(!result.ok);
      assert.match(formatIssues(result.issues, text, 'doc.yaml'), want);
    });
  }
});

test('a step goes before the defaults, and they before the pipeline, part by part', () => {
  const text = `
affinity: {topology: zone, tolerations: [{key: spot}]}
defaults:
  affinity: {topology: rack}
steps:
  - {id: a, run: echo}
  - {id: b, run: echo, affinity: {topology: node}}
`;
  const result = parseDocument(text, { fileName: 'doc.yaml' });
  assert.ok(result.ok);
  const [a, b] = result.spec.steps.map((step) => step.constraints!);
  assert.deepEqual(
    a!.company!.map(({ topology }) => topology),
    ['rack'],
  );
  assert.deepEqual(
    b!.company!.map(({ topology }) => topology),
    ['node'],
  );
  assert.deepEqual([a!.tolerations, b!.tolerations], [[{ key: 'spot' }], [{ key: 'spot' }]]);
});
