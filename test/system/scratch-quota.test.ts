import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bytes } from '../../src/base/units.ts';
import { clearQuota, holdToQuota } from '../../src/execution/io/local/scratch-quota.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { id, MIB, Rig } from '../execution/rig.ts';

const options = { skip: skipSystem, timeout: 60_000 };

/** An ext4 of its own on a loop device, or why this kernel cannot mount it. Gone with the test, which is asserted. */
function disk(t: TestContext, wanted: readonly string[], mount: string) {
  const dir = mkdtempSync(join(tmpdir(), 'berth-test-quota-'));
  const image = join(dir, 'image');
  const at = join(dir, 'disk');
  mkdirSync(at);
  writeFileSync(image, '');
  truncateSync(image, 64 * MIB);
  execFileSync('mkfs.ext4', ['-q', ...wanted, image]);
  const done = spawnSync('mount', ['-o', `loop${mount}`, image, at], { encoding: 'utf8' });
  t.after(() => {
    if (done.status === 0) execFileSync('umount', [at]);
    rmSync(dir, { recursive: true });
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(dir), 'the mount is gone');
    const loops = execFileSync('losetup', ['-a'], { encoding: 'utf8' });
    assert.ok(!loops.includes(dir), 'the loop device is gone');
  });
  return { at, problem: done.status === 0 ? undefined : done.stderr.split('\n')[0]! };
}

const script = 'head -c 8M /dev/zero > "$BERTH_SCRATCH/x"; stat -c %s "$BERTH_SCRATCH/x"';
const ask = (rig: Rig, run: string) => ({
  run,
  cwd: rig.stateDir,
  workdir: join(rig.stateDir, 'work'),
  // Root is held to no quota, unless it is isolated.
  execution: {
    isolation: { namespaces: ['ipc' as const] },
    storage: { volumes: [], scratch: { size: bytes(4 * MIB), cleanup: 'immediate' as const } },
  },
});

test(
  'where the file system has project quotas, the kernel holds scratch to its size',
  options,
  async (t) => {
    const rig = new Rig(t, { enforcement: 'unprivileged' });
    const { at, problem } = disk(
      t,
      ['-O', 'quota,project', '-E', 'quotatype=prjquota'],
      ',prjquota',
    );
    if (problem !== undefined) {
      t.skip(`this kernel has no project quotas: ${problem}`);
      return;
    }
    mkdirSync(join(at, 'scratch'));
    symlinkSync(join(at, 'scratch'), join(rig.stateDir, 'scratch'));
    await rig.open();
    const end = await rig.run(1, ask(rig, script));
    assert.equal(rig.log(1), `${4 * MIB}\n`, 'not a byte more');
    assert.match(rig.log(1, 'stderr'), /quota exceeded/i);
    const term = end.enforced.terms?.find((one) => one.term === 'scratch');
    assert.deepEqual([term?.term, term?.by], ['scratch', 'kernel']);
    assert.doesNotMatch(spawnSync('repquota', ['-P', at]).stdout?.toString() ?? '', /4096 /);
  },
);

test('where it has none, it is accounted for, and the report says why', options, async (t) => {
  const rig = new Rig(t, { enforcement: 'unprivileged' });
  const { at, problem } = disk(t, [], '');
  assert.equal(problem, undefined);
  const folder = join(at, 'folder');
  mkdirSync(folder);
  const quota = holdToQuota(folder, 4 * MIB);
  assert.ok('why' in quota && /FSSETXATTR|Q_SETQUOTA/.test(quota.why), JSON.stringify(quota));
  assert.match(clearQuota(folder, 5) ?? '', /Q_SETQUOTA: /);
  mkdirSync(join(at, 'scratch'));
  symlinkSync(join(at, 'scratch'), join(rig.stateDir, 'scratch'));
  await rig.open();
  const end = await rig.run(1, ask(rig, `${script}; sleep 60`));
  assert.equal(end.cause, 'disk-exceeded');
  const term = end.enforced.terms?.find((one) => one.term === 'scratch');
  assert.deepEqual([term?.term, term?.by], ['scratch', 'accounting']);
  assert.match(term?.note ?? '', /no quota: FSSETXATTR|no quota: Q_SETQUOTA/);
  assert.equal(statSync(join(at, 'scratch', id(1)), { throwIfNoEntry: false }), undefined);
});
