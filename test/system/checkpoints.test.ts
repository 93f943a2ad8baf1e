import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type WorkloadDocument, workloadSchema } from '../../src/api/contract/documents.ts';
import { runBerth } from '../builders/berth-cli.ts';
import { up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const options = { skip: skipSystem, timeout: 120_000 };
const scratch = scratchState();
const { state } = scratch;

before(
  async () => {
    if (skipSystem === false) await up(state);
  },
  { timeout: 60_000 },
);

const berth = async (...args: string[]) => {
  const done = await runBerth([...args, '--json', '--state', state]);
  assert.equal(done.code, 0, `${args.join(' ')}: ${done.stderr}`);
  return JSON.parse(done.stdout);
};

async function show(id: string): Promise<WorkloadDocument> {
  const { url } = JSON.parse(readFileSync(join(state, 'daemon.json'), 'utf8'));
  const authorization = `Bearer ${readFileSync(join(state, 'token'), 'utf8').trim()}`;
  const answer = await fetch(`${url}/api/v1/workloads/${id}`, { headers: { authorization } });
  return workloadSchema.parse(await answer.json());
}

async function eventually(test: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await test()); tries++) {
    assert.ok(tries < 400, what);
    await wait(50);
  }
}

/** Counts to 60, ten a second; on USR1 it saves where it is and ends, and begins there the next time. */
const counter = `exec perl -e '
  $| = 1;
  my ($dir, $n) = ($ENV{BERTH_CHECKPOINT_DIR}, 0);
  if ($ENV{BERTH_RESUMED}) { open my $f, "<", "$dir/n" or die; $n = <$f> + 0; print "resumed at $n\\n" }
  $SIG{USR1} = sub { open my $f, ">", "$dir/n" or die; print $f $n; close $f; print "saved $n\\n"; exit 75 };
  while ($n < 60) { select undef, undef, undef, 0.1; $n++ }
  print "counted to $n\\n"'`;

const logOf = (attempt: string): string =>
  readFileSync(join(state, 'attempts', attempt, 'stdout.log'), 'utf8');

test(
  'a spot notice: a real task saves its count, is stopped in time, and goes on there',
  options,
  async (t) => {
    const file = scratch.write(
      'count.json',
      JSON.stringify({
        name: 'count',
        run: counter,
        resources: { cpu: 0.1, memory: '32Mi' },
        checkpoint: { signal: 'SIGUSR1', timeout: '10s' },
      }),
    );
    const { id } = await berth('submit', file);
    await eventually(
      async () => (await show(id)).steps[0]!.attempts[0]?.state === 'running',
      'runs',
    );
    await wait(1_500);
    const noticedAt = performance.now();
    writeFileSync(join(state, 'spot-notice'), '6s\n');
    await eventually(
      async () => (await show(id)).steps[0]!.attempts[0]!.state === 'ended',
      'stops',
    );
    const stoppedMs = performance.now() - noticedAt;
    assert.ok(stoppedMs < 6_000, `${stoppedMs} ms`);
    const [first] = (await show(id)).steps[0]!.attempts;
    // It ended by itself with exit code 75, and had no retry to lose.
    assert.equal(first!.cause, 'preempted');
    assert.equal(first!.exit_code, 75);
    assert.match(first!.message!, /^Spot notice: \S+ is taken away\./);
    const saved = Number(/^saved (\d+)$/m.exec(logOf(first!.id))![1]);
    assert.ok(saved >= 5 && saved < 60, `${saved}`);
    // The machine was not taken away after all: it takes tasks again.
    await eventually(async () => (await show(id)).status === 'succeeded', 'it ends well');
    const second = (await show(id)).steps[0]!.attempts.at(-1)!;
    assert.match(logOf(second.id), new RegExp(`^resumed at ${saved}\\ncounted to 60\\n$`));
    t.diagnostic(`saved at ${saved}, ${Math.round(stoppedMs)} ms after the notice`);
  },
);

test('a command saves the work beside the task, also from time to time', options, async () => {
  const file = scratch.write(
    'beside.json',
    JSON.stringify({
      name: 'beside',
      run: 'exec sleep 600',
      resources: { cpu: 0.1, memory: '32Mi' },
      checkpoint: {
        command: ['/bin/sh', '-c', 'echo x >> "$BERTH_CHECKPOINT_DIR/times"'],
        every: '1s',
        timeout: '5s',
      },
    }),
  );
  const { id } = await berth('submit', file);
  const times = join(state, 'work', id, 'checkpoints', 'beside.0', 'times');
  const count = () => (existsSync(times) ? readFileSync(times, 'utf8').split('\n').length - 1 : 0);
  await eventually(() => count() >= 2, 'it is asked every second');
  await berth('cancel', id);
  await eventually(async () => (await show(id)).status === 'cancelled', 'it ends');
});
