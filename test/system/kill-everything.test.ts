import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../../src/base/prng.ts';
import { berth } from '../builders/berth-cli.ts';
import { errorsOf, kill, spawnDaemon, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const ROUNDS = 30;
const TASKS = 30;
const seed = Number(process.env['SEED'] ?? 7);
/** What a round kills; the shims are one that runs, and so its task. */
const targets = [
  'daemon',
  'launcher',
  'shim',
  'daemon launcher',
  'launcher shim',
  'daemon shim launcher',
];

test(`daemon, launcher and shims are killed in ${ROUNDS} rounds during ${TASKS} tasks: each ends once, with its true cause`, {
  skip: skipSystem,
  timeout: 300_000,
}, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  const witness = scratch.write('witness', '');
  const prng = new Prng(seed);
  let daemon = await up(state);
  try {
    await run();
  } finally {
    await kill(daemon);
  }

  async function run(): Promise<void> {
    const { id } = await berth(state, 'submit', scratch.write('job.json', job(witness)));
    const killed = { daemon: 0, launcher: 0, shim: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      await delay(prng.between(20, 500));
      for (const target of targets[round % targets.length]!.split(' ')) {
        if (target === 'daemon') {
          assert.equal(daemon.exitCode, null, `runs until it is killed: ${errorsOf(daemon)}`);
          await kill(daemon);
          killed.daemon++;
        } else {
          const pids = target === 'launcher' ? launchers(state) : shims(state);
          const pid = pids[prng.between(0, Math.max(0, pids.length - 1))];
          if (pid !== undefined && signal(pid))
            killed[target === 'launcher' ? 'launcher' : 'shim']++;
        }
      }
      if (daemon.signalCode !== null) daemon = spawnDaemon(state);
      // Two of three come to live until something else is killed.
      if (round % 3 !== 0) await answers(state, daemon);
    }
    const rounds = `${killed.daemon} daemons, ${killed.launcher} launchers, ${killed.shim} shims`;
    assert.ok(Math.min(killed.daemon, killed.launcher, killed.shim) >= ROUNDS / 6, rounds);
    await kill(daemon);
    daemon = await up(state);
    const ended = await berth(state, 'wait', String(id));
    let lost = 0;
    const ran = readFileSync(witness, 'utf8').trim().split('\n');
    assert.equal(new Set(ran).size, ran.length, 'no attempt ran twice');
    for (const step of ended.steps) {
      const index = Number(step.id.slice(1));
      const [last, ...earlier] = step.attempts.toReversed();
      assert.deepEqual(
        [last.cause, last.exit_code ?? last.signal],
        wanted(index),
        `${last.id}: ${last.message}`,
      );
      // With its shim a task ends, and nobody saw how.
      for (const { cause, id: attempt, message } of earlier) {
        if (cause === 'lost') lost++;
        else assert.equal(cause, wanted(index)[0], `${attempt}: ${message}`);
        assert.notEqual(cause, 'succeeded');
      }
      assert.ok(ran.includes(last.id), `${last.id} ran`);
    }
    assert.ok(lost <= killed.shim + killed.launcher, `${lost} lost, ${rounds}`);
    assert.deepEqual(unsettled(state), [], 'every attempt is settled');
    t.diagnostic(
      `${ROUNDS} of ${ROUNDS} rounds survived: ${rounds} killed, ${lost} attempts lost and tried again (seed ${seed})`,
    );
    await berth(state, 'down');
  }
});

/** It has written where it can be found. */
async function answers(state: string, daemon: ChildProcess): Promise<void> {
  for (let tries = 0; !read(join(state, 'daemon.json')).includes(`"pid":${daemon.pid},`); tries++) {
    assert.ok(tries < 600 && daemon.exitCode === null, errorsOf(daemon));
    await delay(50);
  }
}

function job(witness: string): string {
  const steps = Array.from({ length: TASKS }, (_, i) => ({
    id: `s${i}`,
    run: `echo "$BERTH_ATTEMPT_ID" >> ${witness}; sleep ${2 + (i % 5)}; ${i % 10 === 3 ? 'exit 7' : i % 10 === 6 ? 'kill -SEGV $$' : 'exit 0'}`,
    // What fails by itself is tried as often; the last end is what counts.
    retry: { max_retries: 12, backoff: '50ms', backoff_factor: 1 },
    resources: { cpu: 0.2, memory: '32Mi' },
  }));
  return JSON.stringify({ name: 'survivor', steps });
}

function wanted(index: number): readonly [string, number | string] {
  if (index % 10 === 3) return ['failed', 7];
  return index % 10 === 6 ? ['signalled', 'SIGSEGV'] : ['succeeded', 0];
}

/** By their command line: a shim is a fork of the launcher, and its child or an orphan. */
function launcherLike(state: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes(`launcher.pl\0${state}\0`));
}
const launchers = (state: string): number[] => {
  const pid = Number(read(join(state, 'launcher.lock')).trim());
  return pid > 0 ? [pid] : [];
};
const shims = (state: string): number[] =>
  launcherLike(state).filter((pid) => !launchers(state).includes(pid));

function unsettled(state: string): string[] {
  const attempts = join(state, 'attempts');
  return readdirSync(attempts).filter((name) => name.endsWith('.record'));
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
