import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lookAtLocks } from '../../src/app/doctor-locks.ts';

/** Of this machine, what a thread waits in is told. */
const isTold = (): boolean => {
  try {
    return readFileSync('/proc/self/syscall', 'utf8') !== '';
  } catch {
    return false;
  }
};
const real = { skip: isTold() ? false : '/proc does not tell of system calls', timeout: 60_000 };

/** Four threads hand one lock to each other (`hand`), or wait for what does not come (`idle`). */
const program = `
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const how = process.argv[1];
if (isMainThread) {
  const shared = new SharedArrayBuffer(8);
  let up = 0;
  for (let i = 0; i < 4; i++) {
    const worker = new Worker(process.env.PROGRAM, { eval: true, argv: [], workerData: { shared, how, i } });
    worker.on('online', () => { if (++up === 4) console.log('up'); });
  }
} else {
  const cells = new Int32Array(workerData.shared);
  for (;;) {
    if (workerData.how === 'idle') Atomics.wait(cells, 1, 0);
    const turn = Atomics.load(cells, 0);
    if (turn % 4 !== workerData.i) { Atomics.wait(cells, 0, turn); continue; }
    Atomics.add(cells, 0, 1);
    Atomics.notify(cells, 0);
  }
}`;

test(
  'threads that hand a lock to each other are seen, and those that idle are told apart',
  real,
  async (t) => {
    const begin = async (how: string) => {
      const child = spawn(process.execPath, ['-e', program, how], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { PATH: process.env['PATH'], PROGRAM: program },
      });
      t.after(async () => {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      });
      await once(child.stdout, 'data');
      return child.pid!;
    };
    const pids: Record<string, number> = { hand: await begin('hand'), idle: await begin('idle') };
    const found = await lookAtLocks(['hand', 'idle', 'gone'], (attempt) => {
      return attempt in pids ? [pids[attempt]!] : [];
    });
    assert.deepEqual(
      found.map(({ attempt }) => attempt),
      ['hand', 'idle'],
    );
    const [hand, idle] = found as [(typeof found)[number], (typeof found)[number]];
    assert.ok(hand.inLocks >= 1 && hand.switchesPerSecond >= 2_000, JSON.stringify(hand));
    assert.ok(idle.inLocks >= 4 && idle.switchesPerSecond < 2_000, JSON.stringify(idle));
  },
);
