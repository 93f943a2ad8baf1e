import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytes, spanMs } from '../../src/base/units.ts';
import type { WantedEnforcement } from '../../src/execution/io/local/confinement-site.ts';
import { readLog } from '../../src/execution/io/local/log-reader.ts';
import type { EndCause } from '../../src/model/attempt.ts';
import { type Ask, id, isRunning, MIB, patience, Rig, until } from './rig.ts';

export const timed = { timeout: 60_000 * patience };

interface EndCase {
  readonly ask: Ask;
  readonly cause: EndCause;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly message?: RegExp;
  readonly stdout?: string | RegExp;
}

const cases: Record<string, EndCase> = {
  'a command that succeeds': { ask: { run: ['true'] }, cause: 'succeeded', exitCode: 0 },
  'an exit code is kept': { ask: { run: 'exit 7' }, cause: 'failed', exitCode: 7 },
  'a signal is named': { ask: { run: 'kill -SEGV $$' }, cause: 'signalled', signal: 'SIGSEGV' },
  'a program that is not there': {
    ask: { run: ['no-such-program', 'x'] },
    cause: 'start-failed',
    message: /^No such file or directory: no-such-program\.$/,
  },
  'a file that is no program': {
    ask: { run: ['/etc/passwd'] },
    cause: 'start-failed',
    message: /^Permission denied: \/etc\/passwd\.$/,
  },
  'a working folder that is not there': {
    ask: { run: ['true'], cwd: '/no/such' },
    cause: 'start-failed',
    message: /^No such file or directory: \/no\/such \(the working folder\)\.$/,
  },
  'a program is looked for in the PATH of the task': {
    ask: { run: ['true'], env: { PATH: '/nowhere' } },
    cause: 'start-failed',
    message: /: true\.$/,
  },
  'a NUL in an argument': {
    ask: { run: ['printf', 'a\0b'] },
    cause: 'start-failed',
    message: /NUL/,
  },
  'a script goes on after a command that fails': {
    ask: { run: 'false\necho on' },
    cause: 'succeeded',
    stdout: 'on\n',
  },
  'arguments arrive as they are': {
    ask: { run: ['printf', '%s|', 'a\tb', 'c\nd', '100%', '%25', '', 'é€😀', 'x=y', "'"] },
    cause: 'succeeded',
    stdout: "a\tb|c\nd|100%|%25||é€😀|x=y|'|",
  },
  'the working folder is the one asked for': {
    ask: { run: ['pwd'], cwd: '/usr' },
    cause: 'succeeded',
    stdout: '/usr\n',
  },
  'standard input is empty': { ask: { run: ['cat'] }, cause: 'succeeded', stdout: '' },
  'no file of ours is open in a task': {
    ask: { run: ['ls', '/proc/self/fd'] },
    cause: 'succeeded',
    stdout: '0\n1\n2\n3\n',
  },
  'no signal is blocked or ignored in a task': {
    ask: { run: ['grep', '-E', 'SigBlk|SigIgn', '/proc/self/status'] },
    cause: 'succeeded',
    stdout: /^SigBlk:\t0+\nSigIgn:\t0+\n$/,
  },
  'a task that closes its output is waited for': {
    ask: { run: 'exec >&- 2>&-; sleep 0.2; exit 3' },
    cause: 'failed',
    exitCode: 3,
  },
  'a task that runs too long': {
    ask: { run: ['sleep', '60'], limits: { wallMs: spanMs(300) } },
    cause: 'timed-out',
    signal: 'SIGTERM',
    message: /longer than its limit of 0\.3 s/,
  },
  'a task that runs too long and ignores SIGTERM, with its children': {
    ask: {
      run: 'trap "" TERM; sleep 60 & setsid sleep 60 & sleep 60',
      limits: { wallMs: spanMs(300), graceMs: spanMs(200) },
    },
    cause: 'timed-out',
    signal: 'SIGKILL',
  },
};

