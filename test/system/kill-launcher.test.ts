import assert from 'node:assert/strict';
import { readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../../src/base/prng.ts';
import { berth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { leftoversOf } from '../builders/leftovers.ts';
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

test(
  'after a reboot what ran is lost, and is retried where that is asked for',
  options,
  async (t) => {
    const scratch = scratchState(t);
    const { state } = scratch;
    let daemon = await up(state);
    const document = {
      name: 'rebooted',
      steps: [true, false].map((again) => ({
        id: again ? 'again' : 'once',
        run: 'echo "try $BERTH_ATTEMPT"; test "$BERTH_ATTEMPT" = 2 || sleep 600',
        retry: { max_retries: again ? 1 : 0, backoff: '100ms' },
        resources: { cpu: 0.2, memory: '32Mi' },
      })),
    };
    const { id } = await berth(
      state,
      'submit',
      scratch.write('job.json', JSON.stringify(document)),
    );
    const records = ['again', 'once'].map((step) =>
      join(state, 'attempts', `${id}.${step}.0.1.record`),
    );
    for (const record of records) await until(() => /^task\t/m.test(readText(record)));
    await kill(daemon);
    await endEverything(state);
    // A reboot leaves the files as they are, and another boot id in the kernel.
    for (const record of records) {
      const text = readText(record);
      assert.match(text, /\tboot=[0-9a-f-]{36}\t/);
      const older = text.replace(/\tboot=[^\t]+/, '\tboot=00000000-0000-4000-8000-000000000000');
      writeFileSync(record, older);
    }
    daemon = await up(state);
    const ended = await berth(state, 'wait', String(id));
    // biome-ignore lint/suspicious/noExplicitAny: the assertions are about its shape.
    const causes = ended.steps.map((step: any) => step.attempts.map((a: any) => a.cause));
    assert.deepEqual(causes, [['lost', 'succeeded'], ['lost']]);
    assert.match(ended.steps[1].attempts[0].message, /rebooted/);
    assert.equal(ended.status, 'failed');
    await berth(state, 'down');
    await kill(daemon);
  },
);

/** What the power switch does: every process at once, and with them the cgroups. */
async function endEverything(state: string): Promise<void> {
  await until(() => {
    const left = leftoversOf(state);
    for (const line of left) {
      const pid = Number(/^process (\d+)/.exec(line)?.[1]);
      if (pid > 0) signal(pid);
      const cgroup = /^cgroup (.*)$/.exec(line)?.[1];
      if (cgroup !== undefined) remove(cgroup);
    }
    return left.length === 0;
  });
}

function remove(cgroup: string): void {
  try {
    rmdirSync(cgroup);
  } catch {
    // Not empty yet: its turn comes again.
  }
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

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 400, 'within 40 s');
    await delay(100);
  }
}
