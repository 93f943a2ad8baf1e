import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandResult } from '../../src/cli/command.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';
import { describeError, printResult } from '../../src/cli/printer.ts';
import { registry } from '../../src/cli/registry.ts';
import { attempt, ended, step, tasks, workload } from './documents.ts';
import { TestDaemon } from './test-daemon.ts';
import { type TestWorld, testWorld } from './test-world.ts';

const bounded = { timeout: 20_000 };
const running = () => workload('running', [step('a', 'running', { attempts: [attempt('a.0.1')] })]);
const done = () => workload('succeeded', [step('a', 'succeeded', { attempts: [ended('a.0.1')] })]);
const failed = () =>
  workload('failed', [
    step('a', 'failed', { attempts: [ended('a.0.1', { cause: 'failed', exit_code: 3 })] }),
  ]);
const cancelled = () => workload('cancelled', [step('a', 'cancelled')]);

interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

function worldOf(line: string, daemon: TestDaemon, options: { isTerminal?: boolean } = {}) {
  const parsed = parseCommandLine(line.split(' '), registry);
  assert.ok(parsed.kind === 'command');
  const world = testWorld({ ...parsed.flags, state: daemon.stateDir }, options);
  const ran = async (): Promise<Ran> => {
    let result: CommandResult;
    try {
      result = await parsed.command.run(parsed.operands, parsed.values, world);
      await printResult(world.terminal, result, world.settings.json.value);
    } catch (error) {
      const { document, exit } = describeError(error);
      return {
        exit,
        out: world.out.text,
        err: `${world.err.text}${document.detail}|${document.hint}`,
      };
    }
    return { exit: result.exit, out: world.out.text, err: world.err.text };
  };
  return { world, ran };
}

const run = (line: string, daemon: TestDaemon): Promise<Ran> => worldOf(line, daemon).ran();

const endings = { succeeded: done, failed, cancelled };
const exits = { succeeded: 0, failed: 1, cancelled: 4 };
for (const [state, document] of Object.entries(endings)) {
  const exit = exits[state as keyof typeof exits];
  test(
    `run of what ends ${state} exits ${exit}, with the document or the table on stdout alone`,
    bounded,
    async () => {
      await using daemon = await TestDaemon.open();
      daemon.onSubmit = () => daemon.workloads.set('12', document());
      const shown = await run('run job.yaml', daemon);
      assert.equal(shown.exit, exit);
      assert.match(shown.out, /quickstart \(12\)/);
      assert.match(shown.err, /^berth: warning: a warning$/m);
      const json = await run('run job.yaml --json', daemon);
      assert.equal(json.exit, exit);
      assert.deepEqual(JSON.parse(json.out), document());
      const waited = await run('wait 12 --json', daemon);
      assert.deepEqual([waited.exit, waited.out], [json.exit, json.out]);
    },
  );
}

test(
  'run logs a line per change where it cannot redraw, and nothing when quiet',
  bounded,
  async () => {
    await using daemon = await TestDaemon.open();
    daemon.onSubmit = () => daemon.workloads.set('12', done());
    assert.match(
      (await run('run job.yaml', daemon)).err,
      /^berth: 12\.a\.0\.1: succeeded after 10s$/m,
    );
    assert.equal((await run('run job.yaml --quiet', daemon)).err, '');
  },
);

test('run redraws on a terminal, and leaves only the table', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const { world, ending } = await watched(daemon, true);
  daemon.change(done());
  assert.equal((await ending).exit, 0);
  assert.ok(
    world.err.text.endsWith('\u001b[2A\u001b[J'),
    JSON.stringify(world.err.text.slice(-80)),
  );
});

test('a document that is not valid is not sent', bounded, async () => {
  await using daemon = await TestDaemon.open();
  for (const command of ['run', 'submit']) {
    const { exit, err } = await run(`${command} bad.yaml`, daemon);
    assert.equal(exit, 2);
    assert.match(err, /^bad\.yaml is not valid:\n\nf:1:1 error\n\|Nothing was submitted\.$/);
  }
  assert.deepEqual(daemon.submitted, []);
});

