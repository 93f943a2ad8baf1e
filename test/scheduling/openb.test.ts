import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  openbArrivals,
  openbPolicies,
  readOpenbNodes,
  readOpenbPods,
  runOpenb,
} from '../../bench/openb.ts';
import { openbVariant } from '../../bench/openb-variants.ts';

const folder = join(
  process.env['BERTH_DATA'] ?? join(import.meta.dirname, '../../../shared/data'),
  'openb',
);
const skip = existsSync(folder) ? false : `no trace at ${folder}`;
const read = () => ({
  nodes: readOpenbNodes(join(folder, 'openb_node_list_gpu_node.csv')),
  pods: readOpenbPods(join(folder, 'openb_pod_list_default.csv')),
});
const SEED = 1;

// Published means of 10 seeds (Weng et al., ATC'23); one seed of ours is within 0.3 of its mean.
// gpu-clustering and gpu-packing depend on the order of nodes: see docs/verified.md.
const published: [string, number, tolerance: number][] = [
  ['random', 86.3, 0.8],
  ['dot-product', 90.62, 0.8],
  ['best-fit', 92.86, 0.8],
  ['fgd', 95.23, 0.8],
];
for (const [name, want, tolerance] of published) {
  test(`openb: ${name} allocates about as much as published`, { skip, timeout: 60_000 }, () => {
    const { nodes, pods } = read();
    const { at100 } = runOpenb(nodes, pods, openbPolicies[name]!, SEED);
    assert.ok(Math.abs(at100 - want) <= tolerance, `${at100}, published ${want}`);
  });
}

for (const [variant, gain] of [
  ['default', 0.5],
  ['multigpu50', 0],
  ['gpuspec33', 0.5],
] as const) {
  test(`openb ${variant}: fill-plan is ahead of fgd`, { skip, timeout: 60_000 }, () => {
    const { nodes, pods } = read();
    const drawn = openbVariant(variant, pods, nodes);
    const ours = runOpenb(nodes, drawn, openbPolicies['fill-plan']!, SEED);
    const theirs = runOpenb(nodes, drawn, openbPolicies['fgd']!, SEED);
    assert.ok(ours.at100 >= theirs.at100 + gain, `${ours.at100}, fgd ${theirs.at100}`);
    assert.ok(ours.at130 >= theirs.at130 + gain, `${ours.at130}, fgd ${theirs.at130}`);
  });
}

test('openb: every pod arrives once before any comes again, the same for one seed', {
  skip,
}, () => {
  const { pods } = read();
  const arrivals = openbArrivals(pods, 6_212_000, SEED);
  assert.equal(new Set(arrivals.slice(0, pods.length)).size, pods.length);
  assert.deepEqual(arrivals.slice(0, 20), openbArrivals(pods, 6_212_000, SEED).slice(0, 20));
  const demand = arrivals.reduce((sum, { gpu }) => sum + gpu, 0);
  assert.ok(demand >= 1.3 * 6_212_000 && demand < 1.3 * 6_212_000 + 8_000);
});
