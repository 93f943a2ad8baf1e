import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
} from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { type BitsPerSecond, UNLIMITED } from '../../src/base/units.ts';
import { type EgressProxy, openEgressProxy } from '../../src/gateway/io/egress-proxy.ts';
import type { ProxyUser } from '../../src/gateway/proxy-user.ts';
import { defaultNetwork, type NetworkConfig } from '../../src/model/network-config.ts';

export const mbit = (n: number): BitsPerSecond => Math.round(n * 1_000_000) as BitsPerSecond;

export const unlimitedRequests = {
  perSecond: UNLIMITED,
  perMinute: UNLIMITED,
  burst: UNLIMITED,
  concurrent: UNLIMITED,
};

export interface Rig {
  readonly proxy: EgressProxy;
  /** `http://127.0.0.1:PORT` of the server behind the proxy. */
  readonly origin: string;
  readonly problems: string[];
}

export async function openRig(
  t: TestContext,
  listener: RequestListener,
  over: {
    readonly network?: Partial<NetworkConfig>;
    readonly users?: Readonly<Record<string, Partial<ProxyUser>>>;
  } = {},
): Promise<Rig> {
  const server = createServer(listener);
  await listen(server);
  t.after(() => stop(server));
  const problems: string[] = [];
  const { users = { '1.a.0.1': {} } } = over;
  const proxy = await openEgressProxy({
    network: { ...defaultNetwork, allowedHosts: ['*', '127.0.0.1', 'localhost'], ...over.network },
    secret: 'a secret of the test',
    port: 0,
    userOf: (key) => {
      const found = users[key];
      return (
        found && {
          key,
          class: 1,
          egress: UNLIMITED as BitsPerSecond,
          ingress: UNLIMITED as BitsPerSecond,
          guaranteed: 0 as BitsPerSecond,
          requestsMax: UNLIMITED,
          ...found,
        }
      );
    },
    onProblem: (problem) => problems.push(problem),
  });
  t.after(() => proxy.close());
  const { port } = server.address() as AddressInfo;
  return { proxy, origin: `http://127.0.0.1:${port}`, problems };
}

async function listen(server: Server): Promise<void> {
  server.listen({ host: '127.0.0.1', port: 0, backlog: 2048 });
  await once(server, 'listening');
}

function stop(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  return promise;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Asking {
  readonly attempt?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly authorization?: string | undefined;
  readonly signal?: AbortSignal;
}

export function credential(proxy: EgressProxy, attempt = '1.a.0.1'): string {
  const url = new URL(proxy.urlFor(attempt));
  const pair = `${decodeURIComponent(url.username)}:${url.password}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** The answer's head; its body is to be read. */
export async function open(rig: Rig, url: string, asking: Asking = {}): Promise<IncomingMessage> {
  const authorization =
    'authorization' in asking ? asking.authorization : credential(rig.proxy, asking.attempt);
  const sent = request({
    host: '127.0.0.1',
    port: rig.proxy.port,
    path: url,
    method: asking.method ?? (asking.body === undefined ? 'GET' : 'POST'),
    agent: false,
    headers: {
      ...(authorization !== undefined && { 'proxy-authorization': authorization }),
      ...asking.headers,
    },
    ...(asking.signal && { signal: asking.signal }),
  });
  sent.end(asking.body);
  const [response]: IncomingMessage[] = await once(sent, 'response');
  sent.on('error', () => {});
  return response!;
}

export async function fetchVia(rig: Rig, url: string, asking: Asking = {}): Promise<Answer> {
  const response = await open(rig, url, asking);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return {
    status: response.statusCode!,
    headers: response.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

/** A tunnel, or what the proxy said instead; the head of its answer beside it. */
export async function tunnelVia(
  rig: Rig,
  authority: string,
  attempt?: string,
): Promise<{ readonly socket: Socket; readonly head: string }> {
  const socket = connect({ host: '127.0.0.1', port: rig.proxy.port, allowHalfOpen: true });
  await once(socket, 'connect');
  const authorization = credential(rig.proxy, attempt);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nproxy-authorization: ${authorization}\r\n\r\n`);
  let head = '';
  while (!head.includes('\r\n\r\n')) {
    const [chunk]: Buffer[] = await once(socket, 'data');
    head += chunk!.toString('latin1');
  }
  return { socket, head };
}
