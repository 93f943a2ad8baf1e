import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type WorkloadDocument, workloadSchema } from '../../src/api/contract/documents.ts';
import { type RunOptions, runBerth, startBerth } from '../builders/berth-cli.ts';
import { leftoversOf } from '../builders/leftovers.ts';
import { type Scratch, scratchState } from '../builders/scratch-state.ts';

const bounded = { timeout: 180_000 };
const small = 'resources: {cpu: 0.25, memory: 64Mi}';

interface Ran {
  readonly code: number | null;
  readonly document: WorkloadDocument;
  readonly stderr: string;
}

/** `berth run --json` without a daemon: stdout is one document of the contract, and nothing else. */
async function run(scratch: Scratch, yaml: string, options: RunOptions = {}): Promise<Ran> {
  const file = scratch.write('work.yaml', yaml);
  const done = await runBerth(['run', file, '--json', '--state', scratch.state], options);
  return { code: done.code, document: documentOf(done.stdout), stderr: done.stderr };
}

function documentOf(stdout: string): WorkloadDocument {
  const document: unknown = JSON.parse(stdout);
  const parsed = workloadSchema.parse(document);
  assert.deepEqual(parsed, document, 'nothing but what the contract says');
  return parsed;
}

const logOf = (scratch: Scratch, attempt: string, stream: 'stdout' | 'stderr' = 'stdout') =>
  readFileSync(join(scratch.state, 'attempts', attempt, `${stream}.log`), 'utf8');

test(
  'a pipeline that succeeds: one document, exit 0, what each attempt used',
  bounded,
  async (t) => {
    const scratch = scratchState(t);
    const { code, document } = await run(
      scratch,
      `name: good
steps:
  - {id: make, run: 'echo 42 > "$BERTH_WORKDIR/answer"', ${small}}
  - {id: read, needs: make, run: 'cat "$BERTH_WORKDIR/answer"', ${small}}
  - {id: sum, needs: [read, make], count: 3, parallel: 1, run: 'echo part $BERTH_TASK_INDEX', ${small}}
`,
    );
    assert.deepEqual([code, document.status, document.id], [0, 'succeeded', '1']);
    assert.deepEqual(
      document.steps.map((step) => [step.id, step.state, step.attempts.length]),
      [
        ['make', 'succeeded', 1],
        ['read', 'succeeded', 1],
        ['sum', 'succeeded', 3],
      ],
    );
    assert.equal(logOf(scratch, '1.read.0.1'), '42\n');
    assert.equal(logOf(scratch, '1.sum.2.1'), 'part 2\n');
    const attempts = document.steps.flatMap((step) => step.attempts);
    for (const attempt of attempts) {
      assert.deepEqual([attempt.cause, attempt.exit_code, attempt.signal], ['succeeded', 0, null]);
      assert.ok(attempt.wall_ms !== null && attempt.wall_ms < 60_000);
      assert.ok(attempt.enforced !== null && attempt.enforced.driver !== 'unknown');
      if (attempt.enforced.memory === 'kernel') assert.ok(attempt.memory_peak_bytes! > 0);
      else assert.ok(attempt.enforced.notes.length > 0, 'says why the kernel does not hold it');
    }
    const [make, read] = document.steps;
    assert.ok(make!.ended_at! <= read!.started_at!, 'a step waits for what it needs');
    const turns = document.steps[2]!.attempts.toSorted((a, b) => a.placed_at - b.placed_at);
    for (const [i, turn] of turns.entries()) {
      if (i > 0)
        assert.ok(turns[i - 1]!.ended_at! <= turn.placed_at, 'parallel: 1 is one at a time');
    }
  },
);

