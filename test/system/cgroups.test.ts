import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { milliCpu, spanMs } from '../../src/base/units.ts';
import { parentsOf } from '../../src/execution/confinement.ts';
import { openConfinementSite } from '../../src/execution/io/local/confinement-site.ts';
import { driverContract, timed } from '../execution/driver-contract.ts';
import { id, isRunning, kill, MIB, Rig, until } from '../execution/rig.ts';

const asked = ['system', 'all'].includes(process.env['BERTH_SUITE'] ?? '');
const why = !asked
  ? 'run with --suite system'
  : process.getuid?.() !== 0
    ? 'needs root'
    : trySite() === 'unprivileged'
      ? 'needs cgroups that may be written'
      : undefined;

function trySite(): string {
  const site = openConfinementSite('auto', 'berth-trial000');
  for (const parent of parentsOf(site)) rmdirSync(parent);
  return site.driver;
}

if (why !== undefined) {
  test('cgroups', { skip: why }, () => {});
} else {
  driverContract('auto');

  test('a CPU quota of a half is held', timed, async (t) => {
    const rig = await new Rig(t, {}).open();
    // Work that is measured by the CPU it got, of the time that it ran: other load can only lower it.
    const end = await rig.run(1, {
      run: ['perl', '-e', 'my $end = time + 5; 1 while time < $end'],
      limits: { cpu: milliCpu(500) },
    });
    assert.equal(end.enforced.cpu, 'quota');
    const share = (end.usage.cpuMs ?? 0) / (end.usage.wallMs ?? 1);
    assert.ok(share > 0.2 && share < 0.55, `used ${share} of a CPU`);
  });

  test('a process over the memory limit is killed, and the cause is known', timed, async (t) => {
    const rig = await new Rig(t, {}).open();
    const grow = 'my $x = "a" x (200 << 20); print length $x';
    const end = await rig.run(1, { run: ['perl', '-e', grow], memoryLimit: 64 * MIB });
    assert.equal(end.cause, 'oom-killed');
    assert.equal(end.signal, 'SIGKILL');
    assert.equal(end.enforced.memory, 'kernel');
    assert.match(end.message ?? '', /killed 1 process for memory at the limit of 64 MiB/);
    assert.ok((end.usage.memoryPeak ?? 0) > 60 * MIB && (end.usage.memoryPeak ?? 0) <= 64 * MIB);
  });

  test(
    'a child that is killed for memory fails a task only if the task fails',
    timed,
    async (t) => {
      const rig = await new Rig(t, {}).open();
      const child = `perl -e 'my $x = "a" x (200 << 20)'`;
      const fails = await rig.run(1, { run: `${child}; exit $?`, memoryLimit: 64 * MIB });
      assert.deepEqual([fails.cause, fails.exitCode], ['oom-killed', 137]);
      const goesOn = await rig.run(2, { run: `${child}; exit 0`, memoryLimit: 64 * MIB });
      assert.equal(goesOn.cause, 'succeeded');
      assert.match(goesOn.message ?? '', /killed 1 process for memory/);
    },
  );

  test('exit code 137 alone is not an out-of-memory kill', timed, async (t) => {
    const rig = await new Rig(t, {}).open();
    assert.equal((await rig.run(1, { run: 'exit 137', memoryLimit: 64 * MIB })).cause, 'failed');
    const killed = await rig.run(2, { run: 'kill -9 $$', memoryLimit: 64 * MIB });
    assert.equal(killed.cause, 'signalled');
  });

  test('a fork bomb meets the limit of processes, and all of it is ended', timed, async (t) => {
    const rig = await new Rig(t, {}).open();
    // Bounded by itself, too: at most 200 processes.
    const bomb =
      'for my $i (1 .. 200) { my $p = fork; $failed++ if !defined $p; if (defined $p && !$p) { sleep 60; exit } } print $failed // 0; exit 9';
    const end = await rig.run(1, { run: ['perl', '-e', bomb], limits: { pids: 20 } });
    assert.equal(end.exitCode, 9);
    assert.equal(rig.log(1), '181');
    assert.equal(end.enforced.pids, 'kernel');
    assert.match(end.message ?? '', /limit of processes refused 181 forks/);
    assert.deepEqual(rig.taskPids(), []);
  });

  test('a tree that keeps forking is ended', timed, async (t) => {
    const rig = await new Rig(t, {}).open();
    const run = `perl -e 'my $n = 0; for (;;) { my $p = fork; last if !defined $p; next if $p && $n++ > 30; $n = 0 if !$p; setpgrp; sleep 1 }'`;
    const end = await rig.run(1, {
      run,
      limits: { pids: 64, wallMs: spanMs(500), graceMs: spanMs(0) },
    });
    assert.equal(end.cause, 'timed-out');
    assert.deepEqual(rig.taskPids(), []);
  });

  test('what a killed shim left in its cgroups is ended', timed, async (t) => {
    const rig = await new Rig(t, {}).open();
    // It took the marks away from its environment.
    rig.start(1, { run: 'env -i setsid /bin/sleep 61 & echo $!; sleep 60', memoryLimit: 64 * MIB });
    await rig.printed(1, '\n');
    const hidden = Number(rig.log(1));
    await until('the child', () => isRunning(hidden) || undefined);
    kill(rig.shimPid(1));
    assert.equal((await rig.ended(1)).cause, 'lost');
    assert.equal(isRunning(hidden), false);
    await until(
      'its cgroups to go',
      () => rig.cgroups().every((parent) => !existsSync(join(parent, id(1)))) || undefined,
    );
  });

  test(
    'nothing is left in /sys/fs/cgroup when driver and launcher are closed',
    timed,
    async (t) => {
      const rig = await new Rig(t, {}).open();
      for (let n = 0; n < 5; n++) rig.start(n, { run: ['true'], memoryLimit: 64 * MIB });
      for (let n = 0; n < 5; n++) await rig.ended(n);
      const parents = rig.cgroups();
      assert.ok(parents.length > 0);
      await rig.close();
      assert.deepEqual(rig.cgroups(), []);
    },
  );

  test('a cgroup of ours that belongs to no attempt is removed at the start', timed, async (t) => {
    const rig = await new Rig(t, {}).open();
    rig.start(1, { run: ['sleep', '60'] });
    const pid = await rig.started(1);
    const parents = rig.cgroups();
    await rig.close();
    for (const parent of parents) mkdirSync(join(parent, '7.stray.0.1'));
    const stray = spawnSync('sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!'], {
      encoding: 'utf8',
    });
    const strayPid = Number(stray.stdout);
    t.after(() => kill(strayPid));
    writeFileSync(join(parents[0]!, '7.stray.0.1', 'cgroup.procs'), `${strayPid}`);
    await rig.open();
    for (const parent of parents) assert.equal(existsSync(join(parent, '7.stray.0.1')), false);
    assert.equal(isRunning(strayPid), false);
    assert.ok(isRunning(pid));
    assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), /berth-[0-9a-f]{8}\/1\.step\.1\.1/);
  });

  test('the log of a full disk is counted, and the end is not lost', timed, async (t) => {
    const rig = new Rig(t, {});
    const disk = mkdtempSync(join(tmpdir(), 'berth-test-disk-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'berth-test', disk]);
    assert.equal(mounted.status, 0);
    t.after(() => {
      spawnSync('umount', ['-l', disk]);
      rmdirSync(disk);
    });
    symlinkSync(disk, rig.attemptsDir);
    await rig.open();
    const end = await rig.run(1, { run: 'head -c 4000000 /dev/zero', limits: {} });
    assert.equal(end.cause, 'succeeded');
    assert.equal(end.usage.logBytes, 4_000_000);
    assert.match(end.message ?? '', /bytes of its log could not be written/);
    await rig.close();
    await rig.open();
    assert.deepEqual(
      (await rig.driver.known()).map((k) => k.state),
      ['ended'],
    );
  });
}
