import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCKS, type BlockName, seedBlock, seedBlocks, whereSeed } from './seed-blocks.ts';

test('every YAML block of the source has a name here', whereSeed, () => {
  assert.equal(seedBlocks!.length, BLOCKS.length);
  const first = (name: BlockName) => seedBlock(name).split('\n')[0];
  assert.equal(first('resources'), 'resources:');
  assert.equal(first('queues'), 'queues:');
  assert.equal(first('qos'), 'qos:');
  assert.equal(first('multi-tenant-pipeline'), '# multi-tenant-pipeline.yaml');
});
