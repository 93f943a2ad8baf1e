import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { berth } from '../builders/berth-cli.ts';
import { errorsOf, kill, spawnDaemon, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { assertSurvived, begun, survivors } from '../builders/survivors.ts';
import { skipSystem } from '../builders/system-suite.ts';

const KILLS = 100;
const TASKS = 50;
const seed = Number(process.env['SEED'] ?? 7);

test(`the daemon is killed ${KILLS} times during ${TASKS} tasks; each ends once, with its true cause`, {
  skip: skipSystem,
  timeout: 540_000,
}, async (t) => {
  const { dir, state } = scratchState(t);
  const witness = join(dir, 'witness');
  const prng = new Prng(seed);
  let daemon: ChildProcess | undefined;
  try {
    writeFileSync(witness, '');
    writeFileSync(
      join(dir, 'job.json'),
      survivors({ tasks: TASKS, witness, cpu: availableParallelism() / 4 }),
    );
    daemon = await up(state);
    const { id } = await berth(state, 'submit', join(dir, 'job.json'));
    let killedWhileRunning = 0;
    for (let i = 0; i < KILLS; i++) {
      await kill(daemon);
      daemon = spawnDaemon(state);
      const child = daemon;
      // Somewhere in its start, its recovery, or its life after it.
      await delay(prng.between(0, 900));
      assert.equal(child.exitCode, null, `runs until it is killed (${i}): ${errorsOf(child)}`);
      if (begun(witness) < TASKS) killedWhileRunning++;
    }
    await kill(daemon);
    daemon = await up(state);
    const ended = await berth(state, 'wait', String(id));
    assertSurvived(state, ended, witness);
    assert.ok(
      killedWhileRunning > KILLS / 2,
      `${killedWhileRunning} kills came while tasks waited`,
    );
  } finally {
    if (daemon !== undefined) await kill(daemon);
  }
});

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
