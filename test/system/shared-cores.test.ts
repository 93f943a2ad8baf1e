import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { runBerth } from '../builders/berth-cli.ts';
import { type Scratch, scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { kill, until } from '../execution/rig.ts';

const two = availableParallelism() === 2 ? false : 'needs two CPUs, and no more';
const options = { skip: skipSystem === false ? two : skipSystem, timeout: 120_000 };
const SAMPLES = 40;

/** Two that burn, and one that goes on making others. */
const busy = 'while :; do :; done & while :; do :; done & while :; do sleep 0.05; done';
const shared = { run: busy, resources: { cpu: 0.5, memory: '64Mi' } };
const pinned = {
  run: 'while :; do :; done',
  resources: { cpu: 1, memory: '32Mi' },
  process: { cores: 'exclusive' },
};

async function berth(state: string, ...args: string[]): Promise<string> {
  const done = await runBerth([...args, '--state', state]);
  assert.equal(done.code, 0, done.stderr);
  return done.stdout;
}

async function submit({ state, write }: Scratch, name: string, job: object): Promise<string> {
  const file = write(`${name}.json`, JSON.stringify({ name, ...job }));
  const { id } = JSON.parse(await berth(state, 'submit', file, '--json'));
  return String(id);
}

/** The group that all processes of the only attempt of a workload are in. */
function groupOf({ state }: Scratch, id: string): string | undefined {
  const [record] = globSync(join(state, 'attempts', `${id}.*.record`));
  const text = record === undefined ? '' : readFileSync(record, 'utf8');
  if (!text.includes('\ntask\t')) return undefined;
  return /\tdir=(?:pids|all):([^\t\n]+)/.exec(text)?.[1];
}

/** Where each of its processes may run, and where it runs; of one that sleeps that is not known. */
function places(group: string): readonly { readonly allowed: string; readonly on?: string }[] {
  const pids = readFileSync(`${group}/cgroup.procs`, 'utf8').split('\n').filter(Boolean);
  return pids.flatMap((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const allowed = /^Cpus_allowed_list:\s*(.+)$/m.exec(status)![1]!;
      const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [{ allowed, ...(words[0] === 'R' && { on: words[36]! }) }];
    } catch {
      return [];
    }
  });
}

const allowed = (group: string): string =>
  [...new Set(places(group).map((one) => one.allowed))].sort().join(' ');

async function start(t: TestContext) {
  const scratch = scratchState(t);
  await berth(scratch.state, 'up', '-d', '--port', '0');
  const began = async (id: string): Promise<string> =>
    until(`start of ${id}`, () => groupOf(scratch, id));
  return { scratch, began };
}

test(
  'who shares cores is moved off those that another gets, and back afterwards',
  options,
  async (t) => {
    const { scratch, began } = await start(t);
    const group = await began(await submit(scratch, 'shared', shared));
    await until('three processes', () => places(group).length >= 3 || undefined);
    assert.equal(allowed(group), '0-1');
    const owner = await submit(scratch, 'pinned', pinned);
    const own = await until('cores of its own', () => {
      const at = groupOf(scratch, owner);
      return at === undefined ? undefined : places(at)[0]?.allowed;
    });
    assert.match(own, /^[01]$/);
    const other = own === '0' ? '1' : '0';
    await until('the others to be moved', () => allowed(group) === other || undefined);
    for (let i = 0; i < SAMPLES; i++) {
      const seen = places(group);
      assert.ok(seen.some(({ on }) => on !== undefined));
      for (const { on = other, allowed } of seen) {
        assert.deepEqual([on, allowed], [other, other]);
      }
      await delay(25);
    }
    await berth(scratch.state, 'cancel', owner);
    await until('the others to be back', () => allowed(group) === '0-1' || undefined);
  },
);

test(
  'a daemon that was killed meanwhile moves them back when it is up again',
  options,
  async (t) => {
    const { scratch, began } = await start(t);
    const { state } = scratch;
    const group = await began(await submit(scratch, 'shared', shared));
    const owner = await submit(scratch, 'pinned', pinned);
    const own = await began(owner);
    await until('it to be in its group', () => places(own).length > 0 || undefined);
    await until('the others to be moved', () => /^[01]$/.test(allowed(group)) || undefined);
    kill(JSON.parse(readFileSync(join(state, 'daemon.json'), 'utf8')).pid);
    for (const pid of readFileSync(`${own}/cgroup.procs`, 'utf8').split('\n').filter(Boolean)) {
      kill(Number(pid));
    }
    await berth(state, 'up', '-d', '--port', '0');
    await until('the others to be back', () => allowed(group) === '0-1' || undefined);
  },
);
