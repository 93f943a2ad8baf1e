import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spanMs } from '../../src/base/units.ts';
import { timed } from './driver-contract.ts';
import { id, isRunning, kill, Rig, until } from './rig.ts';

const options = { enforcement: 'unprivileged' } as const;
const BOOT_ID = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** A task that ends when the test says so. */
const held = (rig: Rig, code: number) => ({
  run: `echo ready; while [ ! -e ${rig.stateDir}/go ]; do sleep 0.02; done; exit ${code}`,
});
const letGo = (rig: Rig) => writeFileSync(join(rig.stateDir, 'go'), '');

test('kill -9 of the launcher: a new one comes, and no end is lost', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  rig.start(1, held(rig, 5));
  await rig.printed(1, 'ready');
  const launcher = rig.launcherPid();
  kill(launcher);
  await until('another launcher', () => {
    const pid = rig.launcherPid();
    return (pid > 0 && pid !== launcher && isRunning(pid)) || undefined;
  });
  letGo(rig);
  const end = await rig.ended(1);
  assert.deepEqual([end.cause, end.exitCode], ['failed', 5]);
  assert.equal((await rig.run(2, { run: ['true'] })).cause, 'succeeded');
});

test(
  'a start, a stop and a settlement that the killed launcher never read are sent again',
  timed,
  async (t) => {
    const rig = await new Rig(t, options).open();
    await rig.run(0, { run: ['true'] });
    rig.start(1, { run: ['sleep', '60'] });
    await rig.started(1);
    kill(rig.launcherPid(), 'SIGSTOP');
    rig.start(2, { run: 'exit 3' });
    rig.driver.stop(id(1), 'cancelled', spanMs(100));
    rig.driver.settle(id(0));
    await new Promise((resolve) => setImmediate(resolve));
    kill(rig.launcherPid());
    await rig.settled(0);
    assert.equal((await rig.ended(2)).exitCode, 3);
    assert.equal((await rig.ended(1)).cause, 'cancelled');
  },
);

test('kill -9 of the launcher while no daemon is there', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  rig.start(1, held(rig, 5));
  rig.start(2, { run: ['sleep', '60'] });
  await rig.printed(1, 'ready');
  await rig.started(2);
  await rig.close();
  kill(rig.launcherPid());
  letGo(rig);
  await until('an end on disk', () => rig.record(1).includes('\nended\t') || undefined);
  await rig.open();
  const known = await rig.driver.known();
  assert.deepEqual(
    known.map((k) => k.state),
    ['ended', 'running'],
  );
  assert.ok(known[0]?.state === 'ended' && known[0].end.exitCode === 5);
  // Under a shim that is no child of this launcher: stopped, and its end found, all the same.
  rig.driver.stop(id(2), 'preempted', spanMs(100));
  assert.equal((await rig.ended(2)).cause, 'preempted');
});

test('kill -9 of the daemon and of the launcher', timed, async (t) => {
  const rig = new Rig(t, options);
  const program = fileURLToPath(new URL('./start-and-wait.ts', import.meta.url));
  const scripts = [held(rig, 6).run, 'exit 4', 'sleep 60'];
  const daemon = spawn(process.execPath, [program, rig.stateDir, ...scripts], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  daemon.stdout.on('data', (text) => {
    said += text;
  });
  await until('the tasks', () => said.split('started').length === 4 || undefined);
  await until('the end', () => said.includes('ended') || undefined);
  daemon.kill('SIGKILL');
  kill(rig.launcherPid());
  letGo(rig);
  await until('an end on disk', () => rig.record(0).includes('\nended\t') || undefined);
  await rig.open();
  const known = await rig.driver.known();
  assert.deepEqual(
    known.map((k) => (k.state === 'running' ? 'running' : k.end.exitCode)),
    [6, 4, 'running'],
  );
});

test('kill -9 of a shim: lost, and nothing of the tree goes on', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  rig.start(1, { run: 'setsid sleep 60 & sleep 60 & echo ready; sleep 60' });
  await rig.printed(1, 'ready');
  kill(rig.shimPid(1));
  const end = await rig.ended(1);
  assert.equal(end.cause, 'lost');
  assert.match(end.message ?? '', /^No record of its end could be found: .*signal 9/);
  assert.equal('exitCode' in end, false);
  assert.deepEqual(rig.taskPids(), []);
  assert.equal(rig.reports.filter((r) => r.kind === 'ended').length, 1);
});

