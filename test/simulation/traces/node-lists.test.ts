import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readNodes } from '../../../src/simulation/traces/node-lists.ts';
import { traceSource, withoutTrace } from '../../builders/trace-data.ts';

const shapes = `
nodes:
  - { name: big, count: 2, cpu: 64, memory: 256Gi, gpus: 8, gpu_model: A100, gpu_memory: 80Gi, per_rack: 1 }
  - name: small
    cpu: 500m
    memory: 2GB
    labels: { zone: a }
`;

test('node shapes and counts, in YAML and in JSON', () => {
  const found = readNodes({ file: 'nodes.yaml', text: shapes });
  assert.ok(found.ok, JSON.stringify(found));
  assert.deepEqual(
    found.nodes.map(({ id, cpu, memory, gpus, labels }) => [id, cpu, memory, gpus.length, labels]),
    [
      ['big-0', 64_000, 256 * 1024 ** 3, 8, { rack: 'big-rack-0' }],
      ['big-1', 64_000, 256 * 1024 ** 3, 8, { rack: 'big-rack-1' }],
      ['small', 500, 2e9, 0, { zone: 'a' }],
    ],
  );
  assert.deepEqual(found.nodes[0]!.gpus[7], { id: '7', model: 'A100', memory: 80 * 1024 ** 3 });
  const json = readNodes({
    file: 'nodes.json',
    text: '{"nodes":[{"name":"n","cpu":0.1,"memory":"1Ki"}]}',
  });
  assert.ok(json.ok);
  assert.deepEqual([json.nodes[0]!.cpu, json.nodes[0]!.memory], [100, 1024]);
});

const kubernetes = {
  kind: 'List',
  items: [
    {
      metadata: {
        name: 'gpu-1',
        labels: { 'nvidia.com/gpu.product': 'NVIDIA-H100', 'nvidia.com/gpu.memory': '81559' },
      },
      status: {
        allocatable: {
          cpu: '63500m',
          memory: '1000Ki',
          'nvidia.com/gpu': '8',
          pods: '110',
          'rdma/hca': '4',
        },
      },
    },
  ],
};

test('nodes as Kubernetes prints them: what may be given out', () => {
  const found = readNodes({ file: 'n.json', text: JSON.stringify(kubernetes) });
  assert.ok(found.ok, JSON.stringify(found));
  const [first] = found.nodes;
  assert.deepEqual(
    [first!.id, first!.cpu, first!.memory, first!.gpus.length, first!.custom],
    ['gpu-1', 63_500, 1_024_000, 8, [['rdma/hca', 4]]],
  );
  assert.deepEqual(first!.gpus[0], { id: '0', model: 'NVIDIA-H100', memory: 81_559 * 1024 ** 2 });
});

const wrong: Record<
  string,
  { text: string; want: readonly [line: number, column: number, says: RegExp] }
> = {
  'a misspelt key': {
    text: 'nodes:\n  - {name: a, cpu: 1, memory: 1Gi, gpu: 2}\n',
    want: [2, 5, /[Uu]nrecognized key.*gpu/],
  },
  'no amount': {
    text: 'nodes:\n  - {name: a, cpu: lots, memory: 1Gi}\n',
    want: [2, 20, /^not an amount of CPU$/],
  },
  'a missing key': {
    text: 'nodes:\n  - name: a\n    memory: 1Gi\n',
    want: [2, 5, /it is missing|^Invalid input$/],
  },
  'two of one name': {
    text: 'nodes:\n- {name: a, cpu: 1, memory: 1}\n- {name: a, cpu: 1, memory: 1}',
    want: [1, 1, /two nodes are called a/],
  },
  'too many': {
    text: 'nodes: [{name: a, count: 60000, cpu: 1, memory: 1}, {name: b, count: 60000, cpu: 1, memory: 1}]',
    want: [1, 1, /120000 nodes/],
  },
  'no YAML': { text: 'nodes: [1', want: [1, 10, /Flow sequence/] },
  nothing: { text: '', want: [1, 1, /it is null/] },
};
for (const [name, { text, want }] of Object.entries(wrong)) {
  test(`a node list with ${name} says where`, () => {
    const found = readNodes({ file: 'nodes.yaml', text });
    assert.ok(!found.ok);
    const [issue] = found.issues;
    const [line, column, says] = want;
    assert.match(issue!.message, says);
    assert.deepEqual([issue!.file, issue!.line, issue!.column], ['nodes.yaml', line, column]);
  });
}

test('the nodes of openb and of Tiresias', {
  skip: withoutTrace('openb/openb_node_list_gpu_node.csv'),
}, () => {
  const openb = readNodes(traceSource('openb/openb_node_list_gpu_node.csv'));
  assert.equal(openb.ok && openb.nodes.length, 1_213);
  const tiresias = readNodes(traceSource('tiresias/n32g4.csv'));
  assert.equal(tiresias.ok && tiresias.nodes.length, 32);
});
