import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';

/** A service whose replicas are ready while the file is there. */
const text = (script: string, healthy: string): string =>
  JSON.stringify({
    name: 'web',
    run: script,
    resources: { cpu: 0.1, memory: '32Mi' },
    service: {
      replicas: 2,
      ports: ['http'],
      readiness: { exec: ['test', '-e', healthy], every: '100ms', timeout: '20s', failures: 1 },
      restart: { backoff: '100ms' },
      update: { max_surge: 1, deadline: '60s' },
      drain: 0,
    },
  });

test('a service is ready, scaled, found again, updated, rolled back and cancelled', {
  timeout: 240_000,
}, async (t) => {
  const { dir, state, write } = scratchState(t);
  const healthy = join(dir, 'healthy');
  writeFileSync(healthy, '');
  const good = write('good.json', text('exec sleep 1000', healthy));
  const bad = write('bad.json', text('exit 3', healthy));
  const ready = (id: string) => berth(state, 'wait', id, '--ready', '--timeout', '100s');
  const run = (...args: string[]) => runBerth([...args, '--state', state]);
  let daemon: ChildProcess | undefined;
  try {
    daemon = await up(state);
    const { id } = await berth(state, 'submit', good);
    assert.equal((await ready(id)).service.ready, 2);
    assert.equal((await berth(state, 'scale', id, '3')).replicas, 3);
    assert.equal((await ready(id)).service.ready, 3);
    assert.match((await run('ps')).stdout, / 3\/3 /);

    await kill(daemon);
    rmSync(healthy);
    daemon = await up(state);
    const notReady = await eventually(
      () => berth(state, 'why', id),
      (why) => /0 of 3 replicas ready/.test(why.sentence),
    );
    assert.match(notReady.sentence, /is not ready: exit code 1/);
    writeFileSync(healthy, '');

    await berth(state, 'update', id, good);
    assert.equal((await ready(id)).service.revision, 2);
    await berth(state, 'update', id, bad);
    const back = await run('wait', id, '--ready', '--timeout', '100s');
    assert.equal(back.code, 1, 'a rollback counts as a failure');
    assert.match(back.stdout, /Revision 3 was rolled back: 1\.web-r3\.0\.2 ended: failed/);
    const why = await berth(state, 'why', id);
    assert.match(why.sentence, /2 of 2 replicas ready in revision 2; revision 3 was rolled back/);

    assert.equal((await run('scale', id, 'many')).code, 64);
    const job = write('job.json', JSON.stringify({ run: 'exec sleep 1000' }));
    assert.match((await run('update', id, job)).stderr, /is no service/);
    await berth(state, 'cancel', id);
    assert.equal((await berth(state, 'wait', id)).status, 'cancelled');
  } finally {
    if (daemon !== undefined) await kill(daemon);
  }
});

async function eventually<T>(look: () => Promise<T>, is: (found: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const found = await look();
    if (is(found)) return found;
    assert.ok(tries < 200, `it never comes: ${JSON.stringify(found)}`);
  }
}
