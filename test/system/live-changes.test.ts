import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
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

test(
  'a quota that is adjusted holds the task from then on, and is read back',
  options,
  async (t) => {
    const id = await submit({ name: 'burner', run: burn, resources: { cpu: 0.2, memory: '64Mi' } });
    const { pid } = await look(id);
    const before = await share(pid!, 2_000);
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
    const afterwards = await share(pid!, 2_000);
    t.diagnostic(`${before.toFixed(3)} of a CPU before, ${afterwards.toFixed(3)} after`);
    assert.ok(before <= 0.22 && afterwards <= 0.65 && afterwards > before * 1.3);
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    assert.equal(
      stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16],
      '5',
      'nice, as the kernel has it',
    );
    await berth('cancel', id);
    await eventually(async () => (await look(id)).state === 'ended', 'it ends');
    const { enforced } = await look(id);
    assert.equal(enforced?.driver, 'cgroup-v1');
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
