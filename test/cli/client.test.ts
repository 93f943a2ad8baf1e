import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEventStream, type ServerEvent } from '../../src/cli/event-stream.ts';
import { connectDaemon, findDaemon } from '../../src/cli/io/find-daemon.ts';
import { openClient } from '../../src/cli/io/open-client.ts';
import { type GlobalFlags, resolveSettings } from '../../src/cli/settings.ts';
import { watchWorkload } from '../../src/cli/watch-workload.ts';
import type { ErrorCode } from '../../src/model/errors.ts';
import { attempt, ended, step, workload } from './documents.ts';
import { TestDaemon } from './test-daemon.ts';

const bounded = { timeout: 20_000 };
const settingsOf = (flags: GlobalFlags) =>
  resolveSettings(flags, {
    env: {},
    home: '/nobody',
    platform: 'linux',
    resolve: (path) => path,
    exists: () => false,
  });
const clientOf = (daemon: TestDaemon) => connectDaemon(settingsOf({ state: daemon.stateDir }));
const failsAs = (code: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Error && 'code' in error);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

test('documents arrive over the socket as the contract says', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const client = clientOf(daemon);
  const document = workload('running', [step('a', 'running', { attempts: [attempt('a.0.1')] })]);
  daemon.workloads.set('12', document);
  assert.deepEqual(await client.status(), daemon.status());
  assert.deepEqual(await client.workload('12'), document);
  assert.equal((await client.workloads({ state: 'active', limit: 5, offset: 0 })).total, 1);
  assert.equal((await client.nodes()).nodes.length, 1);
  assert.equal((await client.usage(60_000)).interval_ms, 1_000);
  assert.equal((await client.why('12')).sentence, 'It waits.');
  client.close();
});

test('a submission carries the text, the name of the file and the folder', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const client = clientOf(daemon);
  const text = 'name: ü\nsteps: []\n';
  const { id } = await client.submit({ text, fileName: 'a b&c.yaml', cwd: '/work/ä' });
  assert.equal(id, '12');
  const [sent] = daemon.submitted;
  assert.equal(sent!.text, text);
  assert.equal(sent!.query.get('file'), 'a b&c.yaml');
  assert.equal(sent!.query.get('cwd'), '/work/ä');
  client.close();
});

test(
  'a problem of the server keeps its code, sentence, hint, issues and facts',
  bounded,
  async () => {
    await using daemon = await TestDaemon.open();
    const client = clientOf(daemon);
    daemon.problem('/api/v1/workloads', {
      status: 422,
      code: 'SPEC_INVALID',
      detail: 'train.yaml:1:1 unknown key.',
      hint: 'Look at line 1.',
      issues: [{ line: 1 }],
      facts: { file: 'train.yaml' },
    });
    await assert.rejects(
      client.submit({ text: 'x', fileName: 'train.yaml', cwd: '/' }),
      (error) => {
        failsAs('SPEC_INVALID', /^train\.yaml:1:1 unknown key\.$/)(error);
        assert.deepEqual((error as unknown as { facts: unknown }).facts, {
          file: 'train.yaml',
          issues: [{ line: 1 }],
          hint: 'Look at line 1.',
        });
        return true;
      },
    );
    client.close();
  },
);

const strange: Record<string, { status: number; type: string; body: string; want: RegExp }> = {
  'HTML of something else': {
    status: 502,
    type: 'text/html',
    body: '<html>',
    want: /answered 502: is it a Berth daemon/,
  },
  'no JSON': { status: 200, type: 'application/json', body: '{', want: /is not JSON/ },
  'another document': {
    status: 200,
    type: 'application/json',
    body: '{"pid":"x"}',
    want: /not as agreed: pid: /,
  },
  'a code of a newer version': {
    status: 418,
    type: 'application/problem+json',
    body: JSON.stringify({
      type: 'x',
      title: 'x',
      status: 418,
      detail: 'Tea.',
      code: 'TEAPOT',
      hint: 'h',
    }),
    want: /^Tea\.$/,
  },
};
for (const [name, { want, ...answer }] of Object.entries(strange)) {
  test(`an answer that is not agreed: ${name}`, bounded, async () => {
    await using daemon = await TestDaemon.open();
    const client = clientOf(daemon);
    daemon.answers.set('/api/v1/status', answer);
    await assert.rejects(client.status(), failsAs('PROTOCOL', want));
    client.close();
  });
}

test('nobody there: no file, a stale file, a broken file', bounded, async () => {
  const daemon = await TestDaemon.open();
  await daemon.close();
  const settings = settingsOf({ state: daemon.stateDir });
  assert.equal(await findDaemon(settings), undefined);
  await assert.rejects(
    connectDaemon(settings).status(),
    failsAs('DAEMON_DOWN', /^Nobody answers at /),
  );
  writeFileSync(join(daemon.stateDir, 'daemon.json'), '{"pid": 1');
  await assert.rejects(
    connectDaemon(settings).status(),
    failsAs('DAEMON_DOWN', /^No daemon runs on /),
  );
  await daemon[Symbol.asyncDispose]();
  assert.equal(await findDaemon(settings), undefined);
});

