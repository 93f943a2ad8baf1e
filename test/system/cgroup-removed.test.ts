import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { milliCpu, spanMs } from '../../src/base/units.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { id, MIB, Rig, until } from '../execution/rig.ts';

const options = { skip: skipSystem, timeout: 60_000 };
const limits = { cpu: milliCpu(500), pids: 32 };

/** What tidies up too much: moves the processes of a cgroup to the one above ours, or to our own, and removes it. */
function remove(cgroup: string): void {
  // A hybrid host's second hierarchy has one only for tasks that ask what only it can tell.
  if (!existsSync(cgroup)) return;
  const procs = join(cgroup, 'cgroup.procs');
  for (let text = readFileSync(procs, 'utf8'); text !== ''; text = readFileSync(procs, 'utf8')) {
    for (const pid of text.trim().split('\n')) moveUp(cgroup, pid);
  }
  rmdirSync(cgroup);
}

/** In v2 a cgroup that gives controllers to those below it has no processes: there, ours stands for it. */
function above(cgroup: string): string {
  const up = dirname(dirname(cgroup));
  const given = join(up, 'cgroup.subtree_control');
  if (!existsSync(given) || readFileSync(given, 'utf8').trim() === '') return up;
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))![1]!;
  return join('/sys/fs/cgroup', own);
}

/** One that has ended since it was read is gone already. */
function moveUp(cgroup: string, pid: string): void {
  try {
    writeFileSync(join(above(cgroup), 'cgroup.procs'), pid);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

test(
  'the cgroups of a running task are removed: it goes on, ends, and its end says what did not hold',
  options,
  async (t) => {
    const rig = await new Rig(t, { enforcement: 'auto' }).open();
    const go = join(rig.stateDir, 'go');
    rig.start(1, {
      run: `echo up; until [ -e ${go} ]; do sleep 0.05; done; sleep 60 & exit 4`,
      memoryLimit: 64 * MIB,
      limits,
    });
    await rig.printed(1, 'up');
    const parents = rig.cgroups();
    assert.ok(parents.length > 0);
    for (const parent of parents) remove(join(parent, id(1)));
    writeFileSync(go, '');
    const end = await rig.ended(1);
    assert.deepEqual([end.cause, end.exitCode], ['failed', 4]);
    const { cpu, memory, pids, notes } = end.enforced;
    assert.deepEqual([cpu, memory, pids], ['none', 'none', 'none']);
    assert.match(notes.join('; '), /its cgroup was removed while it ran/);
    assert.deepEqual(rig.taskPids(), [], 'its child is found without them');
    t.diagnostic(`${parents.length} of ${parents.length} removed cgroups survived`);
  },
);

test(
  'a task whose cgroups are removed is still stopped with all that it began',
  options,
  async (t) => {
    const rig = await new Rig(t, { enforcement: 'auto' }).open();
    rig.start(1, {
      run: 'trap "" TERM; (trap "" TERM; sleep 60) & setsid sleep 60 & echo up; wait',
      memoryLimit: 64 * MIB,
      limits,
    });
    await rig.printed(1, 'up');
    for (const parent of rig.cgroups()) remove(join(parent, id(1)));
    rig.driver.stop(id(1), 'cancelled', spanMs(100));
    assert.equal((await rig.ended(1)).cause, 'cancelled');
    assert.deepEqual(rig.taskPids(), []);
  },
);

test(
  'our parent cgroups are removed between tasks: the next task makes them anew, and is held',
  options,
  async (t) => {
    const rig = await new Rig(t, { enforcement: 'auto' }).open();
    const ask = { run: ['true'], memoryLimit: 64 * MIB, limits };
    const before = (await rig.run(1, ask)).enforced;
    const ROUNDS = 5;
    for (let round = 2; round < 2 + ROUNDS; round++) {
      for (const parent of rig.cgroups()) {
        // The last attempt's own go when its shim has told its end.
        await until('an empty parent', () => folders(parent).length === 0 || undefined);
        rmdirSync(parent);
      }
      const end = await rig.run(round, ask);
      assert.equal(end.cause, 'succeeded');
      assert.deepEqual(end.enforced, before);
    }
    assert.ok(rig.cgroups().every((parent) => existsSync(parent)) && rig.cgroups().length > 0);
    t.diagnostic(`${ROUNDS} of ${ROUNDS} removals of the parents survived`);
  },
);

const folders = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