test('check exits 2 when one of its documents is not valid, and names each', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const { exit, out } = await run('check good.yaml bad.yaml --json', daemon);
  assert.equal(exit, 2);
  const { valid, files } = JSON.parse(out);
  assert.equal(valid, false);
  assert.deepEqual(
    files.map((file: { file: string; valid: boolean }) => [file.file, file.valid]),
    [
      ['good.yaml', true],
      ['bad.yaml', false],
    ],
  );
  assert.equal((await run('check good.yaml', daemon)).out, 'good.yaml: valid\n');
});

test('submit prints the id alone', bounded, async () => {
  await using daemon = await TestDaemon.open();
  assert.equal((await run('submit job.yaml', daemon)).out, '12\n');
  assert.deepEqual(JSON.parse((await run('submit job.yaml --json', daemon)).out), {
    id: '12',
    name: 'quickstart',
    warnings: ['a warning'],
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** A run that is being watched, and what happens to it on cancel. */
async function watched(daemon: TestDaemon, isTerminal: boolean) {
  daemon.onSubmit = () => daemon.workloads.set('12', running());
  daemon.onCancel = () => daemon.change(cancelled());
  const { world, ran } = worldOf('run job.yaml', daemon, { isTerminal });
  const ending = ran();
  await until(() => world.err.text.includes(isTerminal ? '▶ a' : 'started'));
  return { world, ending };
}

const answers: Record<
  string,
  { act: (world: TestWorld) => void; exit: number; cancelled: boolean; says: RegExp }
> = {
  'd detaches': { act: (w) => w.press('d'), exit: 130, cancelled: false, says: /It goes on as 12/ },
  'c cancels': { act: (w) => w.press('c'), exit: 130, cancelled: true, says: /Cancelling 12/ },
  'Ctrl-C again cancels': {
    act: (w) => w.press('\u0003'),
    exit: 130,
    cancelled: true,
    says: /Cancelling 12/,
  },
  'SIGINT again cancels': {
    act: (w) => w.interrupt(),
    exit: 130,
    cancelled: true,
    says: /Cancelling 12/,
  },
};
for (const [name, tc] of Object.entries(answers)) {
  test(`Ctrl-C on a terminal asks: ${name}`, bounded, async () => {
    await using daemon = await TestDaemon.open();
    const { world, ending } = await watched(daemon, true);
    world.interrupt();
    assert.match(world.err.text, /\[d\]etach: it goes on {3}\[c\]ancel it {3}\[k\]eep watching/);
    tc.act(world);
    const { exit, err } = await ending;
    assert.equal(exit, tc.exit);
    assert.match(err, tc.says);
    assert.equal(daemon.requests.includes('POST /api/v1/workloads/12/cancel'), tc.cancelled);
  });
}

test('Ctrl-C on a terminal asks: k keeps watching', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const { world, ending } = await watched(daemon, true);
  world.interrupt();
  world.press('x');
  world.press('k');
  await until(() => !world.err.text.slice(world.err.text.lastIndexOf('▶ a')).includes('[k]eep'));
  daemon.change(done());
  assert.equal((await ending).exit, 0);
});

test('a workload that ends while the question stands ends the run', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const { world, ending } = await watched(daemon, true);
  world.interrupt();
  daemon.change(done());
  assert.equal((await ending).exit, 0);
});

test('a third Ctrl-C stops waiting for what does not end', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const { world, ending } = await watched(daemon, true);
  daemon.onCancel = () => undefined;
  world.interrupt();
  world.interrupt();
  world.interrupt();
  const { exit, err } = await ending;
  assert.equal(exit, 130);
  assert.match(err, /Not waiting any longer for 12/);
});

test('where nobody can be asked, Ctrl-C leaves the workload to the daemon', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const { world, ending } = await watched(daemon, false);
  world.interrupt('SIGTERM');
  const { exit, out, err } = await ending;
  assert.equal(exit, 130);
  assert.equal(out, '');
  assert.match(err, /It goes on as 12: `berth wait 12`/);
  assert.ok(!daemon.requests.includes('POST /api/v1/workloads/12/cancel'));
});

