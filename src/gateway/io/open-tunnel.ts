import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ProxyRefusal } from '../proxy-user.ts';
import type { ProxyParts } from './egress-proxy.ts';
import { hostOf, linkUser } from './forward-request.ts';

const CONNECT_MS = 15_000;
/** A connection on which nothing moves for so long has been forgotten. */
const IDLE_MS = 3_600_000;

/** A tunnel to where the request names. Rejects with a ProxyRefusal while the tunnel does not stand. */
export async function openTunnel(
  request: IncomingMessage,
  socket: Duplex,
  parts: ProxyParts,
): Promise<void> {
  const gone = new AbortController();
  socket.once('close', () => gone.abort(new ProxyRefusal('unreachable')));
  socket.on('error', () => {});
  const url = URL.parse(`http://${request.url}`);
  const port = Number(/:(\d{1,5})$/.exec(request.url ?? '')?.[1]);
  const isAuthority = url !== null && url.pathname === '/' && url.username === '';
  if (!isAuthority || !(port >= 1 && port <= 65_535)) throw new ProxyRefusal('bad-request');
  const host = hostOf(url);
  const { signal } = gone;
  const { user, service, leave } = await parts.admit(request, host, { signal });
  try {
    const far = await reach({ host, port }, parts, signal);
    // Only here can it be told that the paths in a tunnel are not seen.
    const note = service?.robots === true ? 'berth-robots: not-seen\r\n' : '';
    socket.write(`HTTP/1.1 200 Connection Established\r\n${note}\r\n`);
    far.setTimeout(IDLE_MS, () => far.destroy());
    signal.addEventListener('abort', () => far.destroy(), { once: true });
    try {
      await Promise.all([
        parts.egress.copy(socket, far, linkUser(user, 'egress'), signal),
        parts.ingress.copy(far, socket, linkUser(user, 'ingress'), signal),
      ]);
    } catch {
      // Either side broke off: so does the other.
    } finally {
      far.destroy();
      socket.destroy();
    }
  } finally {
    leave();
  }
}

async function reach(
  { host, port }: { readonly host: string; readonly port: number },
  { destinations }: ProxyParts,
  signal: AbortSignal,
): Promise<Socket> {
  const far = connect({
    host,
    port,
    lookup: destinations.lookup,
    allowHalfOpen: true,
    noDelay: true,
  });
  const late = setTimeout(() => far.destroy(new ProxyRefusal('silent')), CONNECT_MS);
  try {
    await once(far, 'connect', { signal });
  } catch (error) {
    far.destroy();
    throw error;
  } finally {
    clearTimeout(late);
  }
  far.on('error', () => {});
  return far;
}