test('kill -9 of launcher and shim while no daemon is there', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  rig.start(1, { run: 'setsid sleep 60 & sleep 60 & echo ready; sleep 60' });
  await rig.printed(1, 'ready');
  await rig.close();
  kill(rig.launcherPid());
  kill(rig.shimPid(1));
  await until('the shim to be gone', () => !isRunning(rig.shimPid(1)) || undefined);
  await rig.open();
  const [known] = await rig.driver.known();
  assert.ok(known?.state === 'lost');
  assert.match(known.end.message ?? '', /its shim is gone/);
  assert.deepEqual(rig.taskPids(), []);
  // It is on disk now: found again until it is settled.
  const [again] = await rig.driver.known();
  assert.equal(again?.state, 'ended');
  rig.driver.settle(id(1));
  await rig.run(2, { run: ['true'] });
  assert.deepEqual(
    (await rig.driver.known()).map((k) => k.attempt),
    [id(2)],
  );
});

test('an attempt whose shim wrote late that it began is not taken for lost', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  const shim = spawn('sleep', ['60']);
  t.after(() => shim.kill('SIGKILL'));
  await until('a launcher', () => isRunning(rig.launcherPid()) || undefined);
  writeFileSync(rig.recordPath(1), '');
  // It reads what the daemon asks for after the shim has written.
  kill(rig.launcherPid(), 'SIGSTOP');
  const began = performance.now();
  const told = rig.driver.known();
  await wait(2_000);
  const stat = readFileSync(`/proc/${shim.pid}/stat`, 'utf8');
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const line = `start\t${id(1)}\tboot=${BOOT_ID}\tshim=${shim.pid}\tshimstart=${ticks}\n`;
  writeFileSync(rig.recordPath(1), line);
  kill(rig.launcherPid(), 'SIGCONT');
  assert.deepEqual(await told, [{ attempt: id(1), state: 'running', pid: shim.pid }]);
  assert.ok(performance.now() - began < 10_000, 'nobody waits until it is given up');
  kill(shim.pid!);
  assert.equal((await rig.ended(1)).cause, 'lost', 'its end is seen');
});

test('a launcher that is told to end leaves its tasks alone', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  rig.start(1, held(rig, 2));
  await rig.printed(1, 'ready');
  kill(rig.launcherPid(), 'SIGTERM');
  kill(rig.shimPid(1), 'SIGTERM');
  letGo(rig);
  assert.equal((await rig.ended(1)).exitCode, 2);
});

/** Records of attempts whose shim is not what it was; `shim` is a process that must survive. */
const strangers: Record<string, { record: string; message: RegExp }> = {
  'the machine was rebooted': {
    record: `start\t${id(1)}\tboot=other\tshim=${process.pid}\tshimstart=1\ntask\t${id(1)}\tpid=${process.pid}\n`,
    message: /rebooted/,
  },
  'another process has the pid of the shim': {
    record: `start\t${id(1)}\tboot=${BOOT_ID}\tshim=${process.pid}\tshimstart=1\ntask\t${id(1)}\tpid=${process.pid}\n`,
    message: /its shim is gone/,
  },
  'the end was cut off while it was written': {
    record: `start\t${id(1)}\tboot=${BOOT_ID}\tshim=${process.pid}\tshimstart=1\nended\t${id(1)}\tcause=succ`,
    message: /its shim is gone/,
  },
  'the record is garbage': { record: '\0\xff%%%\n', message: /No record of its end/ },
  'the record is empty': { record: '', message: /No record of its end/ },
};

for (const [name, tc] of Object.entries(strangers)) {
  test(`a record from before: ${name}`, timed, async (t) => {
    const rig = await new Rig(t, options).open();
    appendFileSync(rig.recordPath(1), tc.record);
    const [known] = await rig.driver.known();
    assert.ok(known?.state === 'lost', JSON.stringify(known));
    assert.equal(known.end.cause, 'lost');
    assert.match(known.end.message ?? '', tc.message);
    // The same, from disk.
    const [again] = await rig.driver.known();
    assert.ok(again?.state === 'ended' && again.end.cause === 'lost', JSON.stringify(again));
  });
}

test('the launcher goes when it has nothing to do and nobody to serve', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  await rig.run(1, { run: ['true'] });
  rig.start(2, held(rig, 0));
  await rig.printed(2, 'ready');
  await rig.close();
  assert.ok(isRunning(rig.launcherPid()));
  letGo(rig);
  await until('the launcher to go', () => rig.ownPids().length === 0 || undefined);
});
