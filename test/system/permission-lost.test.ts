import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { berthProgram } from '../builders/berth-cli.ts';
import { settledLeftovers } from '../builders/leftovers.ts';
import { skipSystem } from '../builders/system-suite.ts';

const options = { skip: skipSystem, timeout: 120_000 };
/** Anybody who is not root: nobody of Debian. */
const UID = 65_534;

/** A daemon of somebody without rights, on a folder that the test, as root, takes from him. */
async function site(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'berth-test-'));
  chmodSync(dir, 0o755);
  const state = join(dir, 'state');
  mkdirSync(state, { mode: 0o700 });
  chownSync(state, UID, UID);
  const daemon = start(['up', '--port', '0']);
  t.after(async () => {
    chownSync(state, UID, UID);
    await berth('down', '--cancel', '--timeout', '20s');
    daemon.child.kill('SIGKILL');
    await daemon.finished;
    const left = await settledLeftovers(state);
    rmSync(dir, { recursive: true, force: true });
    assert.deepEqual(left, []);
  });
  function start(args: readonly string[]) {
    const [program, ...first] = berthProgram;
    const child: ChildProcess = spawn(program!, [...first, ...args, '--state', state], {
      uid: UID,
      gid: UID,
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: dir, XDG_CONFIG_HOME: '/nonexistent' },
      timeout: 100_000,
      killSignal: 'SIGKILL',
    });
    let said = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    const finished = new Promise<{ code: number | null; said: string }>((resolve) =>
      child.once('close', (code) => resolve({ code, said })),
    );
    return { child, finished };
  }
  const berth = (...args: string[]) => start(args).finished;
  for (let tries = 0; (await berth('status')).code !== 0; tries++) {
    assert.ok(tries < 60 && daemon.child.exitCode === null, 'the daemon comes up');
    await delay(200);
  }
  const job = (name: string, run: string, retries = 0) => {
    const file = join(dir, `${name}.json`);
    const retry = { max_retries: retries, backoff: '500ms', backoff_factor: 1 };
    const resources = { cpu: 0.2, memory: '32Mi' };
    writeFileSync(file, JSON.stringify({ name, run, retry, resources }), { mode: 0o644 });
    return file;
  };
  return { state, berth, job, daemon };
}

test(
  'the folder of attempts may not be written for a while: a task says so, and is tried again',
  options,
  async (t) => {
    const { state, berth, job } = await site(t);
    const attempts = join(state, 'attempts');
    chmodSync(attempts, 0o500);
    const once = await berth('run', job('once', 'true'));
    assert.notEqual(once.code, 0);
    assert.match(once.said, /Permission denied/);
    const patient = berth('run', job('patient', 'true', 60));
    await delay(1_500);
    chmodSync(attempts, 0o700);
    assert.equal((await patient).code, 0, (await patient).said);
    t.diagnostic('2 of 2 tasks without a folder survived');
  },
);

test(
  'the state folder is taken away while a task runs: clients are told, the task goes on, and all is well when it is given back',
  options,
  async (t) => {
    const { state, berth, job, daemon } = await site(t);
    const submitted = await berth('submit', job('running', 'echo up; sleep 4; exit 7'));
    assert.equal(submitted.code, 0, submitted.said);
    chownSync(state, 0, 0);
    const refused = await berth('status');
    assert.equal(refused.code, 66, refused.said);
    assert.match(refused.said, /may not be read: permission denied/);
    assert.equal(daemon.child.exitCode, null, 'the daemon stays');
    chownSync(state, UID, UID);
    const ended = await berth('wait', '1', '--json');
    assert.match(ended.said, /"exit_code": 7/);
    assert.equal((await berth('run', job('after', 'true'))).code, 0);
    t.diagnostic('1 of 1 losses of the state folder survived');
  },
);

test(
  'a token that may not be read is named, and the socket works without it',
  options,
  async (t) => {
    const { state, berth, job } = await site(t);
    const { said } = await berth('status', '--json');
    const { url } = JSON.parse(said);
    chownSync(join(state, 'token'), 0, 0);
    assert.equal((await berth('status')).code, 0);
    const overTcp = await berth('status', '--url', url);
    assert.equal(overTcp.code, 77, overTcp.said);
    assert.match(overTcp.said, /token/);
    chownSync(join(state, 'token'), UID, UID);
    assert.equal((await berth('status', '--url', url)).code, 0);
    assert.equal((await berth('run', job('after', 'true'))).code, 0);
  },
);
