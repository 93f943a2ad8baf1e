import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { berth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { assertSurvived, begun, survivors } from '../builders/survivors.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { isRunning, until } from '../execution/rig.ts';

const MEMORY = '/sys/fs/cgroup/memory';
const skip =
  skipSystem || (existsSync(`${MEMORY}/cgroup.procs`) ? false : 'needs memory of cgroup v1');

/** The kernel's OOM killer takes the process, since another one beside it takes all there is. */
async function starve(t: TestContext, pid: number): Promise<void> {
  const dir = `${MEMORY}/berth-test-${process.pid}`;
  mkdirSync(dir);
  t.after(() => rmdirSync(dir));
  writeFileSync(join(dir, 'memory.limit_in_bytes'), `${400 << 20}`);
  writeFileSync(`/proc/${pid}/oom_score_adj`, '1000');
  writeFileSync(join(dir, 'cgroup.procs'), `${pid}`);
  const grow = 'my @x; for (1 .. 600) { push @x, "x" x (1 << 20) }';
  spawnSync('sh', ['-c', `echo $$ > ${dir}/cgroup.procs; exec perl -e '${grow}'`], {
    timeout: 30_000,
  });
  await until('its death', () => !isRunning(pid) || undefined);
  assert.match(readFileSync(join(dir, 'memory.oom_control'), 'utf8'), /oom_kill [1-9]/);
}

for (const who of ['launcher', 'daemon'] as const) {
  test(`the kernel kills the ${who} for memory: what runs goes on, and nothing is lost`, {
    skip,
    timeout: 90_000,
  }, async (t) => {
    const TASKS = 10;
    const scratch = scratchState(t);
    const { state } = scratch;
    const witness = scratch.write('witness', '');
    let daemon = await up(state);
    try {
      const file = scratch.write('job.json', survivors({ tasks: TASKS, witness, cpu: 0.2 }));
      const { id } = await berth(state, 'submit', file);
      await until('tasks to begin', () => begun(witness) > 2 || undefined);
      await starve(
        t,
        who === 'daemon' ? daemon.pid! : Number(readFileSync(join(state, 'launcher.lock'), 'utf8')),
      );
      if (who === 'daemon') daemon = await up(state);
      assertSurvived(state, await berth(state, 'wait', String(id)), witness);
      await berth(state, 'down');
      t.diagnostic(`1 of 1 OOM kills of the ${who} survived by ${TASKS} tasks`);
    } finally {
      await kill(daemon);
    }
  });
}
