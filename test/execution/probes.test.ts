import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { after, test } from 'node:test';
import { ProbeRunner, type ProbeVerdict } from '../../src/execution/io/local/probe-runner.ts';
import { tryProbe } from '../../src/execution/io/local/try-probe.ts';
import type { AttemptId } from '../../src/model/ids.ts';
import type { ResolvedCheck } from '../../src/runtime/probe-target.ts';
import { probe, span } from '../builders/service.ts';

const attemptId = '1.web.0.1' as AttemptId;
const env = { PATH: process.env['PATH'] ?? '', WORD: 'yes', BERTH_ATTEMPT_ID: attemptId };
/** Stands for the task: programs are run where it is. */
const task = spawn('sleep', ['120'], { env, cwd: '/', stdio: 'ignore' });
after(() => task.kill('SIGKILL'));
const target = { attempt: attemptId, pid: task.pid!, env, cwd: '/' };

const tried = (check: ResolvedCheck, timeoutMs = 10_000) =>
  tryProbe(check, target, { timeoutMs, signal: new AbortController().signal });

test('a probe over HTTP succeeds with 200 to 399', async () => {
  const server = createHttpServer((asked, answer) => {
    answer.statusCode = Number(asked.url!.slice(1));
    answer.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    for (const [status, ok] of [
      [200, true],
      [302, true],
      [404, false],
      [503, false],
    ] as const) {
      const result = await tried({ kind: 'http', port, path: `/${status}` });
      assert.deepEqual(result, { ok, detail: `HTTP ${status}` });
    }
  } finally {
    server.close();
  }
});

test('a probe over TCP succeeds when the port takes a connection', async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  assert.equal((await tried({ kind: 'tcp', port })).ok, true);
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(await tried({ kind: 'tcp', port }), { ok: false, detail: 'ECONNREFUSED' });
});

test('a program is run as the task would be, and tells why it fails', async () => {
  const run = (script: string, timeoutMs?: number) =>
    tried({ kind: 'exec', argv: ['sh', '-c', script] }, timeoutMs);
  assert.equal((await run('test "$WORD" = yes && test "$PWD" = /')).ok, true);
  assert.deepEqual(await run('echo too old >&2; exit 3'), {
    ok: false,
    detail: 'exit code 3 too old',
  });
  assert.equal((await tried({ kind: 'exec', argv: ['/no/such/program'] })).ok, false);
});

test('a program is not run in the place of a stranger, nor when the task is gone', async () => {
  const check = { kind: 'exec', argv: ['true'] } as const;
  const at = (pid: number) =>
    tryProbe(
      check,
      { ...target, pid },
      { timeoutMs: 10_000, signal: new AbortController().signal },
    );
  const stranger = await at(process.pid);
  assert.equal(stranger.ok, false);
  assert.match(stranger.detail, /is not of 1\.web\.0\.1/);
  assert.match((await at(4_194_303)).detail, /has not begun, or has ended|is not of/);
});

test('a try that takes too long has failed, and leaves nothing that runs', async () => {
  const began = performance.now();
  const result = await tried({ kind: 'exec', argv: ['sh', '-c', 'sleep 60; true'] }, 300);
  assert.deepEqual(result, { ok: false, detail: 'no answer within 300 ms' });
  assert.ok(performance.now() - began < 20_000);
});

test('a verdict is told once it has come as often in a row as it takes, and when it changes', async () => {
  const answers = [500, 200, 500, 200, 200, 200, 500, 500, 200, 200];
  const server = createHttpServer((_, answer) => {
    answer.statusCode = answers.shift() ?? 200;
    answer.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const verdicts: ProbeVerdict[] = [];
  const third = Promise.withResolvers<void>();
  const runner = new ProbeRunner({
    now: () => 0,
    onVerdict: (verdict) => {
      verdicts.push(verdict);
      if (verdicts.length === 3) third.resolve();
    },
  });
  const check = { kind: 'http', port, path: '/' } as const;
  const spec = { ...probe, check, everyMs: span(5), timeoutMs: span(10_000) };
  const probes = [{ kind: 'readiness', spec: { ...spec, failures: 2, successes: 2 } }] as const;
  runner.watch(attemptId, { ...target, startedAt: 0 as never, probes });
  try {
    await third.promise;
    assert.deepEqual(
      verdicts.map(({ ok, detail }) => [ok, detail]),
      [
        [true, 'HTTP 200'],
        [false, 'HTTP 500'],
        [true, 'HTTP 200'],
      ],
    );
  } finally {
    runner.close();
    server.close();
  }
});
