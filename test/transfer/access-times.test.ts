import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessTimesOf, idleOf } from '../../src/transfer/access-times.ts';

const DAY = 86_400_000;
const now = 100 * DAY;
const at = (accessed: number, modified: number) => ({
  accessedMs: accessed * DAY,
  modifiedMs: modified * DAY,
});

test('a time that is kept within a day says a day less', () => {
  assert.deepEqual(idleOf(at(40, 30), 'each', now), { idleMs: 60 * DAY, by: 'atime' });
  assert.deepEqual(idleOf(at(40, 30), 'daily', now), { idleMs: 59 * DAY, by: 'atime' });
  assert.deepEqual(idleOf(at(40, 90), 'each', now), { idleMs: 10 * DAY, by: 'atime' });
  assert.deepEqual(idleOf(at(99.5, 0), 'daily', now), { idleMs: 0, by: 'atime' });
  assert.deepEqual(idleOf(at(999, 0), 'each', now), { idleMs: 0, by: 'atime' });
});

test('where it is not kept, only writes are known', () => {
  assert.deepEqual(idleOf(at(99, 30), 'none', now), { idleMs: 70 * DAY, by: 'mtime' });
});

test('the mount that a path is on says what is kept', () => {
  const mounts = [
    '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
    '30 27 8:1 / /data rw,noatime shared:1 - ext4 /dev/sda rw',
    '31 27 8:2 / /data/my\\040disk rw - xfs /dev/sdb rw',
    '32 27 8:3 / /over rw,noatime - ext4 /dev/sdc rw',
    '33 27 8:4 / /over rw,relatime - ext4 /dev/sdd rw',
    '',
  ].join('\n');
  const of = (path: string) => accessTimesOf(path, mounts);
  assert.deepEqual(['/home/a', '/data/a', '/data/my disk/a', '/database', '/over/a'].map(of), [
    'daily',
    'none',
    'each',
    'daily',
    'daily',
  ]);
  assert.equal(accessTimesOf('/a', ''), 'none');
});
