import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type WorkloadDocument, workloadSchema } from '../../src/api/contract/documents.ts';
import { runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const options = { skip: skipSystem, timeout: 120_000 };
const scratch = scratchState();
const { state } = scratch;
const MIB = 1024 ** 2;
/** What the load would take, in steps, and what there is: its kernel kills beyond that. */
const LOAD_MIB = 900;
const LIMIT_MIB = 700;

const berth = async (...args: string[]) => {
  const done = await runBerth([...args, '--json', '--state', state]);
  assert.equal(done.code, 0, `${args.join(' ')}: ${done.stderr}`);
  return JSON.parse(done.stdout);
};

async function attempts(id: string): Promise<WorkloadDocument['steps'][number]['attempts']> {
  const { url } = JSON.parse(readFileSync(join(state, 'daemon.json'), 'utf8'));
  const authorization = `Bearer ${readFileSync(join(state, 'token'), 'utf8').trim()}`;
  const answer = await fetch(`${url}/api/v1/workloads/${id}`, { headers: { authorization } });
  return workloadSchema.parse(await answer.json()).steps[0]!.attempts;
}

async function eventually(test: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await test()); tries++) {
    assert.ok(tries < 300, what);
    await wait(100);
  }
}

/** The cgroup that all tasks of this daemon are in. */
function parentOf(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const v1 = lines
    .find((line) => line.includes(':memory:'))
    ?.split(':')
    .at(-1);
  const own = v1 ?? lines.find((line) => line.startsWith('0::'))!.slice(3);
  const parent = dirname(`/sys/fs/cgroup${v1 === undefined ? '' : '/memory'}${own}`);
  assert.match(parent, /\/berth-[0-9a-f]{8}$/);
  return parent;
}

const kernelKills = (): number =>
  Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))![1]);

/** Takes memory in steps, and keeps it. */
const hog = `exec perl -e 'my @kept; for (1 .. ${LOAD_MIB / 50}) { push @kept, "x" x (50 << 20); select undef, undef, undef, 0.1 } sleep 600'`;

test(
  'a real load that fills what there is is evicted before the kernel kills, and who asked for his memory stays',
  options,
  async (t) => {
    const threshold = 'memory > 60%';
    const classes = {
      burstable: { eviction_threshold: threshold },
      best_effort: { eviction_threshold: threshold },
    };
    const site = scratch.write('site.json', JSON.stringify({ qos: { classes, settle: '5s' } }));
    const up = await runBerth(['up', '-d', '--port', '0', '--state', state, '--site', site]);
    assert.equal(up.code, 0, up.stderr);
    const kills = kernelKills();
    const submit = async (document: object): Promise<string> =>
      (await berth('submit', scratch.write('job.json', JSON.stringify(document)))).id;
    const guaranteed = await submit({
      name: 'guaranteed',
      run: `exec perl -e '$x = "x" x (40 << 20); sleep 600'`,
      resources: { cpu: 0.1, memory: '200Mi' },
    });
    const modest = await submit({
      name: 'modest',
      run: 'exec sleep 600',
      resources: { cpu: 0.1, memory: { request: '64Mi' } },
    });
    await eventually(async () => (await attempts(guaranteed))[0]?.pid != null, 'it runs');
    const parent = parentOf((await attempts(guaranteed))[0]!.pid!);
    const file = existsSync(`${parent}/memory.max`) ? 'memory.max' : 'memory.limit_in_bytes';
    writeFileSync(`${parent}/${file}`, `${LIMIT_MIB * MIB}`);
    const greedy = await submit({
      name: 'greedy',
      run: hog,
      resources: { cpu: 0.1, memory: { request: '64Mi' } },
    });
    await eventually(async () => (await attempts(greedy))[0]?.state === 'ended', 'it is evicted');
    const [first] = await attempts(greedy);
    assert.equal(first!.cause, 'preempted');
    assert.match(first!.message!, /^Evicted from \S+ \(memory > [\d.]+% for burstable\)/);
    t.diagnostic(`${threshold}: ${first!.message} with ${first!.memory_peak_bytes! / MIB} MiB`);
    assert.ok(first!.memory_peak_bytes! < LIMIT_MIB * MIB, 'before it had taken all');
    for (const other of [guaranteed, modest]) {
      assert.equal((await attempts(other))[0]!.state, 'running', 'nobody else has to go');
    }
    assert.equal(kernelKills(), kills, 'the kernel killed nobody');
    for (const id of [greedy, modest, guaranteed]) await berth('cancel', id);
    await eventually(
      async () => (await attempts(greedy)).every((one) => one.state === 'ended'),
      'all end',
    );
  },
);
