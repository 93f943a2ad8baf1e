import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';

const MIB = 1024 * 1024;
const timed = { timeout: 120_000 };

test(
  'files are moved, shown, refused, cancelled, taken up again and cleaned away',
  timed,
  async (t) => {
    const { dir, state, write } = scratchState(t);
    const data = randomBytes(4 * MIB);
    const from = write('result.bin', data);
    mkdirSync(join(dir, 'there'));
    assert.equal((await runBerth(['up', '-d', '--port', '0', '--state', state])).code, 0);
    const transfer = (...args: string[]) =>
      runBerth(['transfer', ...args, '--state', state], { cwd: dir });

    const done = await transfer('result.bin', 'there');
    assert.equal(done.code, 0, done.stderr);
    assert.match(
      done.stdout,
      /^transfer 1 succeeded: 4 MiB of 4 MiB \(100%\) in .*\nsha256 [0-9a-f]{64} {2}/,
    );
    assert.ok(readFileSync(join(dir, 'there', 'result.bin')).equals(data));

    const again = await transfer(from, 'there');
    assert.deepEqual([again.code, /is there already/.test(again.stderr)], [3, true]);
    assert.equal((await transfer('nowhere', 'x')).code, 3);
    assert.equal((await transfer('there', 'there/in')).code, 3);
    assert.equal((await transfer(from, join(state, 'token2'))).code, 3);
    assert.equal((await transfer(from)).code, 64);
    assert.equal((await transfer(from, 'x', '--rate', 'fast')).code, 64);

    mkdirSync(join(state, 'volumes', 'kept'), { recursive: true });
    assert.equal((await transfer('there', 'volume:kept/results')).code, 0);
    assert.ok(readFileSync(join(state, 'volumes/kept/results/result.bin')).equals(data));
    assert.equal((await transfer(from, 'volume:kept/../../token2')).code, 3);

    const slow = ['--rate', '8Mbps', '-d', '--json'];
    const { id } = JSON.parse((await transfer(from, 'slow', ...slow)).stdout);
    const writer = await transfer(from, 'slow');
    assert.match(writer.stderr, new RegExp(`Transfer ${id} writes .* already`));
    await until(async () => (await progress(state, id)) > 1.2 * MIB);
    const [cancelled] = (await berth(state, 'transfer', 'cancel', id)).transfers;
    assert.equal(cancelled.state, 'cancelled');
    assert.equal(existsSync(join(dir, 'slow')), false);
    const resumed = JSON.parse((await transfer(from, 'slow', '--resume', '--json')).stdout);
    assert.deepEqual([resumed.id, resumed.state, resumed.starts], [id, 'succeeded', 2]);
    assert.ok(resumed.resumed_bytes >= MIB, `${resumed.resumed_bytes}`);
    assert.ok(readFileSync(join(dir, 'slow')).equals(data));

    const other = JSON.parse((await transfer(from, 'other', ...slow)).stdout);
    await berth(state, 'transfer', 'cancel', other.id);
    assert.equal((await berth(state, 'transfer', 'clean')).transfers.length, 4);
    assert.deepEqual(await berth(state, 'transfer', 'list'), { transfers: [] });
    assert.deepEqual(readdirSync(join(state, 'transfers')), []);
    assert.deepEqual(readdirSync(dir).sort(), ['result.bin', 'slow', 'state', 'there']);
  },
);

async function progress(state: string, id: string): Promise<number> {
  const { transfers } = await berth(state, 'transfer', 'list');
  return transfers.find((one: { id: string }) => one.id === id).moved_bytes;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 100, 'in time');
    await delay(100);
  }
}