test('wait for several: one document, the worst exit code', bounded, async () => {
  await using daemon = await TestDaemon.open();
  daemon.workloads.set('12', done());
  daemon.workloads.set('13', { ...failed(), id: '13' });
  const { exit, out } = await run('wait 12 13 --json', daemon);
  assert.equal(exit, 1);
  assert.deepEqual(
    JSON.parse(out).workloads.map((one: { id: string }) => one.id),
    ['12', '13'],
  );
});

test('wait gives up at its timeout with exit code 75', bounded, async () => {
  await using daemon = await TestDaemon.open();
  daemon.workloads.set('12', running());
  const { exit, err } = await run('wait 12 --timeout 200ms', daemon);
  assert.equal(exit, 75);
  assert.match(err, /Not ended within 200ms: 12\./);
});

const missing: Record<string, RegExp> = {
  'why 13': /There is no workload "13"\.\|Did you mean 12 \(quickstart\)\?/,
  'cancel 99': /There is no workload "99"\.\|The newest is 12 \(quickstart\)/,
  'wait quickstart':
    /There is no workload "quickstart"\.\|Did you mean 12 \(quickstart\)\? Workloads are named by id\./,
  'logs quikstart': /Did you mean 12/,
  'logs 12.b': /Workload 12 has no step "b"\.\|(Did you mean 12\.a\?|Its steps: a\.)/,
};
for (const [line, want] of Object.entries(missing)) {
  test(`berth ${line} says what was probably meant`, bounded, async () => {
    await using daemon = await TestDaemon.open();
    daemon.workloads.set('12', running());
    const { exit, err } = await run(line, daemon);
    assert.equal(exit, 66);
    assert.match(err, want);
  });
}

function withLogs(daemon: TestDaemon): void {
  daemon.workloads.set(
    '12',
    workload('succeeded', [
      step('a', 'succeeded', {
        tasks: tasks({ succeeded: 2 }),
        attempts: [
          ended('a.0.1', { cause: 'failed', exit_code: 1 }),
          ended('a.1.1'),
          ended('a.0.2'),
        ],
      }),
    ]),
  );
  daemon.logs.set('12.a.0.1/stdout', { text: 'first try\n', ended: true });
  daemon.logs.set('12.a.0.2/stdout', { text: 'one\ntwo\nthree', ended: true });
  daemon.logs.set('12.a.1.1/stdout', { text: 'other\n', ended: true });
  daemon.logs.set('12.a.0.2/stderr', { text: '', ended: true });
}

const reads: Record<string, { out: string; note?: RegExp }> = {
  'logs 12.a.0.1': { out: 'first try\n' },
  'logs 12.a.0.2': { out: 'one\ntwo\nthree' },
  'logs 12.a.0.2 -f': { out: 'one\ntwo\nthree' },
  'logs 12.a.0.2 --tail 2': { out: 'two\nthree' },
  'logs 12.a.0.2 --tail 0': { out: '', note: /Nothing on stdout/ },
  'logs 12.a.0.2 --tail 9': { out: 'one\ntwo\nthree' },
  'logs 12.a.0.1 --tail 1': { out: 'first try\n' },
  'logs 12.a.0.2 --stderr': { out: '' },
  'logs 12': { out: 'a.1.1 | other\na.0.2 | one\na.0.2 | two\na.0.2 | three\n' },
  'logs 12.a': { out: 'a.1.1 | other\na.0.2 | one\na.0.2 | two\na.0.2 | three\n' },
};
for (const [line, { out: want, note }] of Object.entries(reads)) {
  test(`berth ${line}`, bounded, async () => {
    await using daemon = await TestDaemon.open();
    withLogs(daemon);
    const { exit, out, err } = await run(line, daemon);
    assert.equal(exit, 0);
    assert.equal(out, want);
    if (note !== undefined) assert.match(err, note);
  });
}

