import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { recordPath } from '../../src/execution/io/local/attempt-folder.ts';
import { LiveTasks } from '../../src/execution/io/local/live-tasks.ts';
import { noTerms } from '../../src/execution/term-site.ts';
import type { AttemptId } from '../../src/model/ids.ts';

const attempt = '1.a.0.1' as AttemptId;
const options = {
  skip: process.platform === 'linux' ? false : 'what runs is found in /proc',
  timeout: 20_000,
};

const statOf = (pid: number): string[] => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};

/** A process in the place of a shim, with a child; what is done to it goes by the record of an attempt. */
async function scene(t: TestContext, laterBy: number) {
  const dir = mkdtempSync(join(tmpdir(), 'berth-live-'));
  const shim = spawn('/bin/sh', ['-c', 'exec 3<&0; cat <&3 & echo $!; wait'], { stdio: 'pipe' });
  const child = Number((await once(shim.stdout, 'data'))[0]);
  t.after(() => {
    process.kill(child, 'SIGKILL');
    shim.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  const attemptsDir = join(dir, 'attempts');
  mkdirSync(attemptsDir);
  const start = Number(statOf(shim.pid!)[19]) - laterBy;
  const record = `start\t${attempt}\tshim=${shim.pid}\tshimstart=${start}\ntask\t${attempt}\tpid=${child}\n`;
  writeFileSync(recordPath(attemptsDir, attempt), record);
  const site = { driver: 'unprivileged', watchdog: true, notes: [], terms: noTerms } as const;
  const reports = new EventEmitter();
  const tasks = new LiveTasks({ attemptsDir, site, freezer: undefined }, (report) =>
    reports.emit('report', report),
  );
  const pause = async () => {
    const told = once(reports, 'report');
    tasks.pause(attempt);
    await told;
  };
  /** What was sent to it before it is heeded first: it says this only when it was not stopped. */
  const answers = async () => {
    shim.stdin.write('here\n');
    assert.equal(`${(await once(shim.stdout, 'data'))[0]}`, 'here\n');
  };
  return { tasks, child, pause, answers };
}

test('a tree without groups of its own is halted, and goes on', options, async (t) => {
  const { tasks, child, pause, answers } = await scene(t, 0);
  await pause();
  while (statOf(child)[0] !== 'T') await setImmediate();
  tasks.resume(attempt);
  await answers();
});

test('processes of one that has the number of a former shim are left alone', options, async (t) => {
  const { pause, answers } = await scene(t, 1);
  await pause();
  await answers();
});