test('a daemon that is named by URL must be there, and the URL must be one', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const gone = settingsOf({ state: daemon.stateDir, url: 'http://127.0.0.1:1' });
  await assert.rejects(
    findDaemon(gone),
    failsAs('DAEMON_DOWN', /Nobody answers at http:\/\/127\.0\.0\.1:1/),
  );
  const wrong = settingsOf({ state: daemon.stateDir, url: 'localhost:7411' });
  await assert.rejects(findDaemon(wrong), failsAs('CONFIG_INVALID', /is not an http/));
});

test(
  'over TCP the token goes along: the one given, else the own one to its own daemon only',
  bounded,
  async () => {
    await using daemon = await TestDaemon.open();
    writeFileSync(join(daemon.stateDir, 'token'), 'own-token\n');
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end(JSON.stringify(daemon.status()));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = async (flags: GlobalFlags): Promise<void> => {
      await connectDaemon(settingsOf({ state: daemon.stateDir, url, ...flags })).status();
    };
    await ask({ token: 'given' });
    await ask({});
    writeFileSync(
      join(daemon.stateDir, 'daemon.json'),
      JSON.stringify({ pid: 1, url: `${url}/`, socket: 's' }),
    );
    await ask({});
    assert.deepEqual(seen, ['Bearer given', undefined, 'Bearer own-token']);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  },
);

test('the client finds a daemon again that was started anew', bounded, async () => {
  const first = await TestDaemon.open();
  await using second = await TestDaemon.open();
  let socket = first.socket;
  const client = openClient(async () => ({ kind: 'socket', path: socket }));
  assert.equal((await client.status()).socket, first.socket);
  await first[Symbol.asyncDispose]();
  await assert.rejects(client.status(), failsAs('DAEMON_DOWN', /./));
  socket = second.socket;
  assert.equal((await client.status()).socket, second.socket);
  client.close();
});

test('a watch sees each change, and ends with the workload', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const client = clientOf(daemon);
  const running = workload('running', [step('a', 'running')]);
  daemon.workloads.set('12', running);
  const seen: string[] = [];
  const signal = new AbortController().signal;
  for await (const document of watchWorkload(client, '12', { signal, note: () => undefined })) {
    seen.push(document.status);
    if (seen.length === 1) daemon.change(workload('succeeded', [step('a', 'succeeded')]));
  }
  assert.deepEqual([...new Set(seen)], ['running', 'succeeded']);
  client.close();
});

test('a watch hears of changes sooner than it would look by itself', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const client = clientOf(daemon);
  const running = workload('running', [step('a', 'running')]);
  daemon.workloads.set('12', running);
  const signal = new AbortController().signal;
  const began = performance.now();
  let looks = 0;
  for await (const _ of watchWorkload(client, '12', { signal, note: () => undefined })) {
    daemon.change(++looks < 8 ? running : workload('succeeded', [step('a', 'succeeded')]));
  }
  // By itself it looks once a second; the first look may be before the stream is open.
  assert.ok(performance.now() - began < 5_000);
  client.close();
});

test('a watch outlives its daemon', bounded, async () => {
  const first = await TestDaemon.open();
  await using second = await TestDaemon.open();
  second.workloads.set('12', workload('succeeded', [step('a', 'succeeded')]));
  first.workloads.set('12', workload('running', [step('a', 'running')]));
  let socket = first.socket;
  const client = openClient(async () => ({ kind: 'socket', path: socket }));
  const notes: string[] = [];
  const seen: string[] = [];
  const note = (sentence: string): void => {
    notes.push(sentence);
    socket = second.socket;
  };
  for await (const document of watchWorkload(client, '12', {
    signal: new AbortController().signal,
    note,
  })) {
    seen.push(document.status);
    await first.close();
  }
  assert.deepEqual(seen, ['running', 'succeeded']);
  assert.deepEqual(notes, ['The daemon does not answer; waiting for it to come back.']);
  await first[Symbol.asyncDispose]();
  client.close();
});

test('a watch ends quietly when it is told to', bounded, async () => {
  await using daemon = await TestDaemon.open();
  const client = clientOf(daemon);
  daemon.workloads.set(
    '12',
    workload('running', [step('a', 'running', { attempts: [ended('a.0.1')] })]),
  );
  const stop = new AbortController();
  let looks = 0;
  for await (const _ of watchWorkload(client, '12', {
    signal: stop.signal,
    note: () => undefined,
  })) {
    looks++;
    stop.abort();
  }
  assert.equal(looks, 1);
  client.close();
});

async function* pieces(text: string, cuts: readonly number[]): AsyncGenerator<string> {
  const at = [
    0,
    ...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b),
    text.length,
  ];
  for (let i = 1; i < at.length; i++) yield text.slice(at[i - 1], at[i]);
}

test('events are the same however the text is cut', bounded, async () => {
  const text =
    ':\n\nevent: change\ndata: {"a":1}\n\ndata: one\r\ndata: two\r\n\r\nid: 7\nretry: 1\ndata:bare\n\nevent: none\n\ndata: unfinished\n';
  const want: readonly ServerEvent[] = [
    { event: 'change', data: '{"a":1}' },
    { event: 'message', data: 'one\ntwo' },
    { event: 'message', data: 'bare' },
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(200), { maxLength: 12 }), async (cuts) => {
      const found: ServerEvent[] = [];
      for await (const event of parseEventStream(pieces(text, cuts))) found.push(event);
      assert.deepEqual(found, want);
    }),
  );
});
