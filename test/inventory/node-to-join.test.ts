import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeToJoin } from '../../src/inventory/node-to-join.ts';
import type { Node } from '../../src/model/node.ts';
import { GIB, node } from '../builders/workload.ts';

const gpu = (id: string) => ({ id, model: 'T4', memory: 15 * GIB }) as Node['gpus'][number];
const known: Node = { ...node('n', { cpu: 8_000, memory: 100 * GIB }), gpus: [gpu('a'), gpu('b')] };
const withMemory = (gib: number): Node => ({ ...known, memory: (gib * GIB) as Node['memory'] });
const bare: Node = { ...known, cpu: 0 as Node['cpu'], memory: 0 as Node['memory'], gpus: [] };

const cases: Record<string, { found: Node; failed?: string[]; want: Node | undefined }> = {
  'the same': { found: { ...known }, want: undefined },
  'memory five per cent less': { found: withMemory(95), want: undefined },
  'memory five per cent more': { found: withMemory(105), want: undefined },
  'memory more than that less': { found: withMemory(94), want: withMemory(94) },
  'a GPU gone': {
    found: { ...known, gpus: [gpu('a')] },
    want: { ...known, gpus: [gpu('a')] },
  },
  'another label': {
    found: { ...known, labels: { os: 'debian' } },
    want: { ...known, labels: { os: 'debian' } },
  },
  'labels in another order': { found: { ...known, labels: { ...known.labels } }, want: undefined },
  'the driver of the GPUs failed': {
    found: { ...known, gpus: [] },
    failed: ['nvidia'],
    want: undefined,
  },
  'everything failed': {
    found: bare,
    failed: ['cpu', 'memory', 'nvidia'],
    want: undefined,
  },
};
for (const [name, { found, failed = [], want }] of Object.entries(cases)) {
  test(`joins again: ${name}, ${want === undefined ? 'no' : 'yes'}`, () => {
    assert.deepEqual(nodeToJoin(known, found, failed), want);
  });
}

test('a node that nobody knows joins with what was found', () => {
  assert.equal(nodeToJoin(undefined, bare, ['cpu']), bare);
});
