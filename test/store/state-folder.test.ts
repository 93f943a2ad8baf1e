import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { OperationError } from '../../src/model/errors.ts';
import { openStateFolder } from '../../src/store/io/state-folder.ts';
import { scratch } from './scratch.ts';

const failsWith =
  (code: string, message = /./) =>
  (error: unknown) =>
    error instanceof OperationError && error.code === code && message.test(error.message);

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('a new folder is private, and so is what is in it', async (t) => {
  const dir = join(scratch(t), 'some', 'where');
  const folder = await openStateFolder({ dir });
  t.after(() => folder.release());
  assert.equal(mode(dir), '700');
  assert.equal(mode(folder.paths.token), '600');
  assert.equal(mode(folder.paths.attempts), '700');
  assert.equal(Buffer.from(folder.token, 'base64url').length, 32);
  assert.match(folder.instance, /^[0-9a-f]{16}$/);
  assert.equal(folder.paths.apiSocket, join(dir, 'berth.sock'));
});

test('the token and the instance id are made once, and the token is kept private', async (t) => {
  const dir = scratch(t);
  const first = await openStateFolder({ dir });
  first.release();
  chmodSync(first.paths.token, 0o644);
  const second = await openStateFolder({ dir });
  second.release();
  assert.equal(second.token, first.token);
  assert.equal(second.instance, first.instance);
  assert.equal(mode(first.paths.token), '600');
});

test('an empty token is said to be damaged, not accepted as a token', async (t) => {
  const dir = scratch(t);
  writeFileSync(join(dir, 'token'), '\n');
  await assert.rejects(openStateFolder({ dir }), failsWith('STATE_CORRUPT', /token/));
  rmSync(join(dir, 'token'));
  (await openStateFolder({ dir })).release();
});

test('a second daemon is refused with the pid of the first, until that one lets go', async (t) => {
  const dir = scratch(t);
  const first = await openStateFolder({ dir });
  await assert.rejects(
    openStateFolder({ dir }),
    failsWith('DAEMON_RUNNING', new RegExp(`process ${process.pid} already runs`)),
  );
  first.release();
  first.release();
  (await openStateFolder({ dir })).release();
});

const leftovers: Record<string, unknown> = {
  'a pid that is now another process': { pid: 1, boot_id: bootId(), start_ticks: 7 },
  'a process of an earlier boot': { pid: 1, boot_id: 'before', start_ticks: startTicks(1) },
  'a pid that no process has': { pid: 4_194_300, boot_id: bootId(), start_ticks: 7 },
  garbage: 'garbage',
};
for (const [name, leftover] of Object.entries(leftovers)) {
  test(`a lock left by a crash is taken over: ${name}`, async (t) => {
    const dir = scratch(t);
    writeFileSync(join(dir, 'lock'), JSON.stringify(leftover));
    const folder = await openStateFolder({ dir });
    assert.equal(JSON.parse(readFileSync(join(dir, 'lock'), 'utf8')).pid, process.pid);
    folder.release();
    assert.equal(existsSync(join(dir, 'lock')), false);
  });
}

test('a folder that others may write into is refused', async (t) => {
  const dir = scratch(t);
  chmodSync(dir, 0o770);
  await assert.rejects(openStateFolder({ dir }), failsWith('STATE_UNWRITABLE', /others may write/));
});

test('a file in place of the folder is refused', async (t) => {
  const file = join(scratch(t), 'file');
  writeFileSync(file, '');
  await assert.rejects(openStateFolder({ dir: file }), failsWith('STATE_UNWRITABLE'));
  await assert.rejects(openStateFolder({ dir: join(file, 'x') }), failsWith('STATE_UNWRITABLE'));
});

test('sockets of a folder with a long path are elsewhere, always at the same place', async (t) => {
  const dir = join(scratch(t), 'x'.repeat(100));
  mkdirSync(dir);
  const places = [];
  for (let i = 0; i < 2; i++) {
    const folder = await openStateFolder({ dir });
    places.push(folder.paths.launcherSocket);
    folder.release();
  }
  const [first, second] = places;
  t.after(() => rmSync(join(first!, '..'), { recursive: true }));
  assert.match(first!, /^\/tmp\/berth-[0-9a-f]{16}\/launcher\.sock$/);
  assert.equal(second, first);
});

test('of two processes that start at once, one gets the folder and the other its pid, 50 times', {
  timeout: 60_000,
}, async (t) => {
  const dir = scratch(t);
  const starters = [await starter(t, dir), await starter(t, dir)] as const;
  const [one, two] = starters;
  for (let round = 0; round < 50; round++) {
    const said = await Promise.all([one.ask('take'), two.ask('take')]);
    const winner = said[0].startsWith('holds') ? one : two;
    assert.deepEqual(
      said.map((line) => line.replace(/ .*/, '')).sort(),
      ['DAEMON_RUNNING', 'holds'],
      `round ${round}`,
    );
    assert.ok(said.includes(`DAEMON_RUNNING ${winner.pid}`), said.join(' / '));
    await Promise.all([one.ask('drop'), two.ask('drop')]);
  }
});

test('the folder of a daemon that was killed is free at once, with the same token', {
  timeout: 60_000,
}, async (t) => {
  const dir = scratch(t);
  const first = await starter(t, dir);
  const held = await first.ask('take');
  assert.match(held, /^holds/);
  await first.kill();
  assert.ok(existsSync(join(dir, 'lock')), 'its name stays behind');
  const second = await starter(t, dir);
  assert.equal(await second.ask('take'), held);
});

interface Starter {
  readonly pid: number | undefined;
  ask(order: string): Promise<string>;
  kill(): Promise<unknown>;
}

/** A process that takes and drops the folder as it is told. */
async function starter(t: TestContext, dir: string): Promise<Starter> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'hold-state.ts'), dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => (await lines.next()).value ?? 'nothing';
  const kill = () => {
    child.kill('SIGKILL');
    return exited;
  };
  t.after(kill);
  assert.equal(await line(), 'ready');
  return {
    pid: child.pid,
    ask(order) {
      child.stdin.write(`${order}\n`);
      return line();
    },
    kill,
  };
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

function startTicks(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19]);
}
