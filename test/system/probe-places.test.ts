import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { spanMs } from '../../src/base/units.ts';
import { tryProbe } from '../../src/execution/io/local/try-probe.ts';
import type { IsolationTerms } from '../../src/model/execution-terms.ts';
import { settledLeftovers } from '../builders/leftovers.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { id, MIB, Rig } from '../execution/rig.ts';

const missing = spawnSync('bwrap', ['--version']).status === 0 ? false : 'needs bubblewrap';
const options = { skip: skipSystem === false ? missing : skipSystem, timeout: 60_000 };

const env = { PATH: '/usr/local/bin:/usr/bin:/bin', OWN: 'yes' };
/** What a process says of where it is; cgroups but for the freezer, which a probe stays out of. */
const where = `id; pwd; echo $OWN
grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | grep -vE 'Cap(Inh|Amb)'
for one in user mnt pid net ipc uts; do readlink /proc/self/ns/$one; done
grep -v freezer /proc/self/cgroup; ls /tmp/mark-${process.pid}; nice`;

interface Running {
  readonly rig: Rig;
  /** Runs a script where the task is; what it said on stderr is in `detail`. */
  readonly probe: (
    script: string,
    timeoutMs?: number,
  ) => Promise<{ readonly ok: boolean; readonly detail: string }>;
  readonly over: AbortController;
}

async function running(t: TestContext, isolation: IsolationTerms | undefined): Promise<Running> {
  const rig = await new Rig(t, {}).open();
  const workdir = join(rig.stateDir, 'work', '1');
  mkdirSync(workdir, { recursive: true });
  rig.start(1, {
    run: `touch /tmp/mark-${process.pid}; { ${where}\n} > report; echo ready; exec sleep 60`,
    cwd: workdir,
    workdir,
    env,
    cpu: 500,
    memoryLimit: 64 * MIB,
    execution: { process: { nice: 3 }, ...(isolation && { isolation }) },
  });
  const pid = await rig.started(1);
  await rig.printed(1, 'ready');
  const over = new AbortController();
  const seccomp = isolation?.seccomp;
  const place = { attempt: id(1), pid, env, cwd: workdir, ...(seccomp && { seccomp }) };
  return {
    rig,
    over,
    probe: (script, timeoutMs = 20_000) =>
      tryProbe({ kind: 'exec', argv: ['sh', '-c', script] }, place, {
        timeoutMs,
        signal: over.signal,
      }),
  };
}

const isolated: IsolationTerms = {
  user: 'nobody',
  privateTmp: true,
  noNewPrivileges: true,
  seccomp: 'default',
  namespaces: ['pid', 'network', 'ipc', 'uts'],
};
for (const [name, isolation] of [
  ['with limits alone', undefined],
  ['of root under bubblewrap', { privateTmp: true }],
  ['of another user, with namespaces and a filter', isolated],
] as const) {
  test(`a probe of a task ${name} is where the task is`, options, async (t) => {
    const { rig, probe } = await running(t, isolation);
    const same = await probe(`${'{'} ${where}\n} > again; diff report again >&2`);
    assert.deepEqual(same, { ok: true, detail: 'exit code 0' });
    rig.driver.stop(id(1), 'cancelled', spanMs(0));
    await rig.ended(1);
  });
}

test(
  'a probe that takes more memory than its task may have is killed, not the host',
  options,
  async (t) => {
    const { rig, probe } = await running(t, undefined);
    const eats = await probe(`perl -e '$x = "x" x (200 << 20); print STDERR "had it"'`);
    assert.equal(eats.ok, false);
    assert.doesNotMatch(eats.detail, /had it/);
    rig.driver.stop(id(1), 'cancelled', spanMs(0));
    await rig.ended(1);
  },
);

test(
  'a probe that hangs ends with its task, and keeps nothing of it from going',
  options,
  async (t) => {
    const { rig, probe } = await running(t, { privateTmp: true });
    const hanging = probe('echo > hangs; sleep 50');
    const mark = join(rig.stateDir, 'work', '1', 'hangs');
    for (let tries = 0; !existsSync(mark) && tries < 200; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    rig.driver.stop(id(1), 'cancelled', spanMs(0));
    const end = await rig.ended(1);
    assert.doesNotMatch(end.message ?? '', /could not be/);
    assert.equal((await hanging).ok, false);
    rig.driver.settle(id(1));
    await rig.close();
    assert.deepEqual(await settledLeftovers(rig.stateDir), []);
  },
);
