import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { spanMs } from '../../src/base/units.ts';
import { berth } from '../builders/berth-cli.ts';
import { kill as killDaemon, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { id, isRunning, MIB, Rig, until } from '../execution/rig.ts';

const FREEZER = '/sys/fs/cgroup/freezer';
const skip =
  skipSystem || (existsSync(`${FREEZER}/cgroup.procs`) ? false : 'needs the freezer of cgroup v1');
const options = { skip, timeout: 90_000 };

/** Of cgroup v1: what is frozen takes no signal, as in an uninterruptible wait. */
function freezer(t: TestContext) {
  const dir = `${FREEZER}/berth-test-${process.pid}`;
  mkdirSync(dir, { recursive: true });
  const set = (state: string): void => writeFileSync(join(dir, 'freezer.state'), state);
  const thaw = (): void => set('THAWED');
  t.after(async () => {
    if (!existsSync(dir)) return;
    thaw();
    await until('an empty freezer', () => pidsIn(dir).length === 0 || undefined);
    rmdirSync(dir);
  });
  return {
    thaw,
    freeze: async (pid: number) => {
      writeFileSync(join(dir, 'cgroup.procs'), `${pid}`);
      set('FROZEN');
      await until(
        'it to be stuck',
        () => readFileSync(join(dir, 'freezer.state'), 'utf8').startsWith('FROZEN') || undefined,
      );
    },
  };
}

const pidsIn = (dir: string): number[] =>
  readFileSync(join(dir, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);

for (const enforcement of ['auto', 'unprivileged'] as const) {
  test(
    `${enforcement}: a task that cannot be killed has not ended; when it can be, it ends for why it was stopped`,
    options,
    async (t) => {
      const { freeze, thaw } = freezer(t);
      const rig = await new Rig(t, { enforcement }).open();
      rig.start(1, { run: ['sleep', '60'], memoryLimit: 64 * MIB });
      const pid = await rig.started(1);
      await freeze(pid);
      rig.driver.stop(id(1), 'cancelled', spanMs(100));
      // Meanwhile others go on, under this launcher.
      for (let n = 2; n < 12; n++)
        assert.equal((await rig.run(n, { run: ['true'] })).cause, 'succeeded');
      await delay(1_000);
      assert.ok(isRunning(pid));
      assert.equal(
        rig.reports.some((r) => r.kind === 'ended' && r.attempt === id(1)),
        false,
      );
      thaw();
      const end = await rig.ended(1);
      assert.deepEqual([end.cause, isRunning(pid)], ['cancelled', false]);
      t.diagnostic('1 of 1 stuck tasks survived');
    },
  );

  test(
    `${enforcement}: a child that cannot be killed holds up the end of its task for ten seconds, and is told of`,
    options,
    async (t) => {
      const { freeze, thaw } = freezer(t);
      const rig = await new Rig(t, { enforcement }).open();
      const go = join(rig.stateDir, 'go');
      const run = `sleep 61 & echo "$!;"; until [ -e ${go} ]; do sleep 0.05; done; exit 6`;
      rig.start(1, { run, memoryLimit: 64 * MIB });
      await rig.printed(1, ';');
      const child = Number.parseInt(rig.log(1), 10);
      await freeze(child);
      writeFileSync(go, '');
      const began = performance.now();
      const end = await rig.ended(1);
      const tookMs = performance.now() - began;
      assert.ok(tookMs > 8_000, `${tookMs} ms`);
      assert.deepEqual([end.cause, end.exitCode], ['failed', 6]);
      assert.match(end.message ?? '', /1 process could not be killed/);
      assert.equal((await rig.run(2, { run: ['true'] })).cause, 'succeeded');
      thaw();
      await until('the child to be gone', () => !isRunning(child) || undefined);
      // What could not be removed then is removed at the next start.
      rig.driver.settle(id(1));
      await rig.close();
      await rig.open();
      assert.ok(rig.cgroups().every((parent) => !existsSync(join(parent, id(1)))));
      t.diagnostic('1 of 1 stuck children survived');
    },
  );
}

test('what a stuck task holds is given to nobody until it is gone', options, async (t) => {
  const { freeze, thaw } = freezer(t);
  const scratch = scratchState(t);
  const { state } = scratch;
  const daemon = await up(state);
  t.after(() => killDaemon(daemon));
  // More than half of the machine: two do not fit.
  const cpu = availableParallelism() * 0.6;
  const job = (name: string, run: string) =>
    scratch.write(
      `${name}.json`,
      JSON.stringify({ name, run, resources: { cpu, memory: '32Mi' } }),
    );
  const { id: stuck } = await berth(state, 'submit', job('stuck', 'exec sleep 600'));
  const record = join(state, 'attempts', `${stuck}.stuck.0.1.record`);
  const pid = await until('its start', () => {
    const text = existsSync(record) ? readFileSync(record, 'utf8') : '';
    return Number(/^task\t[^\t]+\tpid=(\d+)/m.exec(text)?.[1]) || undefined;
  });
  await freeze(pid);
  await berth(state, 'cancel', stuck);
  const { id: next } = await berth(state, 'submit', job('next', 'true'));
  await delay(3_000);
  const shown = (await berth(state, 'ps')).workloads;
  const stateOf = (wanted: string) => shown.find((w: { id: string }) => w.id === wanted)?.status;
  assert.deepEqual([stateOf(stuck), stateOf(next)], ['running', 'waiting'], JSON.stringify(shown));
  thaw();
  assert.equal((await berth(state, 'wait', next)).status, 'succeeded');
  assert.equal((await berth(state, 'wait', stuck)).status, 'cancelled');
});
