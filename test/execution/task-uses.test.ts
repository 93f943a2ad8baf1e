import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { recordPath } from '../../src/execution/io/local/attempt-folder.ts';
import { LiveTasks } from '../../src/execution/io/local/live-tasks.ts';
import { TaskUses } from '../../src/execution/io/local/task-uses.ts';
import { noTerms } from '../../src/execution/term-site.ts';
import type { AttemptId } from '../../src/model/ids.ts';

const attempt = '1.a.0.1' as AttemptId;
const options = {
  skip: process.platform === 'linux' ? false : 'what runs is found in /proc',
  timeout: 30_000,
};

/** A process in the place of a shim, whose child does a piece of work each time that it is told to. */
async function scene(t: TestContext, dirs: Readonly<Record<string, string>> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'berth-uses-'));
  const work =
    'while read x; do i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done; done';
  const shim = spawn('/bin/sh', ['-c', `exec 3<&0; (${work}) <&3 & echo $!; wait`]);
  const child = Number((await once(shim.stdout, 'data'))[0]);
  t.after(() => {
    process.kill(child, 'SIGKILL');
    shim.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  mkdirSync(join(dir, 'attempts'));
  const stat = readFileSync(`/proc/${shim.pid}/stat`, 'utf8');
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const groups = Object.entries(dirs).map(([aspect, path]) => `\tdir=${aspect}:${path}`);
  const record = `start\t${attempt}\tshim=${shim.pid}\tshimstart=${started}${groups.join('')}\ntask\t${attempt}\tpid=${child}\n`;
  writeFileSync(recordPath(join(dir, 'attempts'), attempt), record);
  const site = { driver: 'unprivileged', watchdog: true, notes: [], terms: noTerms } as const;
  const where = { attemptsDir: join(dir, 'attempts'), site, freezer: undefined };
  const uses = new TaskUses(new LiveTasks(where, () => {}));
  const doWork = async (): Promise<void> => {
    shim.stdin.write('go\n');
    await once(shim.stdout, 'data');
  };
  return { uses, doWork };
}

test('where no cgroup counts it, the processes of the tree are asked', options, async (t) => {
  const { uses, doWork } = await scene(t);
  const before = uses.of(attempt)!;
  assert.ok(before.memory! > 100_000 && before.memory! < 100 * 1024 ** 2, `${before.memory} bytes`);
  const began = performance.now();
  await doWork();
  const tookUs = (performance.now() - began) * 1_000;
  const used = uses.of(attempt)!.cpuUs! - before.cpuUs!;
  // In ticks of 10 ms.
  assert.ok(used > 0 && used <= tookUs + 20_000, `${used} of ${tookUs} µs`);
});

test('a cgroup knows better', options, async (t) => {
  const v2 = mkdtempSync(join(tmpdir(), 'berth-v2-'));
  t.after(() => rmSync(v2, { recursive: true }));
  writeFileSync(join(v2, 'cpu.stat'), 'usage_usec 1234567\nuser_usec 1\n');
  writeFileSync(join(v2, 'memory.current'), '4096000\n');
  const { uses } = await scene(t, { all: v2 });
  assert.deepEqual(uses.of(attempt), { cpuUs: 1_234_567, memory: 4_096_000 });
});

test('so does cpuacct of v1, where it is mounted with cpu', options, async (t) => {
  const v1 = mkdtempSync(join(tmpdir(), 'berth-v1-'));
  t.after(() => rmSync(v1, { recursive: true }));
  writeFileSync(join(v1, 'cpuacct.usage'), '7000999\n');
  writeFileSync(join(v1, 'memory.usage_in_bytes'), '8192\n');
  const { uses } = await scene(t, { cpu: v1, memory: v1 });
  assert.deepEqual(uses.of(attempt), { cpuUs: 7_000, memory: 8_192 });
});

test('nothing is known of what does not run', options, async (t) => {
  const { uses } = await scene(t);
  assert.equal(uses.of('1.a.1.1' as AttemptId), undefined);
});