test('a task finds its environment, and only that', bounded, async (t) => {
  const scratch = scratchState(t);
  const sub = join(scratch.dir, 'sub');
  mkdirSync(sub);
  const { code } = await run(
    scratch,
    `name: env
env: {SHARED: one, NUMBER: 12}
steps:
  - {id: here, env: {OWN: 'two words'}, run: 'pwd; env', ${small}}
  - {id: there, cwd: ${sub}, run: [pwd], ${small}}
`,
    { cwd: scratch.dir, env: { LEAKED: 'secret', BERTH_TOKEN: 'secret' } },
  );
  assert.equal(code, 0);
  const [cwd, ...lines] = logOf(scratch, '1.here.0.1').trim().split('\n');
  const env = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s) as [string, string]));
  assert.equal(cwd, scratch.dir, 'the folder that it was submitted from');
  assert.equal(logOf(scratch, '1.there.0.1'), `${sub}\n`);
  const { SHARED, NUMBER, OWN, LEAKED, BERTH_TOKEN } = env;
  assert.deepEqual([SHARED, NUMBER, OWN], ['one', '12', 'two words']);
  assert.deepEqual([LEAKED, BERTH_TOKEN], [undefined, undefined]);
  const wanted: Record<string, string> = {
    BERTH_WORKLOAD: '1',
    BERTH_STEP: 'here',
    BERTH_TASK_INDEX: '0',
    BERTH_TASK_COUNT: '1',
    BERTH_ATTEMPT: '1',
    BERTH_CPUS: '0.25',
    BERTH_MEMORY_BYTES: String(64 * 1024 ** 2),
    BERTH_NODE: process.execPath,
    CUDA_VISIBLE_DEVICES: '',
  };
  for (const [name, value] of Object.entries(wanted)) assert.equal(env[name], value, name);
  assert.ok(env['BERTH_WORKDIR']?.startsWith(scratch.state));
});

test(
  'a job that fails: exit 1, its retries are all there, and what needs it is skipped',
  bounded,
  async (t) => {
    const scratch = scratchState(t);
    const { code, document, stderr } = await run(
      scratch,
      `name: bad
steps:
  - id: bad
    run: 'echo try $BERTH_ATTEMPT >&2; exit 7'
    retry: {max_retries: 2, backoff: 50ms}
    ${small}
  - {id: after, needs: bad, run: 'true', ${small}}
  - {id: crash, run: 'kill -SEGV $$', ${small}}
  - {id: second, run: 'test "$BERTH_ATTEMPT" = 2', retry: {max_retries: 5, backoff: 50ms}, ${small}}
  - {id: absent, run: [/no/such/program], retry: {max_retries: 5}, ${small}}
  - {id: lost-folder, run: 'true', cwd: /no/such/folder, ${small}}
`,
    );
    assert.deepEqual([code, document.status], [1, 'failed']);
    const steps = Object.fromEntries(document.steps.map((step) => [step.id, step]));
    const ends = (id: string) => steps[id]!.attempts.map((a) => [a.cause, a.exit_code, a.signal]);
    assert.deepEqual(ends('bad'), Array(3).fill(['failed', 7, null]));
    assert.equal(logOf(scratch, '1.bad.0.3', 'stderr'), 'try 3\n');
    assert.deepEqual([steps['after']!.state, ends('after')], ['skipped', []]);
    assert.deepEqual(ends('crash'), [['signalled', null, 'SIGSEGV']]);
    assert.deepEqual(ends('second'), [
      ['failed', 1, null],
      ['succeeded', 0, null],
    ]);
    assert.deepEqual(ends('absent'), [['start-failed', null, null]], 'no retry would help');
    assert.match(steps['absent']!.attempts[0]!.message!, /No such file.*\/no\/such\/program/);
    assert.match(steps['lost-folder']!.attempts[0]!.message!, /\/no\/such\/folder.*working folder/);
    assert.match(stderr, /bad.*failed/);
  },
);

test('a time limit ends a whole tree that ignores SIGTERM', bounded, async (t) => {
  const scratch = scratchState(t);
  const { code, document } = await run(
    scratch,
    `name: stubborn
run: |
  trap '' TERM
  (trap '' TERM; exec sleep 600) &
  (setsid sleep 600 &)
  while :; do sleep 0.1; done
resource_limits: {timeout: 1s, grace_period: 300ms}
${small}
`,
  );
  const [attempt] = document.steps[0]!.attempts;
  assert.deepEqual([code, attempt!.cause], [1, 'timed-out']);
  assert.match(attempt!.message!, /longer than its limit of 1 s/);
  assert.ok(attempt!.wall_ms! >= 1_000);
});

