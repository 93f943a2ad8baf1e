import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { spanMs } from '../../src/base/units.ts';
import { timed } from './driver-contract.ts';
import { attemptStart, id, Rig, until } from './rig.ts';

const options = { enforcement: 'unprivileged' } as const;
const PATH = '/usr/bin:/bin';

/** `count` attempts, each behind the one before it; `script` sees its number as N. */
function startLine(rig: Rig, count: number, script: string): void {
  const first = attemptStart(id(1), { run: script, env: { PATH, N: '1' } });
  for (let n = 1; n <= count; n++) {
    const env = { PATH, N: `${n}` };
    rig.driver.start(n === 1 ? first : { ...first, attempt: id(n), env, after: id(n - 1) });
  }
}

test('those in line begin one after the other, each with its own environment', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  startLine(rig, 40, 'echo $N');
  for (let n = 1; n <= 40; n++) {
    assert.equal((await rig.ended(n)).cause, 'succeeded');
    assert.equal(rig.log(n), `${n}\n`);
  }
  const order = rig.reports.filter((r) => r.kind === 'ended').map((r) => r.attempt);
  assert.deepEqual(
    order,
    Array.from({ length: 40 }, (_, i) => id(i + 1)),
  );
});

test('when one fails, those behind it are never begun', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  startLine(rig, 5, 'echo $N; test $N != 2');
  const causes = [];
  for (let n = 1; n <= 5; n++) causes.push((await rig.ended(n)).cause);
  assert.deepEqual(causes, ['succeeded', 'failed', 'unstarted', 'unstarted', 'unstarted']);
  assert.equal(rig.log(3), '');
});

test('one that is stopped takes nobody along that has not begun', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  startLine(rig, 3, 'echo ready; sleep 60');
  await rig.printed(1, 'ready');
  rig.driver.stop(id(1), 'cancelled', spanMs(100));
  assert.equal((await rig.ended(1)).cause, 'cancelled');
  assert.equal((await rig.ended(2)).cause, 'unstarted');
  assert.equal((await rig.ended(3)).cause, 'unstarted');
});

test('what a signal or an exit code says of one in line is told as it is', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  startLine(rig, 4, 'test $N != 4 || kill -9 $$');
  for (let n = 1; n <= 3; n++) assert.equal((await rig.ended(n)).exitCode, 0);
  const last = await rig.ended(4);
  assert.deepEqual([last.cause, last.signal], ['signalled', 'SIGKILL']);
});

test('a process that one in line leaves behind does not meet the next', timed, async (t) => {
  const rig = await new Rig(t, options).open();
  startLine(rig, 3, 'sleep 60 & echo $N');
  for (let n = 1; n <= 3; n++) assert.equal((await rig.ended(n)).cause, 'succeeded');
  assert.deepEqual(rig.taskPids(), []);
});

test(
  'when its shim is killed, the one that ran is lost and those behind it are not begun',
  timed,
  async (t) => {
    const rig = await new Rig(t, options).open();
    startLine(rig, 3, 'echo ready; sleep 60');
    await rig.printed(1, 'ready');
    process.kill(rig.shimPid(1), 'SIGKILL');
    assert.equal((await rig.ended(1)).cause, 'lost');
    assert.equal((await rig.ended(2)).cause, 'unstarted');
    assert.equal((await rig.ended(3)).cause, 'unstarted');
    await until('all to be gone', () => rig.taskPids().length === 0 || undefined);
  },
);

test(
  'when what began it is killed, the one that ran is lost and the next is not begun',
  timed,
  async (t) => {
    const rig = await new Rig(t, options).open();
    startLine(rig, 3, 'test $N = 1 && exit; echo ready; sleep 60');
    await rig.printed(2, 'ready');
    const pid = await until(
      'its start',
      () =>
        new RegExp(`^task\t${id(2)}\tpid=([0-9]+)`, 'm').exec(
          readFileSync(rig.recordPath(2), 'utf8'),
        )?.[1],
    );
    const runner = / (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!)![1];
    assert.notEqual(Number(runner), rig.shimPid(2), 'a runner of its own begins those in line');
    const killedAt = performance.now();
    process.kill(Number(runner), 'SIGKILL');
    assert.equal((await rig.ended(2)).cause, 'lost');
    assert.ok(performance.now() - killedAt < 8_000, 'nobody waits for what is dead');
    assert.equal((await rig.ended(3)).cause, 'unstarted');
    await until('all to be gone', () => rig.taskPids().length === 0 || undefined);
  },
);
