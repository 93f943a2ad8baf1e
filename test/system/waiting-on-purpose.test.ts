import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const small = 'resources: {cpu: 0.1, memory: 32Mi}';
/** Longer than a few commands take on a machine that many share. */
const WAIT_MS = 20_000;

/** Hours that begin in two, as UTC has them now. */
function laterHours(): string {
  const now = new Date();
  const hour = (add: number): string => `${(now.getUTCHours() + add) % 24}:00`;
  return `${hour(2)}-${hour(3)}`;
}

test('a daemon lets work wait for its hours, its like and its batch, and a crash changes nothing', {
  skip: skipSystem,
  timeout: 180_000,
}, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  scratch.write(
    'site.yaml',
    'queues: {default: , batch: {batch_size: 2, processing_interval: 20s}}\n',
  );
  const up = () =>
    runBerth(['up', '-d', '--port', '0', '--json', '--state', state, '--site', 'site.yaml'], {
      cwd: scratch.dir,
    });
  const first = await up();
  assert.equal(first.code, 0, first.stderr);

  const submit = (text: string) =>
    berth(state, 'submit', scratch.write('job.yaml', `run: 'true'\n${small}\n${text}\n`));
  const why = async (id: string) => (await runBerth(['why', id, '--state', state])).stdout;
  const hours = `optimization: {scheduling: {preferred_hours: "${laterHours()}", max_wait_time: 20s, timezone: UTC}}`;
  const night = await submit(hours);
  assert.match(await why(night.id), /waits for its hours, .* UTC, but not for longer/);
  const alike = 'optimization: {batching: {enabled: true, wait_time: 20s}}';
  const [one, two] = [await submit(alike), await submit(alike)];
  assert.match(await why(one.id), /to start together, 2 of 100 are ready/);
  const batch = await submit('queue: batch\ncount: 3');
  assert.match(await why(batch.id), /queue batch starts work in batches.* the next begins at 20/);

  // Killed and started anew in the middle of it.
  const { pid } = await berth(state, 'status');
  process.kill(pid, 'SIGKILL');
  const second = await up();
  assert.equal(second.code, 0, second.stderr);

  const ended = async (id: string) => {
    const workload = await berth(state, 'wait', id);
    assert.equal(workload.status, 'succeeded');
    return workload;
  };
  const placed = ({ steps }: { steps: { attempts: { placed_at: number }[] }[] }): number[] =>
    steps[0]!.attempts.map(({ placed_at }) => placed_at).toSorted();
  const waited = (done: Parameters<typeof placed>[0] & { workload: { submitted_at: number } }) =>
    placed(done)[0]! - done.workload.submitted_at;
  assert.ok(waited(await ended(night.id)) >= WAIT_MS);
  const [a, b] = [await ended(one.id), await ended(two.id)];
  assert.ok(waited(a) >= WAIT_MS);
  assert.equal(placed(a)[0], placed(b)[0], 'in one pass');
  const [x, y, z] = placed(await ended(batch.id));
  assert.equal(y, x, 'two of a batch');
  assert.ok(z! - x! >= WAIT_MS, 'and one of the next');
  await berth(state, 'down');
});
