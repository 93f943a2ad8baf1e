import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../../src/base/prng.ts';
import { berth } from '../builders/berth-cli.ts';
import { kill, spawnDaemon, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const KILLS = 12;
const TASKS = 3_000;
const seed = Number(process.env['SEED'] ?? 7);

test(`the daemon is killed ${KILLS} times while ${TASKS} short tasks stand in line; each runs once`, {
  skip: skipSystem,
  timeout: 240_000,
}, async (t) => {
  const { dir, state } = scratchState(t);
  const witness = join(dir, 'witness');
  const prng = new Prng(seed);
  let daemon: ChildProcess | undefined;
  try {
    writeFileSync(witness, '');
    const run = `echo $BERTH_TASK_INDEX >> ${witness}`;
    const job = { name: 'line', run, count: TASKS, resources: { cpu: 1, memory: '32Mi' } };
    writeFileSync(join(dir, 'job.json'), JSON.stringify(job));
    daemon = await up(state);
    const { id } = await berth(state, 'submit', join(dir, 'job.json'));
    for (let i = 0; i < KILLS; i++) {
      await delay(prng.between(200, 900));
      await kill(daemon);
      daemon = spawnDaemon(state);
    }
    await kill(daemon);
    daemon = await up(state);
    const ended = await berth(state, 'wait', String(id));
    const ran = readFileSync(witness, 'utf8').trim().split('\n').map(Number);
    assert.equal(ended.status, 'succeeded');
    assert.equal(new Set(ran).size, TASKS, 'every task ran');
    assert.equal(ran.length, TASKS, 'none ran twice');
  } finally {
    if (daemon !== undefined) await kill(daemon);
  }
});
