import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { bytes, spanMs } from '../../src/base/units.ts';
import type { IsolationTerms, StorageTerms } from '../../src/model/execution-terms.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { type Ask, id, kill, MIB, Rig } from '../execution/rig.ts';

const missing = spawnSync('bwrap', ['--version']).status === 0 ? false : 'needs bubblewrap';
const options = { skip: skipSystem === false ? missing : skipSystem, timeout: 60_000 };

async function openRig(t: TestContext): Promise<Rig> {
  const before = mounts();
  const rig = new Rig(t, {});
  t.after(() => assert.equal(mounts(), before, 'no mount is left'));
  return rig.open();
}
/** Without those that tests beside this one make. */
const mounts = (): string => readFileSync('/proc/mounts', 'utf8').replace(/^berth-test .*\n/gm, '');

function asked(rig: Rig, run: string, isolation: IsolationTerms, storage?: StorageTerms): Ask {
  const workdir = join(rig.stateDir, 'work', '1');
  mkdirSync(workdir, { recursive: true });
  return { run, cwd: workdir, workdir, execution: { isolation, ...(storage && { storage }) } };
}

async function printed(rig: Rig, n: number, ask: Ask): Promise<string> {
  const end = await rig.run(n, ask);
  assert.equal(end.cause, 'succeeded', `${end.message} ${rig.log(n, 'stderr')}`);
  return rig.log(n);
}

test('another user: its ids, its home, its folder, and no way back', options, async (t) => {
  const rig = await openRig(t);
  const script = `id -u; id -g; echo $HOME $USER; touch made && stat -c %U made
    touch /root/x 2>/dev/null || echo "not root's"; grep -E '^Cap(Prm|Eff)|NoNewPrivs' /proc/self/status`;
  const { user, home } = { user: 'nobody', home: '/nonexistent' };
  const lines = (await printed(rig, 1, asked(rig, script, { user }))).split('\n');
  assert.deepEqual(lines.slice(0, 5), ['65534', '65534', `${home} nobody`, 'nobody', "not root's"]);
  assert.match(lines.slice(5).join(' '), /CapPrm:\t0+ CapEff:\t0+ NoNewPrivs:\t1/);
});

test('an unknown user: it does not start', options, async (t) => {
  const rig = await openRig(t);
  const end = await rig.run(1, asked(rig, 'echo ran', { user: 'berth-nobody-here' }));
  assert.equal(end.cause, 'start-failed');
  assert.match(end.message ?? '', /no user berth-nobody-here/);
});

test(
  'a private /tmp is empty, and what is put there is not in that of the host',
  options,
  async (t) => {
    const rig = await openRig(t);
    const mark = `berth-mark-${process.pid}`;
    const out = await printed(
      rig,
      1,
      asked(rig, `ls /tmp | grep -v berth-test; touch /tmp/${mark} && echo wrote`, {
        privateTmp: true,
      }),
    );
    assert.equal(out, 'wrote\n');
    assert.ok(!existsSync(`/tmp/${mark}`));
  },
);

test('read-only paths: writes fail, but not to what is writable', options, async (t) => {
  const rig = await openRig(t);
  const folder = join('/var/tmp', `berth-ro-${process.pid}`);
  mkdirSync(join(folder, 'open'), { recursive: true });
  t.after(() => spawnSync('rm', ['-rf', folder]));
  const script = `touch ${folder}/x 2>/dev/null || echo kept; touch ${folder}/open/y && echo wrote
    touch here && echo own; touch /etc/berth-x 2>/dev/null || echo kept; echo > /dev/null && echo null`;
  const out = await printed(
    rig,
    1,
    asked(rig, script, { readOnly: ['/', folder], writable: [`${folder}/open`] }),
  );
  assert.equal(out, 'kept\nwrote\nown\nkept\nnull\n');
  assert.ok(existsSync(join(folder, 'open', 'y')) && !existsSync(join(folder, 'x')));
});

test('namespaces: few processes, no network, a name of its own to change', options, async (t) => {
  const rig = await openRig(t);
  const script = `ls -d /proc/[0-9]* | wc -l; tail -n +3 /proc/net/dev | wc -l
    for one in pid net ipc uts mnt; do readlink /proc/self/ns/$one; done`;
  const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount'] as const;
  const out = await printed(rig, 1, asked(rig, script, { namespaces }));
  const [processes, interfaces, ...own] = out.trim().split('\n');
  assert.ok(Number(processes) < 10, processes);
  assert.equal(interfaces, '1');
  const host = ['pid', 'net', 'ipc', 'uts', 'mnt'].map((one) =>
    spawnSync('readlink', [`/proc/self/ns/${one}`], { encoding: 'utf8' }).stdout.trim(),
  );
  assert.equal(own.length, 5);
  own.forEach((name, i) => {
    assert.notEqual(name, host[i]);
  });
});

