import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { berth, runBerth, startBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';

test('what waits on disk for a full queue is seen, explained, cancelled, waited for and run under its id', {
  timeout: 180_000,
}, async (t) => {
  const { state, dir, write } = scratchState(t);
  const go = join(dir, 'go');
  const site = write('site.yaml', 'queues:\n  default: {max_size: 1, overflow_policy: compress}\n');
  const job = `name: one\nrun: 'until [ -e ${go} ]; do sleep 0.1; done; echo ran'\nresources: {cpu: 0.1, memory: 32Mi}\n`;
  const file = write('job.yaml', job);
  const { url } = await berth(state, 'up', '-d', '--port', '0', '--site', site);
  const token: Record<string, string> = {};
  for (const who of ['ana', 'bo']) token[who] = (await berth(state, 'token', 'add', who)).token;
  const ask = (who: string, method: string, path: string, body?: string) =>
    fetch(`${url}/api/v1/workloads${path}`, {
      method,
      headers: { authorization: `Bearer ${token[who]}` },
      ...(body !== undefined && { body }),
    });

  assert.deepEqual((await berth(state, 'submit', file)).spilled, undefined);
  const second = await runBerth(['submit', file, '--state', state]);
  assert.equal(second.stdout.trim(), '2');
  assert.match(second.stderr, /accepted; queue default is full: 2 waits on disk/);
  const answer = await ask('ana', 'POST', '?cwd=/tmp', job);
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get('location'), '/api/v1/workloads/3');
  const submitted = JSON.parse(await answer.text());
  assert.deepEqual([submitted.id, submitted.spilled], ['3', { queue: 'default', ahead: 1 }]);

  const listed = await berth(state, 'ps');
  assert.deepEqual(
    listed.workloads.map((w: { id: string; status: string; tenant: string }) => [w.id, w.status]),
    [
      ['3', 'spilled'],
      ['2', 'spilled'],
      ['1', 'running'],
    ],
  );
  assert.equal(listed.total, 3);
  assert.equal((await berth(state, 'status')).counts.waiting, 2);
  const why = await runBerth(['why', '3', '--state', state]);
  assert.match(why.stdout, /^waits on disk behind one other until queue default has room/);
  const shown = await runBerth(['queue', '--state', state]);
  assert.match(
    shown.stdout,
    /2 submissions wait on disk for default: \d+ B, of 1\.\d KiB uncompressed/,
  );
  assert.match(
    (await runBerth(['queue', 'default', '--state', state])).stdout,
    /when full +compress/,
  );

  // As of any other: whose it is, what was submitted, and nothing runs that could be changed.
  for (const path of ['/3', '/3/why', '/3/source']) {
    assert.equal((await ask('bo', 'GET', path)).status, 404, path);
    assert.equal((await ask('ana', 'GET', path)).status, 200, path);
  }
  assert.equal((await ask('bo', 'POST', '/3/cancel')).status, 404);
  assert.equal(await (await ask('ana', 'GET', '/3/source')).text(), job);
  assert.equal((await berth(state, 'adjust', '2', '--cpu', '1')).facts.code, 'nothing-runs');
  assert.equal((await berth(state, 'retry', '2')).facts.code, 'not-ended');

  const waiting = startBerth(['wait', '2', '3', '--json', '--state', state]);
  const last = await berth(state, 'submit', file);
  assert.deepEqual(last.spilled, { queue: 'default', ahead: 2 });
  await berth(state, 'cancel', '3');
  assert.equal((await ask('ana', 'GET', '/3')).status, 200);
  assert.equal((await berth(state, 'why', '3')).status, 'cancelled');
  assert.match((await berth(state, 'why', '4')).sentence, /behind one other/);
  writeFileSync(go, '');
  const { stdout, code } = await waiting.finished;
  assert.deepEqual(
    JSON.parse(stdout).workloads.map((w: { id: string; status: string }) => [w.id, w.status]),
    [
      ['2', 'succeeded'],
      ['3', 'cancelled'],
    ],
  );
  assert.equal(code, 4);
  assert.equal((await berth(state, 'wait', '4')).status, 'succeeded');
  assert.equal((await berth(state, 'logs', '2')).logs[0].text, 'ran\n');
  assert.equal((await berth(state, 'queue')).queues[0].spilled.submissions, 0);
});
