import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openClient } from '../../src/cli/io/open-client.ts';
import { berth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { leftoversOf } from '../builders/leftovers.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const OTHER_BOOT = '00000000-0000-4000-8000-000000000000';

test('after a reboot what ran is lost and is retried where that is asked for, leases are counted anew, and no pid of before is signalled', {
  skip: skipSystem,
  timeout: 120_000,
}, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  let daemon = await up(state);
  const socket = join(state, 'berth.sock');
  const client = openClient(() => Promise.resolve({ kind: 'socket', path: socket }));
  // What has the old numbers now is somebody else's.
  const innocent = Array.from({ length: 2 }, () => spawn('sleep', ['300'], { stdio: 'ignore' }));
  t.after(() => {
    client.close();
    for (const child of innocent) child.kill('SIGKILL');
  });
  try {
    const document = {
      name: 'rebooted',
      steps: [true, false].map((again) => ({
        id: again ? 'again' : 'once',
        run: 'echo "try $BERTH_ATTEMPT"; test "$BERTH_ATTEMPT" = 2 || sleep 600',
        retry: { max_retries: again ? 1 : 0, backoff: '100ms' },
        resources: { cpu: 0.2, memory: '32Mi' },
      })),
    };
    const file = scratch.write('job.json', JSON.stringify(document));
    const { id } = await berth(state, 'submit', file);
    const lease = await client.askLease({ name: 'dead', cpu: 0.1, ttl: '8s' });
    const kept = await client.askLease({ name: 'alive', cpu: 0.1, ttl: '8s' });
    const records = ['again', 'once'].map((step) =>
      join(state, 'attempts', `${id}.${step}.0.1.record`),
    );
    for (const record of records) await until(() => /^task\t/m.test(readText(record)));
    await kill(daemon);
    await endEverything(state);
    records.forEach((record, i) => {
      writeFileSync(record, rebooted(readText(record), innocent[i]!));
    });
    daemon = await up(state);
    assert.equal((await client.renewLease(kept.id, 0)).state, 'held');
    const ended = await berth(state, 'wait', String(id));
    // biome-ignore lint/suspicious/noExplicitAny: the assertions are about its shape.
    const causes = ended.steps.map((step: any) => step.attempts.map((a: any) => a.cause));
    assert.deepEqual(causes, [['lost', 'succeeded'], ['lost']]);
    assert.match(ended.steps[1].attempts[0].message, /rebooted/);
    assert.equal(ended.status, 'failed');
    await until(async () => {
      await client.renewLease(kept.id, 0);
      const { leases } = await client.leases();
      return leases.length === 1 && leases[0]!.id === kept.id;
    });
    assert.equal((await client.renewLease(lease.id, 0)).state, 'ended');
    for (const child of innocent)
      assert.deepEqual([child.exitCode, child.signalCode], [null, null]);
    t.diagnostic(
      '1 of 1 reboots survived: 2 tasks lost, 1 retried, 1 lease kept, 1 ended, 0 of 2 strangers signalled',
    );
    await client.releaseLease(kept.id);
    await berth(state, 'down');
  } finally {
    await kill(daemon);
  }
});

/** A reboot leaves the files as they are, and another boot id in the kernel; its numbers go round again. */
function rebooted(record: string, now: ChildProcess): string {
  const stat = readText(`/proc/${now.pid}/stat`);
  const began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
  assert.match(record, /\tboot=[0-9a-f-]{36}\tshim=\d+\tshimstart=\d+\t/);
  return record
    .replace(/\tboot=[^\t]+/, `\tboot=${OTHER_BOOT}`)
    .replace(/\tshim=\d+\tshimstart=\d+/, `\tshim=${now.pid}\tshimstart=${began}`)
    .replace(/\tpid=\d+/, `\tpid=${now.pid}`);
}

/** What the power switch does: every process at once, and with them the cgroups. */
async function endEverything(state: string): Promise<void> {
  await until(() => {
    const left = leftoversOf(state);
    for (const line of left) {
      const pid = Number(/^process (\d+)/.exec(line)?.[1]);
      if (pid > 0) attempt(() => process.kill(pid, 'SIGKILL'));
      const cgroup = /^cgroup (.*)$/.exec(line)?.[1];
      // Not empty yet: its turn comes again.
      if (cgroup !== undefined) attempt(() => rmdirSync(cgroup));
    }
    return left.length === 0;
  });
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Gone, or not yet to be had.
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 300, 'within 30 s');
    await delay(100);
  }
}