test(
  'devices: the harmless ones and those allowed; others cannot even be made',
  options,
  async (t) => {
    const rig = await openRig(t);
    const script = `ls /dev | grep -cE '^(vd|sd|nvme|loop|kmsg|mem)' ; echo x > /dev/null && echo null
    mknod ./disk b 8 0 2>/dev/null || echo "cannot make one"`;
    const end = await rig.run(1, asked(rig, script, { devices: [] }));
    assert.equal(rig.log(1), '0\nnull\ncannot make one\n', end.message);
  },
);

/** In Perl, since no shell makes a system call by its number. */
const tries = (calls: Record<string, readonly number[]>): string =>
  Object.entries(calls)
    .map(([name, args]) => `$! = 0; syscall(${args.join(', ')}); print "${name} ", $! + 0, "\\n";`)
    .join(' ');
const x64 = process.arch === 'x64' ? false : 'numbers of x86_64';

test('seccomp: what is refused gets EPERM, also as root, and ordinary programs run', {
  ...options,
  skip: options.skip === false ? x64 : options.skip,
}, async (t) => {
  const rig = await openRig(t);
  // unshare of nothing, keyctl of nothing, clone3 without arguments, a perf event of nothing, getpid.
  const calls = {
    unshare: [272, 0],
    keyctl: [250, 0, 0, 0, 0, 0],
    clone3: [435, 0, 0],
    bpf: [321, 0, 0, 0],
    getpid: [39],
  };
  const script = `perl -e '${tries(calls)}'; sed -n 's/^Seccomp:.//p' /proc/self/status
      python3 -c 'import threading, subprocess
t = threading.Thread(target=lambda: print("python")); t.start(); t.join()
print(subprocess.run(["echo", "child"], capture_output=True, text=True).stdout.strip())'
      "$NODE" -e 'new (require("worker_threads").Worker)("console.log(\\"node\\")", {eval: true})'`;
  const ask = asked(rig, script, { seccomp: 'default' });
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', NODE: process.execPath };
  const out = await printed(rig, 1, { ...ask, env });
  assert.deepEqual(out.trim().split('\n'), [
    ...['unshare 1', 'keyctl 1', 'clone3 38', 'bpf 1', 'getpid 0', '2'],
    ...['python', 'child', 'node'],
  ]);
  const [started] = rig.reports;
  assert.ok(started?.kind === 'started');
  const [term] = started.terms ?? [];
  assert.deepEqual([term?.term, term?.by], ['seccomp', 'kernel']);
});

test('seccomp by names refuses those alone, and holds for another user, too', {
  ...options,
  skip: options.skip === false ? x64 : options.skip,
}, async (t) => {
  const rig = await openRig(t);
  const script = `perl -e '${tries({ getpid: [39], sync: [162], unshare: [272, 0] })}'; id -u`;
  const isolation = { seccomp: ['getpid'], user: 'nobody' };
  assert.equal(
    await printed(rig, 1, asked(rig, script, isolation)),
    'getpid 1\nsync 0\nunshare 0\n65534\n',
  );
  const without = `sed -n 's/^Seccomp:.//p' /proc/self/status`;
  assert.equal(await printed(rig, 2, asked(rig, without, { seccomp: 'off' })), '0\n');
});

test('it sees neither token nor socket nor secrets of the daemon', options, async (t) => {
  const rig = await openRig(t);
  writeFileSync(join(rig.stateDir, 'token'), 'abc', { mode: 0o600 });
  const script = `ls ${rig.stateDir}; cat ${rig.stateDir}/token 2>/dev/null || echo hidden
    umount ${rig.stateDir} 2>/dev/null || echo "stays hidden"
    for pid in $(ls /proc | grep -E '^[0-9]+$'); do cat /proc/$pid/root${rig.stateDir}/token 2>/dev/null; done; true`;
  const out = await printed(rig, 1, asked(rig, script, { readOnly: ['/'] }));
  assert.equal(out, 'work\nhidden\nstays hidden\n');
});

