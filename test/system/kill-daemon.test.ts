import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { berth, berthProgram } from '../builders/berth-cli.ts';

const KILLS = 100;
const TASKS = 50;
const seed = Number(process.env['SEED'] ?? 7);
const wanted = process.env['BERTH_SUITE'] === 'system' || process.env['BERTH_SUITE'] === 'all';

/** Fifty steps of one task, for a task that fails ends its step. Each leaves a line, so that a second run would show. */
function document(witness: string): string {
  const steps = Array.from({ length: TASKS }, (_, i) => {
    const end = i % 10 === 3 ? 'exit 7' : i % 10 === 6 ? 'kill -SEGV $$' : 'exit 0';
    const script = `echo ${i} >> ${witness}; echo log of ${i}; sleep ${2 + (i % 7)}; ${end}`;
    return { id: `s${i}`, run: script, resources: { cpu: 0.5, memory: '32Mi' } };
  });
  return JSON.stringify({ name: 'survivor', steps });
}

const wantedCause = (index: number): string =>
  index % 10 === 3 ? 'failed' : index % 10 === 6 ? 'signalled' : 'succeeded';

test(`the daemon is killed ${KILLS} times during ${TASKS} tasks; each ends once, with its true cause`, {
  skip: wanted ? false : 'takes minutes: npm test -- --suite system',
  timeout: 540_000,
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-kill-'));
  const witness = join(dir, 'witness');
  const state = join(dir, 'state');
  const prng = new Prng(seed);
  let daemon: ChildProcess | undefined;
  try {
    writeFileSync(witness, '');
    writeFileSync(join(dir, 'job.json'), document(witness));
    daemon = await up(state);
    const { id } = await berth(state, 'submit', join(dir, 'job.json'));
    let killedWhileRunning = 0;
    for (let i = 0; i < KILLS; i++) {
      await kill(daemon);
      daemon = spawnDaemon(state);
      const child = daemon;
      // Somewhere in its start, its recovery, or its life after it.
      await delay(prng.between(0, 900));
      assert.equal(child.exitCode, null, `the daemon runs until it is killed (kill ${i})`);
      const lines = readFileSync(witness, 'utf8').trim().split('\n').length;
      if (lines < TASKS) killedWhileRunning++;
    }
    await kill(daemon);
    daemon = await up(state);
    const ended = await berth(state, 'wait', String(id));
    const attempts = ended.steps.flatMap((step: { attempts: unknown[] }) => step.attempts);
    assert.equal(attempts.length, TASKS, 'one attempt a task');
    for (const attempt of attempts) {
      const index = Number(attempt.task.split('.')[1].slice(1));
      assert.equal(attempt.cause, wantedCause(index), attempt.id);
      const log = readFileSync(join(state, 'attempts', attempt.id, 'stdout.log'), 'utf8');
      assert.equal(log, `log of ${index}\n`);
    }
    const ran = readFileSync(witness, 'utf8').trim().split('\n').sort();
    assert.equal(new Set(ran).size, ran.length, 'no task ran twice');
    assert.equal(ran.length, TASKS);
    assert.ok(
      killedWhileRunning > KILLS / 2,
      `${killedWhileRunning} kills came while tasks waited`,
    );
  } finally {
    if (daemon !== undefined) await kill(daemon);
    const cleaner = await up(state);
    await berth(state, 'down', '--cancel').catch(() => {});
    await kill(cleaner);
    rmSync(dir, { recursive: true, force: true });
  }
});

function spawnDaemon(state: string): ChildProcess {
  const [program, ...args] = berthProgram;
  return spawn(program!, [...args, 'up', '--state', state, '--port', '0'], { stdio: 'ignore' });
}

async function up(state: string): Promise<ChildProcess> {
  const child = spawnDaemon(state);
  for (let tries = 0; ; tries++) {
    const status = await berth(state, 'status').catch(() => undefined);
    if (status?.pid === child.pid) return child;
    assert.ok(tries < 200 && child.exitCode === null, 'the daemon comes up');
    await delay(100);
  }
}

function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  return gone;
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