/** What every way of holding tasks must do alike. */
export function driverContract(enforcement: WantedEnforcement): void {
  const options = { enforcement };

  for (const [name, tc] of Object.entries(cases)) {
    test(`${enforcement}: ${name}`, timed, async (t) => {
      const rig = await new Rig(t, options).open();
      const end = await rig.run(1, tc.ask);
      assert.equal(end.cause, tc.cause, JSON.stringify(end));
      if (tc.cause === 'start-failed') assert.equal('exitCode' in end, false);
      if (tc.exitCode !== undefined) assert.equal(end.exitCode, tc.exitCode);
      if (tc.signal !== undefined) assert.equal(end.signal, tc.signal);
      if (tc.message !== undefined) assert.match(end.message ?? '', tc.message);
      if (typeof tc.stdout === 'string') assert.equal(rig.log(1), tc.stdout);
      else if (tc.stdout !== undefined) assert.match(rig.log(1), tc.stdout);
      assert.deepEqual(rig.taskPids(), []);
    });
  }

  test(`${enforcement}: a task sees its own environment only`, timed, async (t) => {
    const rig = await new Rig(t, options).open();
    const env = { PATH: '/usr/bin:/bin', GREETING: 'a=b c\n', EMPTY: '' };
    await rig.run(1, { run: ['/usr/bin/env', '-0'], env });
    const seen = rig.log(1).split('\0').slice(0, -1).sort();
    const marks = [`BERTH_ATTEMPT_ID=${id(1)}`, `BERTH_INSTANCE=${rig.instance()}`];
    assert.deepEqual(seen, [...Object.entries(env).map(([k, v]) => `${k}=${v}`), ...marks].sort());
  });

  test(`${enforcement}: what a task leaves behind does not outlive it`, timed, async (t) => {
    const rig = await new Rig(t, options).open();
    const end = await rig.run(1, {
      run: '(sleep 60 &); setsid sleep 60 & setsid sh -c "sleep 60 & sleep 60" & sleep 0.1; echo done',
    });
    assert.equal(end.cause, 'succeeded');
    assert.equal(rig.log(1), 'done\n');
    assert.deepEqual(rig.taskPids(), []);
  });

  test(`${enforcement}: a stop lets the task finish its work`, timed, async (t) => {
    const rig = await new Rig(t, options).open();
    for (const [n, reason] of [[1, 'cancelled'] as const, [2, 'preempted'] as const]) {
      const run = 'trap "echo saved; exit 0" TERM; echo ready; while :; do sleep 0.02; done';
      rig.start(n, { run });
      await rig.printed(n, 'ready');
      rig.driver.stop(id(n), reason, spanMs(10_000));
      const end = await rig.ended(n);
      assert.equal(end.cause, reason);
      assert.equal(end.exitCode, 0);
      assert.equal(rig.log(n), 'ready\nsaved\n');
    }
    // A shim that was signalled is not used again: the next attempt is not stopped by it.
    assert.equal((await rig.run(3, { run: ['sleep', '0.2'] })).cause, 'succeeded');
  });

  test(`${enforcement}: a stop kills after the grace time`, timed, async (t) => {
    const rig = await new Rig(t, options).open();
    rig.start(1, {
      run: 'trap "" TERM; echo ready; sleep 60',
      limits: { graceMs: spanMs(60_000) },
    });
    await rig.printed(1, 'ready');
    rig.driver.stop(id(1), 'cancelled', spanMs(100));
    const end = await rig.ended(1);
    assert.equal(end.cause, 'cancelled');
    assert.equal(end.signal, 'SIGKILL');
    assert.deepEqual(rig.taskPids(), []);
  });

  test(`${enforcement}: a stop right behind a start is not lost`, timed, async (t) => {
    const rig = await new Rig(t, options).open();
    // The first makes a shim that is kept, so that the second is given to one that waits.
    await rig.run(1, { run: ['true'] });
    for (const n of [2, 3]) {
      rig.start(n, { run: ['sleep', '60'] });
      rig.driver.stop(id(n), 'cancelled', spanMs(100));
      assert.equal((await rig.ended(n)).cause, 'cancelled');
    }
    rig.driver.stop(id(99), 'cancelled', spanMs(100));
  });

  test(`${enforcement}: an attempt is started once however often it is asked`, timed, async (t) => {
    const rig = await new Rig(t, options).open();
    const ask = { run: 'echo begun; sleep 0.3' };
    rig.start(1, ask);
    rig.start(1, ask);
    await rig.started(1);
    rig.start(1, ask);
    await rig.ended(1);
    const before = rig.reports.length;
    rig.start(1, ask);
    await until('the end to be told again', () => rig.reports.length > before || undefined);
    assert.equal(rig.reports.at(-1)?.kind, 'ended');
    rig.driver.settle(id(1));
    rig.start(1, ask);
    assert.equal((await rig.run(2, { run: ['true'] })).cause, 'succeeded');
    assert.equal(rig.log(1), 'begun\n');
    assert.deepEqual(
      (await rig.driver.known()).map((k) => k.attempt),
      [id(2)],
    );
  });

  test(`${enforcement}: a folder that was made and not begun is begun`, timed, async (t) => {
    const rig = await new Rig(t, options).open();
    mkdirSync(join(rig.attemptsDir, id(1)));
    assert.equal((await rig.run(1, { run: ['true'] })).cause, 'succeeded');
  });

  test(
    `${enforcement}: the newest of a large log is kept, and all is counted`,
    timed,
    async (t) => {
      const rig = await new Rig(t, options).open();
      const size = 100 * MIB;
      const run = `head -c ${size - 5} /dev/zero; printf 'last\n'`;
      const end = await rig.run(1, { run, limits: { logBytes: bytes(MIB) } });
      assert.equal(end.usage.logBytes, size);
      const kept = readdirSync(join(rig.attemptsDir, id(1)))
        .filter((name) => name.startsWith('stdout'))
        .reduce((sum, name) => sum + statSync(join(rig.attemptsDir, id(1), name)).size, 0);
      assert.ok(kept <= MIB && kept >= 0.85 * MIB, `kept ${kept}`);
      const request = { attempt: id(1), stream: 'stdout', maxBytes: 4096 } as const;
      const tail = await readLog(rig.attemptsDir, { ...request, from: -10 });
      assert.equal(tail?.text, '\0\0\0\0\0last\n');
      assert.deepEqual([tail.offset, tail.next, tail.ended], [size - 10, size, true]);
      const head = await readLog(rig.attemptsDir, { ...request, from: 0 });
      assert.equal(head?.dropped, size - kept);
      assert.equal(head.offset, size - kept);
      assert.equal(head.ended, false);
    },
  );

  test(`${enforcement}: usage is measured`, timed, async (t) => {
    const rig = await new Rig(t, options).open();
    // It says itself what it used, to the moment: a slow machine takes its time for the memory.
    const busy =
      'my $x = "a" x (64 << 20); 1 while times < 0.4; my ($u, $s) = times; printf "%09d\\n", 1000 * ($u + $s)';
    const end = await rig.run(1, { run: ['perl', '-e', busy] });
    const { wallMs, cpuMs, memoryPeak, logBytes } = end.usage;
    const own = Number(rig.log(1));
    assert.ok(cpuMs !== undefined && cpuMs >= 350, `cpu ${cpuMs}`);
    assert.ok(cpuMs >= own - 50 && cpuMs < 1.3 * own + 250, `cpu ${cpuMs}, ${own} by itself`);
    assert.ok(wallMs !== undefined && wallMs >= 350, `wall ${wallMs}`);
    assert.ok(memoryPeak !== undefined && memoryPeak >= 64 * MIB && memoryPeak < 200 * MIB);
    assert.equal(logBytes, 10);
    // By the same shim: not what the one before it used.
    const small = await rig.run(2, { run: ['true'] });
    assert.ok((small.usage.cpuMs ?? 0) < 200, `cpu ${small.usage.cpuMs}`);
    assert.ok((small.usage.memoryPeak ?? 0) < 64 * MIB);
  });

  test(`${enforcement}: a driver that is closed loses nothing`, timed, async (t) => {
    const rig = await new Rig(t, options).open();
    rig.start(1, { run: ['sleep', '60'] });
    rig.start(2, {
      run: 'echo ready; while [ ! -e "$GO" ]; do sleep 0.02; done; exit 4',
      env: goEnv(rig),
    });
    const pid = await rig.started(1);
    await rig.printed(2, 'ready');
    await rig.close();
    assert.ok(isRunning(pid));
    writeFileSync(goEnv(rig).GO, '');
    await until('an end on disk', () => rig.record(2).includes('\nended\t') || undefined);
    await rig.open();
    const known = await rig.driver.known();
    assert.deepEqual(
      known.map((k) => [k.attempt, k.state]),
      [
        [id(1), 'running'],
        [id(2), 'ended'],
      ],
    );
    assert.ok(known[0]?.state === 'running' && known[0].pid === pid);
    assert.ok(known[1]?.state === 'ended' && known[1].end.exitCode === 4);
    rig.driver.stop(id(1), 'cancelled', spanMs(100));
    assert.equal((await rig.ended(1)).cause, 'cancelled');
    assert.deepEqual(rig.warnings, []);
  });

  test(`${enforcement}: many at once all end, each with its own code`, timed, async (t) => {
    const rig = await new Rig(t, options).open();
    const count = 40;
    for (let n = 0; n < count; n++) rig.start(n, { run: `echo ${n}; exit ${n}` });
    for (let n = 0; n < count; n++) {
      assert.equal((await rig.ended(n)).exitCode, n);
      assert.equal(readFileSync(join(rig.attemptsDir, id(n), 'stdout.log'), 'utf8'), `${n}\n`);
    }
  });
}

const goEnv = (rig: Rig) => ({ PATH: '/usr/bin:/bin', GO: join(rig.stateDir, 'go') });
