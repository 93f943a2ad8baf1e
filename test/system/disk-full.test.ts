import assert from 'node:assert/strict';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { problemSchema } from '../../src/api/contract/documents.ts';
import { berth, runBerth, startBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

test('the disk fills up in the middle of a run: nothing is lost, and all goes on when there is space', {
  skip: skipSystem,
  timeout: 240_000,
}, async (t) => {
  const scratch = scratchState(t, { tmpfs: 'size=24m' });
  const { dir, state } = scratch;
  assert.equal((await runBerth(['up', '-d', '--port', '0', '--state', state])).code, 0);
  const running = await submit(
    `name: running
run: 'echo begun; until [ -e ${dir}/go ]; do sleep 0.1; done; echo over; exit 7'
resources: {cpu: 0.1, memory: 32Mi}
`,
  );
  await startBerth(['logs', running, '-f', '--state', state]).said(/begun/);

  const ballast = join(state, 'ballast');
  fill(ballast);
  // The log has room in the pages that it has; sooner or later it needs another.
  const accepted: string[] = [];
  const job = `# ${'x'.repeat(200_000)}
name: small
run: 'echo "$BERTH_WORKLOAD" >> ${dir}/witness'
retry: {max_retries: 100, backoff: 300ms, backoff_factor: 1}
resources: {cpu: 0.1, memory: 32Mi}
`;
  let refused = await trySubmit(job);
  for (let tries = 0; refused.code === 0; tries++) {
    accepted.push(JSON.parse(refused.stdout).id);
    assert.ok(tries < 100, 'a full disk takes no more');
    refused = await trySubmit(job);
  }
  assert.equal(refused.code, 74, refused.stderr);
  const problem = problemSchema.parse(JSON.parse(refused.stdout));
  assert.deepEqual([problem.code, problem.status], ['STATE_FULL', 507]);
  assert.match(problem.hint, /Free space/);
  const { journal, pid } = await berth(state, 'status');
  assert.match(journal.stalled, /full/);
  assert.match((await runBerth(['status', '--state', state])).stdout, /cannot be written.*full/s);

  // What runs ends now, and its end cannot be made durable yet.
  scratch.write('go', '');
  await delay(1_000);
  const meanwhile = await berth(state, 'ps');
  const shown = meanwhile.workloads.find((w: { id: string }) => w.id === running);
  assert.equal(shown.status, 'running', 'nothing is said that is not durable');

  rmSync(ballast);
  const ended = await berth(state, 'wait', running);
  const [attempt] = ended.steps[0].attempts;
  assert.deepEqual([attempt.cause, attempt.exit_code], ['failed', 7]);
  for (const id of accepted) assert.equal((await berth(state, 'wait', id)).status, 'succeeded', id);
  const after = await trySubmit(job);
  assert.equal(after.code, 0, after.stderr);
  assert.equal((await berth(state, 'wait', JSON.parse(after.stdout).id)).status, 'succeeded');
  const status = await berth(state, 'status');
  assert.deepEqual([status.journal.stalled, status.pid], [null, pid]);

  async function submit(yaml: string): Promise<string> {
    const done = await trySubmit(yaml);
    assert.equal(done.code, 0, done.stderr);
    return JSON.parse(done.stdout).id;
  }
  function trySubmit(yaml: string) {
    const file = scratch.write('job.yaml', yaml);
    return runBerth(['submit', file, '--json', '--state', state]);
  }
});

/** Writes until there is no space left, not even for one byte. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let size = 1024 ** 2; size >= 1; ) {
      try {
        writeSync(file, Buffer.alloc(size));
      } catch (error) {
        assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC');
        size = size > 1 ? Math.floor(size / 2) : 0;
      }
    }
  } finally {
    closeSync(file);
  }
}
