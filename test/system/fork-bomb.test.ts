import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { spanMs } from '../../src/base/units.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { kill, Rig, until } from '../execution/rig.ts';

const PIDS = '/sys/fs/cgroup/pids';
const skip = skipSystem || (existsSync(`${PIDS}/cgroup.procs`) ? false : 'needs pids of cgroup v1');
const BOMBS = 3;
/** Every process forks as long as it may, and none of them waits for another. */
const bomb = `perl -e '$SIG{CHLD} = "IGNORE"; for (;;) { my $p = fork; if (!defined $p) { select undef, undef, undef, 0.01 } }'`;

test(`${BOMBS} fork bombs without cgroups of ours are ended, each within its time`, {
  skip,
  timeout: 120_000,
}, async (t) => {
  const fence = `${PIDS}/berth-test-${process.pid}`;
  mkdirSync(fence);
  t.after(async () => {
    await until('an empty fence', () => {
      const pids = readFileSync(join(fence, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
      for (const pid of pids) kill(Number(pid));
      return pids.length === 0 || undefined;
    });
    rmdirSync(fence);
  });
  const rig = await new Rig(t, { enforcement: 'unprivileged' }).open();
  // So that the machine survives if we do not.
  writeFileSync(join(fence, 'pids.max'), '400');
  writeFileSync(join(fence, 'cgroup.procs'), `${rig.launcherPid()}`);
  for (let n = 1; n <= BOMBS; n++) {
    const began = performance.now();
    rig.start(n, { run: bomb, limits: { wallMs: spanMs(1_500), graceMs: spanMs(0) } });
    const most = await until('the fence to be full', () => {
      const count = Number(readFileSync(join(fence, 'pids.current'), 'utf8'));
      return count > 300 ? count : undefined;
    });
    const end = await rig.ended(n);
    assert.equal(end.cause, 'timed-out');
    assert.equal(end.enforced.pids, 'none', 'nothing is claimed that is not held');
    assert.deepEqual(rig.taskPids(), []);
    assert.ok(performance.now() - began < 20_000);
    t.diagnostic(
      `bomb ${n}: ${most} processes, gone after ${Math.round(performance.now() - began)} ms`,
    );
  }
  assert.equal((await rig.run(BOMBS + 1, { run: ['true'] })).cause, 'succeeded');
});