test(
  'a task that ends by itself on SIGTERM is timed out all the same, and its log is whole',
  bounded,
  async (t) => {
    const scratch = scratchState(t);
    const { document } = await run(
      scratch,
      `name: polite
run: |
  trap 'echo saved; exit 0' TERM
  echo begun
  while :; do sleep 0.1; done
resource_limits: {timeout: 1s}
${small}
`,
    );
    assert.equal(document.steps[0]!.attempts[0]!.cause, 'timed-out');
    assert.equal(logOf(scratch, '1.polite.0.1'), 'begun\nsaved\n');
  },
);

test('a document on stdin', bounded, async (t) => {
  const scratch = scratchState(t);
  const done = await runBerth(['run', '-', '--json', '--state', scratch.state], {
    stdin: `name: piped\nrun: 'echo hello'\n${small}\n`,
    cwd: scratch.dir,
  });
  const document = documentOf(done.stdout);
  assert.deepEqual([done.code, document.workload.name], [0, 'piped']);
});

test('without --json: a table on stdout, progress on stderr', bounded, async (t) => {
  const scratch = scratchState(t);
  const file = scratch.write('job.yaml', `name: plain\nrun: 'true'\n${small}\n`);
  const done = await runBerth(['run', file, '--state', scratch.state]);
  assert.equal(done.code, 0);
  assert.match(done.stdout, /plain[\s\S]*succeeded/);
  assert.match(done.stderr, /plain/);
  const quiet = await runBerth(['run', file, '--quiet', '--state', scratch.state]);
  assert.deepEqual([quiet.code, quiet.stderr], [0, '']);
});

test(
  'SIGINT on a run of its own cancels all of it, and waits for the end: exit 130',
  bounded,
  async (t) => {
    const scratch = scratchState(t);
    const started = join(scratch.dir, 'started');
    const file = scratch.write(
      'long.yaml',
      `name: long
steps:
  - {id: tree, run: 'sleep 600 & (setsid sleep 600 &) ; touch ${started}; echo up; sleep 600', ${small}}
  - {id: later, needs: tree, run: 'true', ${small}}
`,
    );
    const { child, finished } = startBerth(['run', file, '--json', '--state', scratch.state]);
    await seen(started);
    child.kill('SIGINT');
    const { code, stdout } = await finished;
    const document = documentOf(stdout);
    assert.deepEqual([code, document.status], [130, 'cancelled']);
    assert.deepEqual(
      document.steps.map((step) => [step.state, step.attempts.map((a) => a.cause)]),
      [
        ['cancelled', ['cancelled']],
        ['cancelled', []],
      ],
    );
    const tasks = leftoversOf(scratch.state).filter((line) => line.includes('sleep'));
    assert.deepEqual(tasks, []);
  },
);

test('a signal before the run has begun cancels it all the same', bounded, async (t) => {
  const scratch = scratchState(t);
  const file = scratch.write('early.yaml', `name: early\nrun: 'sleep 600'\n${small}\n`);
  const { child, finished } = startBerth(['run', file, '--json', '--state', scratch.state]);
  // The daemon of the run takes the folder long before it can take the document.
  await seen(join(scratch.state, 'instance'));
  child.kill('SIGTERM');
  const { code, stdout } = await finished;
  assert.deepEqual([code, documentOf(stdout).status], [130, 'cancelled']);
});

test(
  'a second SIGINT does not wait for a task that takes its time, and it ends all the same',
  bounded,
  async (t) => {
    const scratch = scratchState(t);
    const started = join(scratch.dir, 'started');
    const file = scratch.write(
      'slow.yaml',
      `name: slow
run: |
  trap '' TERM INT
  touch ${started}
  while :; do sleep 0.1; done
resource_limits: {grace_period: 4s}
${small}
`,
    );
    const { child, finished, said } = startBerth(['run', file, '--json', '--state', scratch.state]);
    await seen(started);
    child.kill('SIGINT');
    await said(/Cancelling 1/);
    child.kill('SIGINT');
    const { code, stdout } = await finished;
    assert.equal(code, 130);
    assert.equal(documentOf(stdout).steps[0]!.attempts[0]!.state, 'stopping');
    // That nothing is left is looked at when the test ends; the launcher needs no daemon for it.
  },
);

/** Resolves when the file is there. */
async function seen(path: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      readFileSync(path);
      return;
    } catch {
      assert.ok(tries < 600, `${path} appears`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
