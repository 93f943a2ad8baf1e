import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../../src/base/prng.ts';
import { berth } from '../builders/berth-cli.ts';
import { kill, spawnDaemon, up } from '../builders/daemon-process.ts';
import { type Scratch, scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const KILLS = 12;
const TASKS = 3_000;
const seed = Number(process.env['SEED'] ?? 7);
const options = { skip: skipSystem, timeout: 240_000 };

type Victim = 'daemon' | 'launcher' | 'shim';

const cases: Record<string, { victims: readonly Victim[] }> = {
  'the daemon is': { victims: ['daemon'] },
  'the launcher is': { victims: ['launcher'] },
  'daemon and launcher are': { victims: ['daemon', 'launcher'] },
  // One of its forks: what holds a line, what begins its tasks, or a task that has not become its program yet.
  'a shim is': { victims: ['shim'] },
  'daemon, launcher and a shim are': { victims: ['daemon', 'launcher', 'shim'] },
};

for (const [who, { victims }] of Object.entries(cases)) {
  test(
    `${who} killed ${KILLS} times while ${TASKS} short tasks stand in line; each runs, and again only where it was lost`,
    options,
    async (t) => {
      const scratch = scratchState(t);
      const { dir, state } = scratch;
      const witness = join(dir, 'witness');
      const prng = new Prng(seed);
      let daemon = await up(state);
      try {
        const id = await submitted(scratch, witness);
        const killed = { daemon: 0, launcher: 0, shim: 0 };
        for (let i = 0; i < KILLS; i++) {
          await delay(prng.between(100, 700));
          for (const victim of victims) {
            if (victim === 'daemon') {
              await kill(daemon);
              killed.daemon++;
              continue;
            }
            const pids = victim === 'launcher' ? [launcherOf(state)] : shimsOf(state);
            const pid = pids[prng.below(Math.max(1, pids.length))];
            if (pid !== undefined && signal(pid)) killed[victim]++;
          }
          if (victims.includes('daemon')) daemon = spawnDaemon(state);
        }
        if (victims.includes('daemon')) await kill(daemon);
        if (victims.includes('daemon')) daemon = await up(state);
        const ended = await berth(state, 'wait', id);
        assert.equal(ended.status, 'succeeded');
        const causes: string[] = ended.steps[0].attempts.map((a: { cause: string }) => a.cause);
        const lost = causes.filter((cause) => cause === 'lost').length;
        const ran = readFileSync(witness, 'utf8').trim().split('\n').map(Number);
        assert.equal(new Set(ran).size, TASKS, 'every task ran');
        assert.ok(
          ran.length - TASKS <= lost,
          `${ran.length - TASKS} ran twice, ${lost} were lost: ${twice(ran)}`,
        );
        assert.ok(lost <= killed.shim, `no more are lost than shims were killed: ${lost}`);
        assert.equal(causes.filter((cause) => cause === 'succeeded').length, TASKS);
        assert.deepEqual(unsettled(state), [], 'every attempt is settled');
        assert.ok(
          victims.every((victim) => killed[victim] > 0),
          JSON.stringify(killed),
        );
        t.diagnostic(
          `${JSON.stringify(killed)} killed and survived by ${TASKS} tasks, ${lost} of them lost and tried again (seed ${seed})`,
        );
        await berth(state, 'down');
      } finally {
        await kill(daemon);
      }
    },
  );
}

/** Who ran more often than once, and in which lines of the witness. */
function twice(ran: readonly number[]): string {
  const lines = Map.groupBy(ran.keys(), (line) => ran[line]);
  return JSON.stringify([...lines].filter(([, at]) => at.length > 1));
}

async function submitted(scratch: Scratch, witness: string): Promise<string> {
  writeFileSync(witness, '');
  const job = {
    name: 'line',
    run: `echo $BERTH_TASK_INDEX >> ${witness}`,
    count: TASKS,
    resources: { cpu: 1, memory: '32Mi' },
    retry: { max_retries: 5, backoff: '10ms' },
  };
  const { id } = await berth(
    scratch.state,
    'submit',
    scratch.write('job.json', JSON.stringify(job)),
  );
  return String(id);
}

const launcherOf = (state: string): number | undefined =>
  Number(read(join(state, 'launcher.lock')).trim()) || undefined;

/** Forks of the launcher, and their forks. */
function shimsOf(state: string): number[] {
  const launcher = launcherOf(state);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== launcher)
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes(`launcher.pl\0${state}\0`));
}

function unsettled(state: string): string[] {
  return readdirSync(join(state, 'attempts')).filter((name) => name.endsWith('.record'));
}

function signal(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
