import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { spanMs } from '../../src/base/units.ts';
import { fetchVia, open, openRig, tunnelVia, unlimitedRequests } from './proxy-rig.ts';

const timeout = 30_000;

/** Tells what arrived. */
const echo: RequestListener = async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  response.setHeader('set-cookie', ['a=1', 'b=2']);
  response.setHeader('connection', 'x-private');
  response.setHeader('x-private', 'for one hop');
  response.end(
    JSON.stringify({
      method: request.method,
      url: request.url,
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    }),
  );
};

describe('the egress proxy', { timeout }, () => {
  test('passes a request on without what is for one hop only', async (t) => {
    const rig = await openRig(t, echo);
    const answer = await fetchVia(rig, `${rig.origin}/a%20b?c=d`, {
      headers: {
        connection: 'keep-alive, x-hop',
        'x-hop': '1',
        'proxy-connection': 'keep-alive',
        'x-kept': 'yes',
        te: 'gzip',
      },
    });
    assert.equal(answer.status, 200);
    const { url, method, headers } = JSON.parse(answer.body);
    assert.deepEqual([method, url], ['GET', '/a%20b?c=d']);
    assert.deepEqual(headers, {
      host: new URL(rig.origin).host,
      'x-kept': 'yes',
      via: '1.1 berth',
      connection: 'close',
    });
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal(answer.headers['x-private'], undefined);
  });

  test('passes bodies on, of known length and in chunks', async (t) => {
    const rig = await openRig(t, echo);
    const body = 'x'.repeat(300_000);
    const known = await fetchVia(rig, `${rig.origin}/`, { body });
    assert.equal(JSON.parse(known.body).body, body);
    const headers = { 'transfer-encoding': 'chunked' };
    const chunked = await fetchVia(rig, `${rig.origin}/`, { method: 'PUT', body, headers });
    assert.equal(JSON.parse(chunked.body).body, body);
    assert.equal(JSON.parse(chunked.body).headers['transfer-encoding'], 'chunked');
    const none = await fetchVia(rig, `${rig.origin}/`, { method: 'DELETE' });
    assert.equal(JSON.parse(none.body).body, '');
  });

  test('opens tunnels, whose directions end apart', async (t) => {
    const server = createServer({ allowHalfOpen: true }, async (socket) => {
      const chunks: Buffer[] = [];
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) chunks.push(chunk);
      socket.end(`heard ${Buffer.concat(chunks)}`);
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const rig = await openRig(t, echo);
    const { port } = server.address() as AddressInfo;
    const { socket, head } = await tunnelVia(rig, `127.0.0.1:${port}`);
    assert.match(head, /^HTTP\/1\.1 200 /);
    socket.end('all of it');
    let heard = '';
    for await (const chunk of socket) heard += chunk;
    assert.equal(heard, 'heard all of it');
  });

  test('serves nobody without the token of a running attempt', async (t) => {
    const users = { '1.a.0.1': {}, '1.a.1.1': {} };
    const rig = await openRig(t, echo, { users });
    const url = `${rig.origin}/`;
    const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
    const token = new URL(rig.proxy.urlFor('1.a.0.1')).password;
    const wrong = [
      undefined,
      'Bearer x',
      basic('1.a.0.1'),
      basic('1.a.0.1:'),
      basic(`1.a.1.1:${token}`),
      basic(`1.a.0.1:${token.slice(1)}0`),
      // Its token is right, and it is not running.
      basic(`9.z.0.1:${new URL(rig.proxy.urlFor('9.z.0.1')).password}`),
    ];
    for (const authorization of wrong) {
      const answer = await fetchVia(rig, url, { authorization });
      assert.equal(answer.status, 407, authorization);
      assert.match(answer.headers['proxy-authenticate'] ?? '', /^Basic/);
    }
    const { head } = await tunnelVia(rig, '127.0.0.1:1', '9.z.0.1');
    assert.match(head, /^HTTP\/1\.1 407 /);
    assert.equal((await fetchVia(rig, url, { attempt: '1.a.1.1' })).status, 200);
  });

  const places: Record<string, { allowed: string[]; host: string; status: number }> = {
    'an address of this machine': { allowed: ['*'], host: '127.0.0.1', status: 403 },
    'the same as IPv6': { allowed: ['*'], host: '[::ffff:127.0.0.1]', status: 403 },
    'a name that leads to this machine': { allowed: ['*'], host: 'localhost', status: 403 },
    'where a cloud tells its secrets': { allowed: ['*'], host: '169.254.169.254', status: 403 },
    'a host that the site does not name': {
      allowed: ['*.example.com'],
      host: 'example.org',
      status: 403,
    },
    'this machine, where the site names it': {
      allowed: ['127.0.0.1'],
      host: '127.0.0.1',
      status: 200,
    },
  };
  for (const [name, { allowed, host, status }] of Object.entries(places)) {
    test(`answers ${status} for ${name}`, async (t) => {
      const rig = await openRig(t, echo, { network: { allowedHosts: allowed } });
      const { port } = new URL(rig.origin);
      assert.equal((await fetchVia(rig, `http://${host}:${port}/`)).status, status);
      const { head, socket } = await tunnelVia(rig, `${host}:${port}`);
      assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
      socket.destroy();
    });
  }

  test('says what is wrong with a request', async (t) => {
    const rig = await openRig(t, echo);
    assert.equal((await fetchVia(rig, '/status')).status, 400);
    assert.equal((await fetchVia(rig, 'ftp://127.0.0.1/')).status, 400);
    const secure = await fetchVia(rig, 'https://127.0.0.1/');
    assert.deepEqual([secure.status, secure.headers['berth-reason']], [501, 'https-needs-connect']);
    const dead = await fetchVia(rig, 'http://127.0.0.1:1/');
    assert.deepEqual([dead.status, dead.headers['berth-reason']], [502, 'unreachable']);
    for (const authority of ['nowhere', '127.0.0.1:0', 'a:99999', 'x/y:1']) {
      const { head } = await tunnelVia(rig, authority);
      assert.match(head, /^HTTP\/1\.1 400 /, authority);
    }
    const long = { 'x-long': 'y'.repeat(40_000) };
    assert.equal((await fetchVia(rig, `${rig.origin}/`, { headers: long })).status, 431);
  });

  test('counts the requests of an attempt', async (t) => {
    const users = { '1.a.0.1': { requestsMax: 3 }, '1.a.1.1': {} };
    const rig = await openRig(t, echo, { users });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await fetchVia(rig, `${rig.origin}/`)).status);
    assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
    const { head } = await tunnelVia(rig, new URL(rig.origin).host);
    assert.match(head, /^HTTP\/1\.1 429 /);
    assert.equal((await fetchVia(rig, `${rig.origin}/`, { attempt: '1.a.1.1' })).status, 200);
  });

  test('holds back a fast server for a slow reader', async (t) => {
    let written = 0;
    const rig = await openRig(t, (_, response) => {
      const more = (): void => {
        while (written < 400_000_000) {
          written += 1_000_000;
          if (!response.write(Buffer.alloc(1_000_000))) {
            response.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    const response = await open(rig, `${rig.origin}/`);
    // Until nothing has moved for a while: what buffers there are, are full.
    for (let last = -1; last !== written; ) {
      last = written;
      await once(AbortSignal.timeout(300), 'abort');
    }
    assert.ok(written < 40_000_000, `${written} bytes are on their way`);
    response.destroy();
  });

  test('of 1,000 requests at once each is answered, and no more than its limit are under way', async (t) => {
    let [running, most] = [0, 0];
    const rig = await openRig(
      t,
      (_, response) => {
        running++;
        most = Math.max(most, running);
        setImmediate(() => {
          running--;
          response.end('done');
        });
      },
      {
        network: {
          services: [
            {
              ...unlimitedRequests,
              name: 'api',
              hosts: ['127.0.0.1'],
              robots: false,
              concurrent: 40,
            },
          ],
        },
      },
    );
    const answers = await Promise.all(
      Array.from({ length: 1000 }, () => fetchVia(rig, `${rig.origin}/`)),
    );
    assert.deepEqual(
      new Set(answers.map(({ status, body }) => `${status} ${body}`)),
      new Set(['200 done']),
    );
    assert.ok(most <= 40, `${most} at once`);
    const counts = rig.proxy.counts().services.find(({ service }) => service === 'api');
    assert.deepEqual([counts?.passed, counts?.refused], [1000, 0]);
  });
});

describe('limits of a service', { timeout }, () => {
  const service = (limits: object) => ({
    ...unlimitedRequests,
    name: 'api',
    hosts: ['127.0.0.1'],
    robots: false,
    ...limits,
  });

  test('requests arrive at no more than the rate', async (t) => {
    const arrived: number[] = [];
    const rig = await openRig(
      t,
      (_, response) => {
        arrived.push(performance.now());
        response.end();
      },
      { network: { services: [service({ perSecond: 50, burst: 5 })] } },
    );
    const before = performance.now();
    await Promise.all(Array.from({ length: 80 }, () => fetchVia(rig, `${rig.origin}/`)));
    const took = performance.now() - before;
    assert.ok(took >= 1480, `${took} ms`);
    // 75 after the burst; a machine that is busy may make it longer.
    assert.ok(took < 3000, `${took} ms`);
    assert.equal(arrived.length, 80);
  });

  test('more than may wait get 429, those that waited too long 503, both with when to come again', async (t) => {
    const held: (() => void)[] = [];
    const rig = await openRig(t, (_, response) => held.push(() => response.end()), {
      network: {
        services: [service({ concurrent: 1 })],
        waiting: { max: 1, maxMs: spanMs(200) },
      },
    });
    const first = fetchVia(rig, `${rig.origin}/`);
    while (held.length === 0) await once(AbortSignal.timeout(5), 'abort');
    const [second, third] = [fetchVia(rig, `${rig.origin}/`), fetchVia(rig, `${rig.origin}/`)];
    const answers = [await second, await third].toSorted((a, b) => a.status - b.status);
    assert.deepEqual(
      answers.map(({ status, headers }) => [status, headers['berth-reason']]),
      [
        [429, 'rate-limited'],
        [503, 'waited-too-long'],
      ],
    );
    for (const { headers, body } of answers) {
      assert.ok(Number(headers['retry-after']) >= 1);
      assert.equal(JSON.parse(body).error, headers['berth-reason']);
    }
    held.pop()?.();
    assert.equal((await first).status, 200);
  });

  test('a client that goes away leaves its place', async (t) => {
    const held: (() => void)[] = [];
    const rig = await openRig(t, (_, response) => held.push(() => response.end()), {
      network: { services: [service({ concurrent: 1 })] },
    });
    const gone = new AbortController();
    const first = fetchVia(rig, `${rig.origin}/`, { signal: gone.signal }).catch(() => 'gone');
    while (held.length === 0) await once(AbortSignal.timeout(5), 'abort');
    const second = fetchVia(rig, `${rig.origin}/`);
    gone.abort();
    assert.equal(await first, 'gone');
    while (held.length === 1) await once(AbortSignal.timeout(5), 'abort');
    held.pop()?.();
    assert.equal((await second).status, 200);
  });

  test('an open tunnel holds its place until it ends', async (t) => {
    const sockets: Socket[] = [];
    const rig = await openRig(
      t,
      (request, response) => {
        sockets.push(request.socket);
        response.end();
      },
      {
        network: {
          services: [service({ concurrent: 1 })],
          waiting: { max: 0, maxMs: spanMs(1000) },
        },
      },
    );
    const { host } = new URL(rig.origin);
    const { socket, head } = await tunnelVia(rig, host);
    assert.match(head, /^HTTP\/1\.1 200 /);
    assert.equal((await fetchVia(rig, `${rig.origin}/`)).status, 429);
    socket.destroy();
    let status = 429;
    while (status === 429) status = (await fetchVia(rig, `${rig.origin}/`)).status;
    assert.equal(status, 200);
  });
});

describe('robots.txt', { timeout }, () => {
  const network = {
    services: [{ ...unlimitedRequests, name: 'web', hosts: ['127.0.0.1'], robots: true }],
  };

  test('is read once, and kept to by the name that the task gives itself', async (t) => {
    const asked: string[] = [];
    const rig = await openRig(
      t,
      (request, response) => {
        asked.push(request.url!);
        if (request.url === '/robots.txt') {
          response.end('User-agent: *\nDisallow: /private\n\nUser-agent: badbot\nDisallow: /');
        } else response.end('content');
      },
      { network },
    );
    const as = (agent: string) => ({ headers: { 'user-agent': agent } });
    assert.equal((await fetchVia(rig, `${rig.origin}/open`, as('curl/8'))).status, 200);
    const denied = await fetchVia(rig, `${rig.origin}/private/x`, as('curl/8'));
    assert.deepEqual([denied.status, denied.headers['berth-reason']], [403, 'robots-denied']);
    assert.equal((await fetchVia(rig, `${rig.origin}/open`, as('BadBot/1.0'))).status, 403);
    assert.deepEqual(asked, ['/robots.txt', '/open']);
    const { head, socket } = await tunnelVia(rig, new URL(rig.origin).host);
    assert.match(head, /berth-robots: not-seen/);
    socket.destroy();
  });

  const cases: Record<string, { answer: RequestListener; status: number }> = {
    'not there': { answer: (_, r) => r.writeHead(404).end(), status: 200 },
    'not for us': { answer: (_, r) => r.writeHead(403).end(), status: 200 },
    broken: { answer: (_, r) => r.writeHead(500).end(), status: 503 },
    'cut off': { answer: (q) => q.socket.destroy(), status: 503 },
    'elsewhere on the same host': {
      answer: (q, r) => {
        if (q.url === '/robots.txt') r.writeHead(302, { location: '/other.txt' }).end();
        else r.end('User-agent: *\nDisallow: /page');
      },
      status: 403,
    },
    'in a circle': {
      answer: (_, r) => r.writeHead(302, { location: '/robots.txt' }).end(),
      status: 200,
    },
    endless: {
      answer: (_, r) => {
        r.write('User-agent: *\nDisallow: /page\n');
        r.end(`# ${'x'.repeat(2_000_000)}`);
      },
      status: 403,
    },
  };
  for (const [name, { answer, status }] of Object.entries(cases)) {
    test(`that is ${name} → ${status}`, async (t) => {
      const rig = await openRig(
        t,
        (request, response) => {
          if (request.url === '/page') response.end();
          else answer(request, response);
        },
        { network },
      );
      assert.equal((await fetchVia(rig, `${rig.origin}/page`)).status, status);
    });
  }
});
