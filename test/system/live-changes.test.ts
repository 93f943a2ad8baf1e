import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type WorkloadDocument, workloadSchema } from '../../src/api/contract/documents.ts';
import { runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const options = { skip: skipSystem, timeout: 120_000 };
const scratch = scratchState();
const { state } = scratch;
let daemon: Awaited<ReturnType<typeof up>> | undefined;

before(
  async () => {
    if (skipSystem === false) daemon = await up(state);
  },
  { timeout: 60_000 },
);

const burn = 'exec perl -e \'$| = 1; while (1) { 1 for 1 .. 100_000; print "." }\'';

const berth = async (...args: string[]) => {
  const done = await runBerth([...args, '--json', '--state', state]);
  assert.equal(done.code, 0, `${args.join(' ')}: ${done.stderr}`);
  return JSON.parse(done.stdout);
};

async function submit(document: object): Promise<string> {
  const file = scratch.write('job.json', JSON.stringify(document));
  const { id } = await berth('submit', file);
  await eventually(async () => (await look(id)).state === 'running', 'it runs');
  return id;
}

const show = async (id: string): Promise<WorkloadDocument> => {
  const { workloads } = await berth('ps', '--all');
  assert.ok(workloads.some((one: { id: string }) => one.id === id));
  const socket = JSON.parse(readFileSync(join(state, 'daemon.json'), 'utf8')).url;
  const token = readFileSync(join(state, 'token'), 'utf8').trim();
  const answer = await fetch(`${socket}/api/v1/workloads/${id}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return workloadSchema.parse(await answer.json());
};

const look = async (id: string) => (await show(id)).steps[0]!.attempts.at(-1)!;

async function eventually(test: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await test()); tries++) {
    assert.ok(tries < 200, what);
    await wait(50);
  }
}

/** CPU milliseconds of a process, of the kernel's ticks of 10 ms (proc(5)). */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Part of a CPU that it gets, over some time. */
async function share(pid: number, overMs: number): Promise<number> {
  const [from, began] = [cpuMs(pid), performance.now()];
  await wait(overMs);
  return (cpuMs(pid) - from) / (performance.now() - began);
}

/** Counters of its cgroup, where v1 or v2 has them. */
function throttling(pid: number): { readonly periods: number; readonly throttled: number } {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const at = (name: RegExp) =>
    lines
      .find((line) => name.test(line))
      ?.split(':')
      .at(-1);
  const v1 = at(/:cpu(,\w+)*:|,cpu(,\w+)*:/);
  const dir = v1 === undefined ? `/sys/fs/cgroup${at(/^0::/)}` : `/sys/fs/cgroup/cpu${v1}`;
  const stat = readFileSync(`${dir}/cpu.stat`, 'utf8');
  const count = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)![1]);
  return { periods: count('nr_periods'), throttled: count('nr_throttled') };
}

function memoryLimit(pid: number): number {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const own = lines
    .find((line) => line.includes(':memory:'))
    ?.split(':')
    .at(-1);
  if (own === undefined) {
    const all = lines.find((line) => line.startsWith('0::'))!.slice(3);
    return Number(readFileSync(`/sys/fs/cgroup${all}/memory.max`, 'utf8'));
  }
  return Number(readFileSync(`/sys/fs/cgroup/memory${own}/memory.limit_in_bytes`, 'utf8'));
}

/** Within 5 % of its quota; below that only where others had the CPU, so that it could not use its quota up. */
async function holdsTo(t: TestContext, pid: number, quota: number): Promise<void> {
  const before = throttling(pid);
  const got = await share(pid, 4_000);
  const after = throttling(pid);
  const full = (after.throttled - before.throttled) / (after.periods - before.periods);
  t.diagnostic(
    `${got.toFixed(3)} of a CPU, quota ${quota}, used up in ${full.toFixed(2)} of periods`,
  );
  assert.ok(got <= quota * 1.05, `${got} of a CPU, quota ${quota}`);
  assert.ok(got >= quota * 0.95 || full < 0.95, `${got} of a CPU, quota ${quota}`);
}

test(
  'a quota that is adjusted holds the task from then on, and is read back',
  options,
  async (t) => {
    const id = await submit({ name: 'burner', run: burn, resources: { cpu: 0.2, memory: '64Mi' } });
    const { pid } = await look(id);
    await holdsTo(t, pid!, 0.2);
    await berth('adjust', id, '--cpu', '0.6', '--memory', '96Mi', '--pids', '50', '--nice', '5');
    await eventually(
      async () => ((await look(id)).terms ?? []).length >= 4,
      'what held is reported',
    );
    const { terms = [], cpu_milli, memory_limit_bytes } = await look(id);
    assert.deepEqual(
      terms.map(({ term, by }) => `${term}:${by}`).sort(),
      ['cpu:kernel', 'memory:kernel', 'nice:kernel', 'pids:kernel'],
      JSON.stringify(terms),
    );
    assert.deepEqual([cpu_milli, memory_limit_bytes], [600, 96 * 1024 ** 2]);
    await holdsTo(t, pid!, 0.6);
    await berth('adjust', id, '--cpu', '0.3');
    await eventually(async () => (await look(id)).cpu_milli === 300, 'it is decided');
    await wait(500);
    await holdsTo(t, pid!, 0.3);
    assert.equal(memoryLimit(pid!), 96 * 1024 ** 2, 'as the kernel has it');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    assert.equal(
      stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16],
      '5',
      'nice, as the kernel has it',
    );
    await berth('cancel', id);
    await eventually(async () => (await look(id)).state === 'ended', 'it ends');
    const { enforced } = await look(id);
    const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
    assert.equal(enforced?.driver, unified ? 'cgroup-v2' : 'cgroup-v1');
  },
);

test(
  'what is paused gets no CPU, stays so when the daemon is killed, and goes on',
  options,
  async (t) => {
    const id = await submit({
      name: 'sleeper',
      run: `perl -e 'fork; 1 while 1' & ${burn}`,
      resources: { cpu: 0.5, memory: '64Mi' },
    });
    const { pid } = await look(id);
    await berth('pause', id);
    await eventually(async () => (await look(id)).terms !== undefined, 'the pause is reported');
    assert.equal((await look(id)).state, 'paused');
    t.diagnostic((await look(id)).terms![0]!.note);
    assert.equal(await share(pid!, 1_000), 0, 'to 0 CPU');
    const { workloads } = await berth('ps');
    assert.match(workloads.find((one: { id: string }) => one.id === id).reason, /^paused by /);
    await kill(daemon!);
    daemon = await up(state);
    assert.equal((await look(id)).state, 'paused');
    assert.equal(await share(pid!, 500), 0);
    await berth('resume', id);
    await eventually(async () => (await share(pid!, 200)) > 0, 'it goes on');
    await berth('pause', id);
    await eventually(async () => (await share(pid!, 200)) === 0, 'it stands still again');
    await berth('cancel', id);
    await eventually(
      async () => (await look(id)).state === 'ended',
      'a stop reaches what is paused',
    );
    assert.equal((await look(id)).cause, 'cancelled');
  },
);

test('the time limit of what is paused runs on, and ends it', options, async () => {
  const id = await submit({
    name: 'timed',
    run: burn,
    resources: { cpu: 0.2, memory: '64Mi' },
    resource_limits: { timeout: '3s', grace_period: '1s' },
  });
  await berth('pause', id);
  await eventually(async () => (await look(id)).state === 'ended', 'it ends');
  assert.equal((await look(id)).cause, 'timed-out');
});

test('the time limit of what is paused ends it also while no daemon runs', options, async () => {
  const id = await submit({
    name: 'alone',
    run: burn,
    resources: { cpu: 0.2, memory: '64Mi' },
    resource_limits: { timeout: '4s', grace_period: '1s' },
  });
  await berth('pause', id);
  const { pid } = await look(id);
  await eventually(async () => (await share(pid!, 100)) === 0, 'it stands still');
  await kill(daemon!);
  await eventually(() => !existsSync(`/proc/${pid}`), 'its shim ends it');
  daemon = await up(state);
  await eventually(async () => (await look(id)).state === 'ended', 'the end is found');
  assert.equal((await look(id)).cause, 'timed-out');
});

test('what waits starts in the order of priorities that were changed', options, async () => {
  const all = availableParallelism();
  const job = (name: string) => ({
    name,
    run: 'exec sleep 0.2',
    resources: { cpu: all, memory: '16Mi' },
  });
  const first = await submit({ ...job('first'), run: 'exec sleep 600' });
  const waiting: string[] = [];
  for (const name of ['second', 'third']) {
    waiting.push((await berth('submit', scratch.write('job.json', JSON.stringify(job(name))))).id);
  }
  await berth('adjust', waiting[1]!, '--priority', '50');
  await berth('cancel', first);
  await eventually(
    async () =>
      (await Promise.all(waiting.map(show))).every(({ status }) => status === 'succeeded'),
    'both run',
  );
  const [second, third] = await Promise.all(waiting.map(async (id) => (await look(id)).placed_at));
  assert.ok(third! < second!, `${third} before ${second}`);
});

const twoCpus = availableParallelism() < 2 ? 'needs two CPUs' : skipSystem;

test('a task with cores of its own runs on those that it is adjusted to', {
  ...options,
  skip: twoCpus,
}, async (t) => {
  const id = await submit({
    name: 'pinned',
    run: 'exec sleep 600',
    resources: { cpu: 1, memory: '16Mi' },
    process: { cores: 'exclusive' },
  });
  const allowed = async () => {
    const status = readFileSync(`/proc/${(await look(id)).pid}/status`, 'utf8');
    return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)![1];
  };
  assert.match((await allowed())!, /^\d+$/);
  await berth('adjust', id, '--cpu', '2');
  await eventually(async () => /[-,]/.test((await allowed())!), 'it has two');
  const { cores, terms } = await look(id);
  assert.equal(cores?.length, 2);
  const held = terms!.find(({ term }) => term === 'cores')!;
  assert.deepEqual([held.by, held.note], ['kernel', `CPUs ${await allowed()}`]);
  t.diagnostic(held.note);
  await berth('adjust', id, '--cpu', '1');
  await eventually(async () => /^\d+$/.test((await allowed())!), 'it has one again');
  await berth('cancel', id);
  await eventually(async () => (await look(id)).state === 'ended', 'it ends');
});
