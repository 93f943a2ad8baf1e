import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { readMetric } from '../../src/app/read-metric.ts';
import { parseMetricValue } from '../../src/autoscaling/parse-metric-value.ts';

const bounded = { timeout: 20_000 };

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-metric-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

describe('a number alone', () => {
  const cases: Record<string, number | undefined> = {
    '42': 42_000,
    ' 0.5\n': 500,
    '0': 0,
    '0.0001': 1,
    '1e3': 1_000_000,
    '1000000000': 1e12,
    '1000000001': undefined,
    '1e999': undefined,
    '-1': undefined,
    NaN: undefined,
    Infinity: undefined,
    '0x10': undefined,
    '1 2': undefined,
    '': undefined,
    'a 1': undefined,
    [`1${'0'.repeat(80)}`]: undefined,
  };
  for (const [text, want] of Object.entries(cases)) {
    test(JSON.stringify(text.slice(0, 20)), () => assert.equal(parseMetricValue(text), want));
  }

  test('is read as it was written, and nothing else is ever taken', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (thousandths) => {
        assert.equal(parseMetricValue(`${thousandths / 1_000}`), thousandths);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const value = parseMetricValue(text);
        assert.ok(value === undefined || (Number.isSafeInteger(value) && value >= 0));
      }),
    );
  });
});

describe('of a file', () => {
  test('its content; a path may lead down', bounded, async (t) => {
    const dir = scratch(t);
    mkdirSync(join(dir, 'state'));
    writeFileSync(join(dir, 'state', 'inbox'), '12.5\n');
    const read = await readMetric({ kind: 'file', path: 'state/inbox' }, dir);
    assert.deepEqual(read, { kind: 'total', value: 12_500 });
  });

  const unread: Record<string, { make: (path: string) => void; why: string }> = {
    'that is not there': { make: () => {}, why: 'it cannot be read: ENOENT' },
    'that is a folder': { make: (path) => mkdirSync(path), why: 'it is no file' },
    'that is a pipe nobody writes': {
      make: (path) => execFileSync('mkfifo', [path]),
      why: 'it is no file',
    },
    'that is a link': {
      make: (path) => symlinkSync('/proc/sys/kernel/pid_max', path),
      why: 'it cannot be read: ELOOP',
    },
    'that has no number': {
      make: (path) => writeFileSync(path, 'many'),
      why: 'what it says is no number',
    },
    'that is large': {
      make: (path) => writeFileSync(path, '1'.repeat(1_000_000)),
      why: 'what it says is no number',
    },
    'that nobody wrote for ten minutes': {
      make: (path) => {
        writeFileSync(path, '1');
        const then = Date.now() / 1_000 - 600;
        utimesSync(path, then, then);
      },
      why: 'it was written 10m 0s ago',
    },
  };
  for (const [name, { make, why }] of Object.entries(unread)) {
    test(`nothing of one ${name}`, bounded, async (t) => {
      const dir = scratch(t);
      make(join(dir, 'f'));
      assert.deepEqual(await readMetric({ kind: 'file', path: 'f' }, dir), {
        kind: 'unknown',
        why,
      });
    });
  }
});

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/now`;
}

describe('of an address', () => {
  test('its answer', bounded, async (t) => {
    const url = await serve(t, (request, response) =>
      response.end(request.url === '/now' ? '7' : ''),
    );
    assert.deepEqual(await readMetric({ kind: 'url', url }, '/'), { kind: 'total', value: 7_000 });
  });

  const unread: Record<string, { listener: RequestListener; why: RegExp }> = {
    'that leads elsewhere': {
      listener: (_, response) => response.writeHead(302, { location: '/other' }).end('7'),
      why: /^it answers with 302$/,
    },
    'that has failed': {
      listener: (_, response) => response.writeHead(500).end('7'),
      why: /^it answers with 500$/,
    },
    'that never ends': {
      listener: (_, response) => {
        const more = () => response.write('1'.repeat(1_000), () => setImmediate(more));
        response.on('close', () => {}).on('error', () => {});
        more();
      },
      why: /^what it says is no number$/,
    },
    'that never comes': { listener: () => {}, why: /^no answer within 2s$/ },
    'that is cut off': {
      listener: (request) => request.socket.destroy(),
      why: /^it cannot be read: /,
    },
  };
  for (const [name, { listener, why }] of Object.entries(unread)) {
    test(`nothing of an answer ${name}`, bounded, async (t) => {
      const read = await readMetric({ kind: 'url', url: await serve(t, listener) }, '/');
      assert.ok(read.kind === 'unknown');
      assert.match(read.why, why);
    });
  }

  test('nothing where nobody listens', bounded, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const read = await readMetric({ kind: 'url', url: `http://127.0.0.1:${port}/` }, '/');
    assert.deepEqual(read, { kind: 'unknown', why: 'it cannot be read: ECONNREFUSED' });
  });
});
