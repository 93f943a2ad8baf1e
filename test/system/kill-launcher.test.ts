import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../../src/base/prng.ts';
import { berth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { assertSurvived, survivors } from '../builders/survivors.ts';
import { skipSystem } from '../builders/system-suite.ts';

const TASKS = 20;
const KILLS = 8;
const seed = Number(process.env['SEED'] ?? 7);
const options = { skip: skipSystem, timeout: 240_000 };

for (const withDaemon of [false, true]) {
  const who = withDaemon ? 'daemon and launcher together are' : 'the launcher is';
  test(
    `${who} killed ${KILLS} times during ${TASKS} tasks; each ends once, with its true cause`,
    options,
    async (t) => {
      const scratch = scratchState(t);
      const { state } = scratch;
      const witness = scratch.write('witness', '');
      const prng = new Prng(seed);
      let daemon = await up(state);
      const file = scratch.write('job.json', survivors({ tasks: TASKS, witness, cpu: 0.2 }));
      const { id } = await berth(state, 'submit', file);
      let killed = 0;
      for (let i = 0; i < KILLS; i++) {
        await delay(prng.between(50, 1_200));
        if (withDaemon) {
          const gone = kill(daemon);
          killed += killLauncher(state) ? 1 : 0;
          await gone;
          daemon = await up(state);
        } else {
          killed += killLauncher(state) ? 1 : 0;
        }
      }
      assert.ok(killed >= KILLS / 2, `a launcher was there ${killed} times`);
      assertSurvived(state, await berth(state, 'wait', String(id)), witness);
      await berth(state, 'down');
    },
  );
}

function killLauncher(state: string): boolean {
  const pid = Number(readText(join(state, 'launcher.lock')).trim());
  return pid > 0 && signal(pid);
}

function signal(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
