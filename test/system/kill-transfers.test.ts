import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { berth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const MIB = 1024 * 1024;
const timed = { timeout: 120_000 };

test('the daemon is killed thrice with -9: transfers go on by themselves, and arrive whole', {
  skip: skipSystem,
  ...timed,
}, async (t) => {
  const { dir, state, write } = scratchState(t);
  const names = ['a', 'b', 'c'];
  const data = new Map(names.map((name) => [name, randomBytes(5 * MIB)]));
  let daemon: ChildProcess | undefined;
  try {
    daemon = await up(state);
    const ids: string[] = [];
    for (const name of names) {
      const from = write(name, data.get(name)!);
      const asked = await berth(
        state,
        'transfer',
        from,
        join(dir, `to-${name}`),
        '--rate',
        '8Mbps',
        '-d',
      );
      ids.push(asked.id);
    }
    const { transfers } = await berth(state, 'transfer', 'list');
    assert.deepEqual(
      transfers.map((one: { state: string }) => one.state === 'queued'),
      [false, false, true],
      'two at once',
    );
    for (let kills = 0; kills < 3; kills++) {
      await delay(1_300);
      await kill(daemon);
      daemon = await up(state);
    }
    for (const id of ids) {
      await until(
        async () =>
          (await berth(state, 'transfer', 'list')).transfers[Number(id) - 1].ended_at !== null,
      );
    }
    const after = (await berth(state, 'transfer', 'list')).transfers;
    for (const one of after) assert.equal(one.state, 'succeeded', JSON.stringify(one));
    assert.ok(after[0].starts >= 3 && after[0].resumed_bytes > 0, JSON.stringify(after[0]));
    for (const name of names) {
      assert.ok(readFileSync(join(dir, `to-${name}`)).equals(data.get(name)!));
    }
    assert.deepEqual(
      readdirSync(dir).filter((name) => name.includes('partial')),
      [],
    );
    t.diagnostic(`3 of 3 kills survived by ${after.length} transfers`);
  } finally {
    if (daemon !== undefined) await kill(daemon);
  }
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 100, 'in time');
    await delay(100);
  }
}
