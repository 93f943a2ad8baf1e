import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { describe, test } from 'node:test';
import type { ProxyUser } from '../../src/gateway/proxy-user.ts';
import { mbit, open, openRig, type Rig, tunnelVia } from './proxy-rig.ts';

const CHUNK = Buffer.alloc(64 * 1024);
const SECONDS = 3;
/** Of the burst after a pause, which is the rate of 100 ms, and of connections that begin. */
const WARM_UP_MS = 500;

/** Sends without end. */
const source: RequestListener = (_, response) => {
  const more = (): void => {
    while (!response.destroyed) {
      if (!response.write(CHUNK)) {
        response.once('drain', more);
        return;
      }
    }
  };
  more();
};

/** Bits per second that arrive, after the first moments. */
async function measure(from: AsyncIterable<Buffer>): Promise<number> {
  const start = performance.now() + WARM_UP_MS;
  let bytes = 0;
  for await (const chunk of from) {
    const now = performance.now();
    if (now < start) continue;
    bytes += chunk.length;
    if (now >= start + SECONDS * 1000) return (bytes * 8) / ((now - start) / 1000);
  }
  throw new Error('it ended');
}

function near(got: number, want: number, part: number): void {
  assert.ok(
    Math.abs(got - want) <= want * part,
    `${(got / 1e6).toFixed(2)} Mbit/s of ${want / 1e6}`,
  );
}

async function download(rig: Rig, attempt: string): Promise<number> {
  const response = await open(rig, `${rig.origin}/`, { attempt });
  try {
    return await measure(response);
  } finally {
    response.destroy();
  }
}

describe('bandwidth over real sockets', { timeout: 60_000 }, () => {
  const user = (over: Partial<ProxyUser>) => ({ users: { '1.a.0.1': over } });

  for (const rate of [1, 20, 200]) {
    test(`a task limited to ${rate} Mbit/s receives that, within 10 %`, async (t) => {
      const rig = await openRig(t, source, user({ ingress: mbit(rate) }));
      near(await download(rig, '1.a.0.1'), mbit(rate), 0.1);
    });
  }

  test('all its connections share it, tunnels and plain ones', async (t) => {
    const rig = await openRig(t, source, user({ ingress: mbit(20) }));
    const { host } = new URL(rig.origin);
    const { socket } = await tunnelVia(rig, host, '1.a.0.1');
    socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    const [plain, tunnelled] = await Promise.all([download(rig, '1.a.0.1'), measure(socket)]);
    near(plain + tunnelled, mbit(20), 0.1);
    assert.ok(Math.min(plain, tunnelled) > mbit(7));
    socket.destroy();
  });

  test('a task limited to 20 Mbit/s sends that, within 10 %', async (t) => {
    let heard: Promise<number> | undefined;
    const rig = await openRig(
      t,
      (request) => {
        heard = measure(request);
        heard.catch(() => {});
      },
      user({ egress: mbit(20) }),
    );
    const { host } = new URL(rig.origin);
    const { socket } = await tunnelVia(rig, host);
    socket.on('error', () => {});
    socket.write(`POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 1000000000\r\n\r\n`);
    const more = (): void => {
      while (!socket.destroyed && socket.write(CHUNK));
      if (!socket.destroyed) socket.once('drain', more);
    };
    more();
    while (heard === undefined) await once(AbortSignal.timeout(5), 'abort');
    near(await heard, mbit(20), 0.1);
    socket.destroy();
  });

  test('classes share a link of 40 Mbit/s by 50, 30 and 20 %', async (t) => {
    const users = { '1.a.0.1': { class: 0 }, '1.b.0.1': { class: 1 }, '1.c.0.1': { class: 2 } };
    const rig = await openRig(t, source, { users, network: { ingress: mbit(40) } });
    const got = await Promise.all(Object.keys(users).map((attempt) => download(rig, attempt)));
    near(
      got.reduce((a, b) => a + b),
      mbit(40),
      0.1,
    );
    for (const [i, part] of [0.5, 0.3, 0.2].entries()) near(got[i]!, mbit(40) * part, 0.1);
  });

  test('what is guaranteed is there, however many others want the link', async (t) => {
    const others = Array.from({ length: 8 }, (_, i) => [`2.o.${i}.1`, { class: 0 }] as const);
    const users = {
      '1.a.0.1': { class: 2, guaranteed: mbit(20), ingress: mbit(20) },
      ...Object.fromEntries(others),
    };
    const rig = await openRig(t, source, { users, network: { ingress: mbit(40) } });
    const got = await Promise.all(Object.keys(users).map((attempt) => download(rig, attempt)));
    near(got[0]!, mbit(20), 0.1);
    near(
      got.slice(1).reduce((a, b) => a + b),
      mbit(20),
      0.12,
    );
  });
});
