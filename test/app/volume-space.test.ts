import assert from 'node:assert/strict';
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { overPromised, volumeSpace } from '../../src/app/volume-space.ts';
import { bytes } from '../../src/base/units.ts';

test('the disk of a class is that of its folder, also before it is made; too much of it is told', () => {
  const { blocks, bsize } = statfsSync(tmpdir());
  const disk = blocks * bsize;
  const volume = (name: string, size: number) => ({
    name,
    size: bytes(size),
    storageClass: 'ssd',
    mountPath: `/${name}`,
    readOnly: false,
  });
  const storage = {
    classes: { ssd: join(tmpdir(), 'not', 'there', 'yet') },
    volumes: [volume('a', disk - 1), volume('b', 1)],
  };
  const space = volumeSpace(tmpdir(), storage);
  assert.deepEqual(space.bytes, { '': disk, ssd: disk });
  assert.deepEqual(overPromised(space), []);
  const more = volumeSpace(tmpdir(), { ...storage, volumes: [...storage.volumes, volume('c', 1)] });
  assert.deepEqual(overPromised(more), [
    `the volumes of the class ssd have ${disk + 1} bytes together, and their disk has ${disk}`,
  ]);
});
