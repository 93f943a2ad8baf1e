import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { drawMachine } from './fake-machine.ts';
import { makeTree } from './fixtures.ts';
import { countsOfLstopo, countsOfTree, lstopoVersion } from './lstopo.ts';

/** More with BERTH_SEEDS=500; each seed costs two readings of a small tree and one run of lstopo. */
const SEEDS = Number(process.env['BERTH_SEEDS'] ?? 15);
const FIRST = Number(process.env['SEED'] ?? 1);

test('invented machines count as lstopo has them', {
  timeout: 600_000,
  skip: lstopoVersion() === undefined && 'hwloc is not installed',
}, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const machine = drawMachine(new Prng(seed));
    const root = makeTree(machine.files);
    const theirs = countsOfLstopo(root, 'all');
    const ours = await countsOfTree(root, 'all');
    assert.deepEqual(ours, theirs, `SEED=${seed} (${machine.text}) ${root}`);
  }
});
