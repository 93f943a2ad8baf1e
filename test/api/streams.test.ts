import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { EventStreams } from '../../src/api/io/event-streams.ts';
import type { Asked } from '../../src/api/routes/api-env.ts';
import { type OpenSite, openSite, TOKEN } from './open-site.ts';
import { ScenarioSite } from './scenario-site.ts';
import { GIB } from './toy-workload.ts';

const bounded = { timeout: 20_000 };

function running(runMs = 600_000): ScenarioSite {
  const site = new ScenarioSite();
  site.add({
    name: 'j',
    steps: [{ id: 'a', command: 'x', cpuMilli: 1_000, memoryBytes: GIB, runMs }],
  });
  return site;
}

/** The events of a stream as they come; comments count as events of the type `comment`. */
class EventReader {
  readonly #response: IncomingMessage;
  readonly #events: { type: string; data: string }[] = [];
  #rest = '';
  #wake = () => {};
  over = false;

  constructor(response: IncomingMessage) {
    this.#response = response;
    response.setEncoding('utf8');
    response.on('error', () => {});
    response.on('data', (piece: string) => this.#take(piece));
    response.on('close', () => {
      this.over = true;
      this.#wake();
    });
  }

  #take(piece: string): void {
    const blocks = (this.#rest + piece).split('\n\n');
    this.#rest = blocks.pop()!;
    for (const block of blocks) {
      const [, type = 'comment', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      this.#events.push({ type, data });
    }
    this.#wake();
  }

  /** Nothing when the stream has ended. */
  async next(): Promise<{ type: string; data: string } | undefined> {
    while (this.#events.length === 0 && !this.over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#events.shift();
  }

  async nextOf(type: string): Promise<Record<string, unknown>> {
    for (;;) {
      const event = await this.next();
      assert.ok(event !== undefined, 'the stream goes on');
      if (event.type === type) return JSON.parse(event.data);
    }
  }

  close(): void {
    this.#response.destroy();
  }
}

async function open({ port }: OpenSite, path: string): Promise<EventReader> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const asked = get({ host: '127.0.0.1', port, path, headers, agent: false });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers['content-type'], 'text/event-stream');
  return new EventReader(response);
}

test('changes are told as they happen, until the reader leaves', bounded, async (t) => {
  const opened = await openSite(t, running());
  const reader = await open(opened, '/api/v1/events');
  assert.equal((await reader.next())?.type, 'comment', 'begins with a sign of life');
  opened.site.advance(1_000);
  const change = await reader.nextOf('change');
  assert.deepEqual(change, { workloads: ['1'], nodes: true, sample: true });
  assert.equal(opened.site.listeners, 1);
  reader.close();
  while (opened.site.listeners > 0) await new Promise(setImmediate);
});

const asked = (changes: Partial<Asked> = {}): Asked => ({
  site: new ScenarioSite(),
  connection: { via: 'tcp', drop: assert.fail },
  isKnown: () => true,
  ...changes,
});

test('a stream ends once the token of its reader is worth nothing', bounded, async () => {
  const ended = new AbortController();
  const streams = new EventStreams({ signal: ended.signal, heartbeatMs: 5 }, { log: assert.fail });
  const { promise: dropped, resolve: drop } = Promise.withResolvers<void>();
  let known = true;
  const reader = streams
    .changes(asked({ connection: { via: 'tcp', drop }, isKnown: () => known }))
    .body!.getReader();
  for (let beats = 0; beats < 3; beats++) await reader.read();
  known = false;
  await dropped;
  ended.abort();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read());
});

test('a quiet stream shows a heartbeat', bounded, async () => {
  const ended = new AbortController();
  const streams = new EventStreams({ signal: ended.signal, heartbeatMs: 5 }, { log: assert.fail });
  const reader = streams.changes(asked()).body!.getReader();
  for (let beats = 0; beats < 3; beats++) {
    const { value } = await reader.read();
    assert.equal(Buffer.from(value!).toString(), ':\n\n');
  }
  ended.abort();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read());
});

