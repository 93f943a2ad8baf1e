import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { dataFolder, unpackTree } from './fixtures.ts';
import {
  type Counts,
  countsOfConsole,
  countsOfLstopo,
  countsOfTree,
  countsOfXml,
  lstopoVersion,
} from './lstopo.ts';

/** The options that hwloc's own tests give to lstopo for these trees; none for the others. */
const OPTIONS: Readonly<Record<string, { io?: 'all'; noInstructionCaches?: true }>> = {
  '32amd64-4s2n4c-cgroup2': { noInstructionCaches: true },
  '32em64t-2n8c+dax+nvme+mic+dimms': { io: 'all' },
  '40intel64-2g2n4c+pcilocality': { io: 'all' },
};

const folder = dataFolder('hosts/hwloc');
const archives = folder === undefined ? [] : globSync(`${folder}/*.tar.gz`).sort();
const oracle = lstopoVersion();

test('there are recorded trees', { skip: folder === undefined && 'no data folder' }, () => {
  assert.ok(archives.length >= 7);
});

for (const archive of archives) {
  const name = basename(archive, '.tar.gz');
  const stem = archive.slice(0, -'.tar.gz'.length);
  const { io = 'important', noInstructionCaches } = OPTIONS[name] ?? {};
  let unpacked: string | undefined;
  const tree = () => {
    unpacked ??= unpackTree(archive);
    return unpacked;
  };

  test(`${name} counts as the expected lstopo output`, { timeout: 60_000 }, async (t) => {
    const expected = existsSync(`${stem}.xml`)
      ? countsOfXml(readFileSync(`${stem}.xml`, 'utf8'))
      : existsSync(`${stem}.console`)
        ? countsOfConsole(readFileSync(`${stem}.console`, 'utf8'))
        : undefined;
    if (expected === undefined) return t.skip('no expected output beside it');
    const ours = await countsOfTree(tree(), io);
    assert.deepEqual(noInstructionCaches ? withoutInstructionCaches(ours) : ours, expected);
  });

  for (const which of ['important', 'all'] as const) {
    test(`${name} counts as lstopo of this machine, ${which} I/O`, {
      timeout: 60_000,
      skip: oracle === undefined && 'hwloc is not installed',
    }, async () => {
      assert.deepEqual(await countsOfTree(tree(), which), countsOfLstopo(tree(), which));
    });
  }
}

function withoutInstructionCaches(counts: Counts): Counts {
  const kept = Object.entries(counts.caches).filter(([key]) => !key.includes('instruction'));
  return { ...counts, caches: Object.fromEntries(kept) };
}