test(
  'a program that is not there: start-failed, in the words of the system',
  options,
  async (t) => {
    const rig = await openRig(t);
    const ask = asked(rig, '', { privateTmp: true });
    const end = await rig.run(1, { ...ask, run: ['/no/such/program'] });
    assert.equal(end.cause, 'start-failed');
    assert.match(end.message ?? '', /No such file or directory: \/no\/such\/program/);
  },
);

test(
  'isolation that fails at the last moment: start-failed, in the words of bwrap',
  options,
  async (t) => {
    const rig = await openRig(t);
    const end = await rig.run(1, asked(rig, 'echo ran', { readOnly: ['/no/such/folder'] }));
    assert.equal(end.cause, 'start-failed');
    assert.match(end.message ?? '', /bwrap: .*\/no\/such\/folder/);
    assert.ok(rig.reports.every(({ kind }) => kind !== 'started'));
  },
);

test('a stop lets an isolated task end by itself, and then does not', options, async (t) => {
  const rig = await openRig(t);
  const namespaces = ['pid'] as const;
  const trap = (act: string): string =>
    `trap '${act}' TERM; echo here; while :; do sleep 0.05; done`;
  rig.start(1, asked(rig, trap('echo saved; exit 0'), { namespaces }));
  rig.start(2, asked(rig, trap(''), { namespaces }));
  await rig.printed(1, 'here');
  await rig.printed(2, 'here');
  for (const n of [1, 2]) rig.driver.stop(id(n), 'cancelled', spanMs(500));
  const ends = [await rig.ended(1), await rig.ended(2)];
  assert.deepEqual(
    ends.map(({ cause }) => cause),
    ['cancelled', 'cancelled'],
  );
  assert.match(rig.log(1), /saved/);
});

test('a shim that is killed takes its isolated task with it', options, async (t) => {
  const rig = await openRig(t);
  rig.start(1, asked(rig, 'echo here; sleep 60', { namespaces: ['pid'], user: 'nobody' }));
  await rig.printed(1, 'here');
  kill(rig.shimPid(1));
  assert.equal((await rig.ended(1)).cause, 'lost');
  for (let tried = 0; rig.taskPids().length > 0 && tried < 100; tried++) await delay(20);
  assert.deepEqual(rig.taskPids(), []);
});

test(
  'a volume is mounted where it was asked, kept, and makes no folder on the host',
  options,
  async (t) => {
    const rig = await openRig(t);
    const mountPath = `/berth-volume-${process.pid}`;
    const volume = { name: 'data', size: bytes(64 * MIB), mountPath };
    const storage = (readOnly: boolean): StorageTerms => ({ volumes: [{ ...volume, readOnly }] });
    const write = `echo kept > $BERTH_VOLUME_DATA/x; echo $BERTH_VOLUME_DATA`;
    assert.equal(await printed(rig, 1, asked(rig, write, {}, storage(false))), `${mountPath}\n`);
    const read = `cat ${mountPath}/x; touch ${mountPath}/y 2>/dev/null || echo read-only`;
    assert.equal(await printed(rig, 2, asked(rig, read, {}, storage(true))), 'kept\nread-only\n');
    assert.ok(!existsSync(mountPath));
    assert.ok(statSync(join(rig.stateDir, 'volumes', 'data', 'x')).isFile());
  },
);

test(
  'secrets of another user: it can read its own, and no other task of the site can',
  options,
  async (t) => {
    const rig = await openRig(t);
    mkdirSync(join(rig.stateDir, 'secrets'), { mode: 0o700 });
    writeFileSync(join(rig.stateDir, 'secrets', 'alpha'), 'value', { mode: 0o600 });
    const secrets = [{ secret: 'alpha', as: 'file', name: 'a' }] as const;
    const mine = 'cat $BERTH_SECRETS/a; echo; stat -c %U $BERTH_SECRETS; echo here; sleep 2';
    rig.start(1, asked(rig, mine, { user: 'nobody', secrets }));
    await rig.printed(1, 'here');
    const others = `ls /dev/shm/berth-${rig.instance().slice(0, 8)}/*/ 2>/dev/null | wc -l`;
    assert.equal(await printed(rig, 2, asked(rig, others, { privateTmp: true })), '0\n');
    await rig.ended(1);
    assert.equal(rig.log(1), 'value\nnobody\nhere\n');
  },
);