test('a reader that takes nothing is cut off, and the others are not', bounded, async (t) => {
  const opened = await openSite(t, running());
  const patient = await open(opened, '/api/v1/events');
  await patient.next();
  const slow = connect({ host: '127.0.0.1', port: opened.port });
  slow.on('error', () => {});
  slow.write(
    `GET /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1:${opened.port}\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`,
  );
  await once(slow, 'data');
  slow.pause();
  const workloads = Array.from({ length: 5_000 }, (_, i) => `workload-${i}`);
  let told = 0;
  while (opened.site.listeners > 1) {
    assert.ok(++told < 1_000, 'still not cut off');
    opened.site.announce({ workloads, nodes: false, sample: false });
    await patient.nextOf('change');
  }
  slow.destroy();
  opened.site.announce({ workloads: ['9'], nodes: false, sample: false });
  assert.deepEqual((await patient.nextOf('change'))['workloads'], ['9']);
  patient.close();
});

test('asking for the head of a stream opens none', bounded, async (t) => {
  const { ask, site } = await openSite(t);
  assert.equal((await ask('HEAD', '/api/v1/events')).status, 200);
  assert.equal(site.listeners, 0);
});

test('the 65th stream is refused', bounded, async (t) => {
  const opened = await openSite(t);
  const readers = [];
  for (let i = 0; i < 64; i++) {
    const reader = await open(opened, '/api/v1/events');
    await reader.next();
    readers.push(reader);
  }
  const answer = await opened.ask('GET', '/api/v1/events');
  assert.equal(answer.status, 503);
  assert.match(answer.text, /BUSY/);
  for (const reader of readers) reader.close();
});

test('a log is followed from what is there to its very end', bounded, async (t) => {
  const opened = await openSite(t, running());
  const { site } = opened;
  site.write('1.a.0.1', 'stdout', 'first\n');
  const reader = await open(opened, '/api/v1/attempts/1.a.0.1/logs/stdout?follow=1&from=0');
  assert.equal((await reader.nextOf('log'))['text'], 'first\n');
  site.write('1.a.0.1', 'stdout', 'größer\n');
  const second = await reader.nextOf('log');
  assert.deepEqual([second['text'], second['offset'], second['ended']], ['größer\n', 6, false]);
  site.write('1.a.0.1', 'stdout', 'last\n');
  site.endLog('1.a.0.1');
  assert.equal((await reader.nextOf('log'))['text'], 'last\n');
  const end = await reader.nextOf('log');
  assert.deepEqual([end['text'], end['ended']], ['', true]);
  assert.equal(await reader.next(), undefined, 'and then it is over');
});

test(
  'a log that is followed ends when its attempt has left for the history',
  bounded,
  async (t) => {
    const opened = await openSite(t, running());
    const { site } = opened;
    site.write('1.a.0.1', 'stdout', 'first\n');
    const reader = await open(opened, '/api/v1/attempts/1.a.0.1/logs/stdout?follow=1&from=0');
    await reader.nextOf('log');
    site.log = () => Promise.resolve(undefined);
    assert.equal(await reader.next(), undefined);
    assert.deepEqual(opened.logged, [], 'nothing is wrong with that');
  },
);

test('a long log that has ended is followed in pieces to its last byte', bounded, async (t) => {
  const opened = await openSite(t, running());
  const text = 'line of a log\n'.repeat(10_000);
  opened.site.write('1.a.0.1', 'stdout', text);
  opened.site.endLog('1.a.0.1');
  const reader = await open(
    opened,
    '/api/v1/attempts/1.a.0.1/logs/stdout?follow=1&from=0&max=4096',
  );
  let got = '';
  for (;;) {
    const chunk = await reader.nextOf('log');
    got += String(chunk['text']);
    if (chunk['ended'] === true) break;
  }
  assert.equal(got, text);
});

test('closing the server ends its streams', bounded, async (t) => {
  const opened = await openSite(t, running());
  const reader = await open(opened, '/api/v1/events');
  await reader.next();
  await opened.server.close();
  while (!reader.over) await new Promise(setImmediate);
  assert.equal(opened.site.listeners, 0);
  assert.deepEqual(opened.logged, []);
});
