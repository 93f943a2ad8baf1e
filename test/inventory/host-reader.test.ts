import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openHostReader } from '../../src/inventory/io/host-reader.ts';
import { makeTree, temporaryFolder } from './fixtures.ts';

const live = openHostReader({ sysroot: '/' });

test('links lead within the tree, absolute ones and those that climb too', () => {
  const outside = makeTree({ secret: 'outside' });
  const root = makeTree({
    'real/file': 'inside',
    absolute: '-> /real/file',
    folder: '-> /real',
    climbing: `-> ../../../../../../../..${outside}/secret`,
    'sys/class/net/eth0': '-> ../../devices/pci0000:00/0000:00:03.0/net/eth0',
    'sys/devices/pci0000:00/0000:00:03.0/net/eth0/speed': '1000',
    'sys/devices/pci0000:00/0000:00:03.0/net/numa_node': '1',
    ring: '-> /ring',
  });
  const host = openHostReader({ sysroot: root });
  assert.deepEqual(host.text('/absolute'), { ok: true, value: 'inside' });
  assert.deepEqual(host.text('/folder/file'), { ok: true, value: 'inside' });
  assert.equal(host.text('/climbing').ok, false);
  assert.deepEqual(host.text('/sys/class/net/eth0/speed'), { ok: true, value: '1000' });
  assert.deepEqual(host.text('/sys/class/net/eth0/../numa_node'), { ok: true, value: '1' });
  assert.deepEqual(host.link('/sys/class/net/eth0'), {
    ok: true,
    value: '/sys/devices/pci0000:00/0000:00:03.0/net/eth0',
  });
  assert.equal(kind(host.link('/real/file')), 'absent');
  assert.equal(kind(host.text('/ring')), 'failed');
  assert.equal(host.exists('/ring'), false);
  assert.equal(host.exists('/folder/file'), true);
  assert.deepEqual(host.list('/folder'), { ok: true, value: ['file'] });
});

const kind = (outcome: { ok: boolean; problem?: { kind: string } }) =>
  outcome.ok ? 'ok' : outcome.problem?.kind;

test('what cannot be read is an outcome with its cause', () => {
  const root = makeTree({ 'folder/file': 'x', large: 'y'.repeat(100) });
  const host = openHostReader({ sysroot: root });
  assert.equal(kind(host.text('/missing')), 'absent');
  assert.equal(kind(host.text('/folder/file/below')), 'absent');
  assert.equal(kind(host.text('/folder')), 'failed');
  assert.equal(kind(host.list('/folder/file')), 'absent');
  assert.equal(kind(host.text('/large', 99)), 'too-large');
  assert.deepEqual(kind(host.text('/large', 100)), 'ok');
  assert.equal(kind(host.statfs('/')), 'absent');
});

test('a FIFO, a device and a folder are not waited for', () => {
  const root = temporaryFolder();
  execFileSync('mkfifo', [join(root, 'pipe')], { timeout: 5000 });
  const host = openHostReader({ sysroot: root });
  assert.equal(kind(host.text('/pipe')), 'failed');
  assert.equal(kind(live.text('/dev/zero')), 'failed');
});

test('bytes that are no UTF-8 are replaced, and names that are none are no crash', () => {
  const root = temporaryFolder();
  writeFileSync(join(root, 'latin'), Buffer.from([0x41, 0xe9, 0x42]));
  writeFileSync(Buffer.concat([Buffer.from(`${root}/n`), Buffer.from([0xff])]), 'x');
  const host = openHostReader({ sysroot: root });
  assert.deepEqual(host.text('/latin'), { ok: true, value: 'A\ufffdB' });
  const names = host.list('/');
  assert.ok(names.ok && names.value.length === 2);
  for (const name of names.value) host.text(`/${name}`);
});

test('a file that may not be read is denied', {
  skip: process.getuid?.() === 0 && 'root may read all',
}, () => {
  const root = makeTree({ secret: 'x' });
  chmodSync(join(root, 'secret'), 0);
  assert.equal(kind(openHostReader({ sysroot: root }).text('/secret')), 'denied');
});

test('files of /proc and /sys say no size, and are read to their end', () => {
  const status = live.text('/proc/self/status');
  assert.ok(status.ok && status.value.includes('Cpus_allowed'));
  assert.ok(live.statfs('/').ok);
});

test('programs answer with output, or with what went wrong', { timeout: 20_000 }, async () => {
  assert.deepEqual(await live.run('echo', ['a b'], 5000), { ok: true, value: 'a b\n' });
  const failed = await live.run('sh', ['-c', 'echo out; echo err >&2; exit 3'], 5000);
  assert.ok(!failed.ok && failed.problem.kind === 'failed');
  assert.equal(failed.problem.output, 'out\n');
  assert.match(failed.problem.detail, /exit status 3: err/);
  assert.equal(kind(await live.run('berth-no-such-program', [], 5000)), 'absent');
  const environment = await live.run('env', [], 5000);
  assert.ok(
    environment.ok && !/HOME=/.test(environment.value) && /LC_ALL=C/.test(environment.value),
  );
});

/** Processes of a group that are not yet dead; a zombie is. */
function membersAlive(group: number): number {
  const all = live.list('/proc');
  const names = all.ok ? all.value.filter((name) => /^\d+$/.test(name)) : [];
  return names.filter((name) => {
    const stat = live.text(`/proc/${name}/stat`);
    const [state, , pgrp] = stat.ok
      ? stat.value.slice(stat.value.lastIndexOf(')') + 2).split(' ')
      : [];
    return Number(pgrp) === group && state !== 'Z' && state !== 'X';
  }).length;
}

test('a program that never answers, and its children, are ended at the time-out', {
  timeout: 20_000,
}, async () => {
  const hanging = await live.run('sh', ['-c', 'echo $$; sleep 1000 & sleep 1000'], 300);
  assert.ok(!hanging.ok && hanging.problem.kind === 'timed-out');
  const group = Number(hanging.problem.output);
  assert.ok(group > 1);
  while (membersAlive(group) > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('a program that writes without end is cut off', { timeout: 30_000 }, async () => {
  assert.equal(kind(await live.run('yes', [], 20_000)), 'too-large');
});

test('under a recorded tree nothing runs, and recorded output is the answer', async () => {
  const root = makeTree({ '.berth-commands/nvidia-smi -q -x': '<xml/>' });
  mkdirSync(join(root, 'bin'));
  symlinkSync('/bin/echo', join(root, 'bin/echo'));
  const host = openHostReader({ sysroot: root });
  assert.deepEqual(await host.run('nvidia-smi', ['-q', '-x'], 1000), { ok: true, value: '<xml/>' });
  assert.equal(kind(await host.run('echo', ['x'], 1000)), 'absent');
});

test('a program that is there and may not be run is denied; one behind a closed folder is absent', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-path-'));
  const before = process.env['PATH'];
  t.after(() => {
    process.env['PATH'] = before;
    chmodSync(join(dir, 'closed'), 0o700);
    rmSync(dir, { recursive: true });
  });
  writeFileSync(join(dir, 'berth-not-executable'), '', { mode: 0o644 });
  mkdirSync(join(dir, 'closed'), { mode: 0o000 });
  process.env['PATH'] = `${join(dir, 'closed')}:${dir}`;
  assert.equal(kind(await live.run('berth-not-executable', [], 5000)), 'denied');
  assert.equal(kind(await live.run('berth-no-such-program', [], 5000)), 'absent');
});
