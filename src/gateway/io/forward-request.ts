import { once } from 'node:events';
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { ProxyRefusal, type ProxyUser } from '../proxy-user.ts';
import type { LinkUser } from '../shaped-link.ts';
import type { ProxyParts } from './egress-proxy.ts';

/** A model may think for long before its first byte. */
const SILENCE_MS = 600_000;

/** For one connection only (RFC 9110 §7.6.1); `expect` was answered here. */
const hopByHop = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Passes one plain HTTP request on, and its answer back. Rejects with a ProxyRefusal before the answer began. */
export async function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  parts: ProxyParts,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort(new ProxyRefusal('unreachable')));
  const { signal } = gone;
  const url = URL.parse(request.url ?? '');
  if (url === null || !/^https?:$/.test(url.protocol)) throw new ProxyRefusal('bad-request');
  if (url.protocol === 'https:') throw new ProxyRefusal('https-needs-connect');
  const host = hostOf(url);
  const { user, leave } = await parts.admit(request, host, {
    signal,
    before: async ({ service }) => {
      if (service?.robots !== true) return;
      await parts.robots.check(url, request.headers['user-agent'] ?? '');
    },
  });
  try {
    await exchange({ request, response, url, host, user, signal }, parts);
  } finally {
    leave();
  }
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly host: string;
  readonly user: ProxyUser;
  readonly signal: AbortSignal;
}

async function exchange(one: Exchange, parts: ProxyParts): Promise<void> {
  const { request, response, url, host, user, signal } = one;
  const hasBody =
    request.headers['content-length'] !== undefined ||
    request.headers['transfer-encoding'] !== undefined;
  const isChunked = request.headers['transfer-encoding'] !== undefined;
  const onward = ask({
    host,
    port: url.port === '' ? 80 : Number(url.port),
    path: url.pathname + url.search,
    method: request.method,
    headers: [
      ...passedOn(request.rawHeaders, ['host']),
      'host',
      url.host,
      'via',
      '1.1 berth',
      'connection',
      'close',
      ...(isChunked ? ['transfer-encoding', 'chunked'] : []),
    ],
    agent: false,
    lookup: parts.destinations.lookup,
    signal,
  });
  onward.setTimeout(SILENCE_MS, () => onward.destroy(new ProxyRefusal('silent')));
  const answered = once(onward, 'response', { signal });
  // An answer may come before the body is sent; what breaks then is told by the answer.
  const sent = hasBody
    ? parts.egress.copy(request, onward, linkUser(user, 'egress'), signal)
    : Promise.resolve(void onward.end());
  sent.catch((error: Error) => onward.destroy(error));
  onward.on('error', () => {});
  const [answer]: IncomingMessage[] = await answered;
  response.sendDate = false;
  response.writeHead(answer!.statusCode ?? 502, answer!.statusMessage, [
    ...passedOn(answer!.rawHeaders, []),
    'via',
    '1.1 berth',
  ]);
  await parts.ingress.copy(answer!, response, linkUser(user, 'ingress'), signal);
  if (!response.writableFinished) await once(response, 'close');
}

export const hostOf = (url: URL): string =>
  url.hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');

export function linkUser(user: ProxyUser, direction: 'egress' | 'ingress'): LinkUser {
  const { key, guaranteed } = user;
  return { key, class: user.class, cap: user[direction], guaranteed };
}

function passedOn(raw: readonly string[], without: readonly string[]): string[] {
  const named = new Set(without);
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.toLowerCase() !== 'connection') continue;
    for (const name of raw[i + 1]!.split(',')) named.add(name.trim().toLowerCase());
  }
  const passed: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (!hopByHop.has(name) && !named.has(name)) passed.push(raw[i]!, raw[i + 1]!);
  }
  return passed;
}