test('logs -f of a workload reads the attempts that start later, too', bounded, async () => {
  await using daemon = await TestDaemon.open();
  daemon.workloads.set('12', running());
  daemon.logs.set('12.a.0.1/stdout', { text: 'first\n', ended: true });
  daemon.logs.set('12.a.0.2/stdout', { text: 'second\n', ended: true });
  const { world, ran } = worldOf('logs 12 -f', daemon);
  const ending = ran();
  await until(() => world.out.text.includes('first'));
  daemon.change(
    workload('succeeded', [step('a', 'succeeded', { attempts: [ended('a.0.1'), ended('a.0.2')] })]),
  );
  assert.equal((await ending).exit, 0);
  assert.equal(world.out.text, 'first\nsecond\n');
});

test('logs -f reads an attempt that ended before anybody heard of its start', bounded, async () => {
  await using daemon = await TestDaemon.open();
  daemon.logs.set('12.a.0.1/stdout', { text: 'short\n', ended: true });
  const attempts = [ended('a.0.1', { started_at: null, wall_ms: 3 })];
  daemon.workloads.set('12', workload('succeeded', [step('a', 'succeeded', { attempts })]));
  assert.equal((await run('logs 12 -f', daemon)).out, 'short\n');
  assert.equal((await run('logs 12', daemon)).out, 'short\n');
});

test('logs --json is one document, and one per line with -f', bounded, async () => {
  await using daemon = await TestDaemon.open();
  withLogs(daemon);
  const { logs } = JSON.parse((await run('logs 12.a.0.2 --json', daemon)).out);
  assert.deepEqual(
    logs.map((chunk: { text: string }) => chunk.text),
    ['one\ntwo\nthree'],
  );
  const lines = (await run('logs 12.a.0.2 --json -f', daemon)).out.trimEnd().split('\n');
  assert.equal(lines.map((line) => JSON.parse(line).text).join(''), 'one\ntwo\nthree');
});

test('a log longer than one answer is read to its end', bounded, async () => {
  await using daemon = await TestDaemon.open();
  withLogs(daemon);
  const text = 'x'.repeat(1_023).concat('\n').repeat(1_000);
  daemon.logs.set('12.a.0.2/stdout', { text, ended: true });
  assert.equal((await run('logs 12.a.0.2', daemon)).out, text);
});

test('down says what goes on running, and --cancel leaves nothing', bounded, async () => {
  await using daemon = await TestDaemon.open();
  daemon.workloads.set('12', running());
  daemon.onCancel = () => daemon.workloads.set('12', cancelled());
  const { exit, out } = await run('down', daemon);
  assert.equal(exit, 0);
  assert.match(
    out,
    /1 workload goes on running under the launcher: 12\.\nTo stop it: `berth up -d && berth down --cancel`/,
  );
  const { out: json } = await run('down --cancel --json', daemon);
  assert.deepEqual(JSON.parse(json), { ended: true, pid: process.pid, going_on: [] });
  assert.equal(daemon.requests.filter((request) => request.endsWith('/shutdown')).length, 2);
});

test('up -d refuses a second daemon with the pid of the first', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const { exit, err } = await run('up -d', daemon);
  assert.equal(exit, 75);
  assert.match(err, new RegExp(`A daemon already owns .*: pid ${process.pid}`));
});

test('the lists and documents of a daemon, as JSON', bounded, async () => {
  await using daemon = await TestDaemon.open();
  daemon.workloads.set('12', running());
  const json = async (line: string) => JSON.parse((await run(`${line} --json`, daemon)).out);
  assert.equal((await json('ps')).total, 1);
  assert.deepEqual(await json('status'), daemon.status());
  assert.equal((await json('why 12')).id, '12');
  assert.deepEqual(await json('cancel 12'), { cancelled: ['12'] });
  assert.deepEqual(Object.keys(await json('top')), ['status', 'nodes', 'usage', 'workloads']);
});
