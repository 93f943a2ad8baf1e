import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openClient } from '../../src/cli/io/open-client.ts';
import { ResourcePool } from '../../src/cli/io/resource-pool.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const options = { skip: skipSystem, timeout: 120_000 };
const TTL = '6s';
const TTL_MS = 6_000;
const program = fileURLToPath(new URL('../builders/lease-holder.ts', import.meta.url));

/** A daemon with a pool of one device, and holders that are processes of their own. */
async function site(t: TestContext) {
  const { state } = scratchState(t);
  const socket = join(state, 'berth.sock');
  let daemon = await up(state);
  const holders: ChildProcess[] = [];
  t.after(async () => {
    for (const holder of holders) holder.kill('SIGKILL');
    await kill(daemon);
  });
  const client = openClient(() => Promise.resolve({ kind: 'socket', path: socket }));
  t.after(() => client.close());
  await ResourcePool.define(client, { name: 'pool', resources: [{ id: 'device' }] });
  const hold = (name: string) => {
    const child = spawn(process.execPath, [program, socket, 'pool', TTL], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    holders.push(child);
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const says = (what: RegExp) =>
      until(`${name} to say ${what}, not ${said}`, () => what.test(said));
    return { child, says, said: () => said };
  };
  const states = async () => {
    const { leases } = await client.leases();
    return leases.map((lease) => lease.state);
  };
  const restart = async (downMs: number) => {
    await kill(daemon);
    await delay(downMs);
    daemon = await up(state);
  };
  return { hold, states, restart };
}

test(
  'a holder that renews after a downtime longer than its ttl keeps what it holds',
  options,
  async (t) => {
    const { hold, states, restart } = await site(t);
    const first = hold('first');
    await first.says(/^held device$/m);
    const second = hold('second');
    await until('somebody to wait', async () => (await states()).includes('waiting'));
    await restart(TTL_MS + 1_000);
    // Beyond the time that it was given at the start: it was heard of since.
    await delay(TTL_MS + 500);
    assert.equal(first.said(), 'held device\n', 'it was not taken away');
    assert.equal(second.said(), '', 'nothing is granted twice');
    assert.deepEqual(await states(), ['held', 'waiting']);
    t.diagnostic('1 of 1 downtimes survived by the holder and by who waits');
  },
);

test(
  'a holder that died in the downtime has one ttl, then the next one has it',
  options,
  async (t) => {
    const { hold, states, restart } = await site(t);
    const first = hold('first');
    await first.says(/^held device$/m);
    const second = hold('second');
    await until('somebody to wait', async () => (await states()).includes('waiting'));
    first.child.kill('SIGKILL');
    await restart(TTL_MS);
    const began = performance.now();
    await second.says(/^held device$/m);
    assert.ok(performance.now() - began < 3 * TTL_MS, 'one ttl, and no second one');
  },
);

test(
  'a holder that is paused loses it once, hears of it when it goes on, and does not get it back',
  options,
  async (t) => {
    const { hold, states } = await site(t);
    const first = hold('first');
    await first.says(/^held device$/m);
    first.child.kill('SIGSTOP');
    const second = hold('second');
    await second.says(/^held device$/m);
    assert.equal(first.said(), 'held device\n');
    assert.deepEqual(await states(), ['held']);
    first.child.kill('SIGCONT');
    await first.says(/^lost .*not heard of in time/m);
    await delay(TTL_MS / 2);
    assert.equal(second.said(), 'held device\n', 'the next one keeps it');
    assert.deepEqual(await states(), ['held']);
  },
);

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 200, `20 s for ${what}`);
    await delay(100);
  }
}
