import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { UNLIMITED } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import type { NetworkConfig, ServiceConfig } from '../../model/network-config.ts';
import { closest } from '../host-pattern.ts';
import { ProxyRefusal, type ProxyUser } from '../proxy-user.ts';
import { Destinations } from './destination.ts';
import { forwardRequest } from './forward-request.ts';
import { GateKeeper } from './gate-keeper.ts';
import { openTunnel } from './open-tunnel.ts';
import { RobotsKeeper } from './robots-keeper.ts';
import { type ClassCounts, Shaper, weightsOf } from './shaper.ts';

const HEADER_BYTES_MAX = 32 * 1024;
const HEADERS_MS = 15_000;
const CONNECTIONS_MAX = 8192;

export interface EgressProxyOptions {
  readonly network: NetworkConfig;
  /** Tokens are made of it: whoever has it may use the proxy as any task. */
  readonly secret: string;
  /** Taken if it is free; 0: any. Tasks that run on after a restart of the daemon know only this one. */
  readonly port: number;
  /** What an attempt may have; undefined: it is not running. */
  readonly userOf: (attempt: string) => ProxyUser | undefined;
  /** The attempt asked for more than it may, and was refused. */
  readonly onRequestsMax?: (attempt: string) => void;
  /** Requests that attempts made before. */
  readonly requests?: ReadonlyMap<string, number>;
  readonly onProblem: (problem: string, error: unknown) => void;
}

export interface ProxyCounts {
  /** `service` null: hosts that no service is. */
  readonly services: ReturnType<GateKeeper['counts']>;
  readonly egress: readonly ClassCounts[];
  readonly ingress: readonly ClassCounts[];
}

/**
 * The HTTP proxy that tasks are pointed at: plain requests and CONNECT tunnels, on loopback, for whoever has
 * the token of a running attempt. It holds the limits of the site and of each task; nothing of a request is logged.
 * @throws OperationError ADDRESS_IN_USE
 */
export async function openEgressProxy(options: EgressProxyOptions): Promise<EgressProxy> {
  const proxy = new EgressProxy(options);
  await proxy.open();
  return proxy;
}

/** What forwarding needs of the proxy. */
export interface ProxyParts {
  readonly destinations: Destinations;
  readonly robots: RobotsKeeper;
  readonly egress: Shaper;
  readonly ingress: Shaper;
  /** The user, the service of the host, and the way through the gate. */
  readonly admit: (
    request: IncomingMessage,
    host: string,
    options: { readonly signal: AbortSignal; readonly before?: (of: Admitted) => Promise<void> },
  ) => Promise<Admitted & { readonly leave: () => void }>;
}

export interface Admitted {
  readonly user: ProxyUser;
  readonly service: ServiceConfig | undefined;
}

export class EgressProxy {
  readonly #options: EgressProxyOptions;
  readonly #gate: GateKeeper;
  readonly #parts: ProxyParts;
  readonly #servers = new Map<string, Server>();
  readonly #tunnels = new Set<Duplex>();
  readonly #requests: Map<string, number>;
  #port = 0;

  constructor(options: EgressProxyOptions) {
    this.#options = options;
    const { network } = options;
    this.#gate = new GateKeeper({ ...network, classes: weightsOf(network.classes) });
    this.#requests = new Map(options.requests);
    const destinations = new Destinations(network.allowedHosts);
    this.#parts = {
      destinations,
      robots: new RobotsKeeper({
        lookup: destinations.lookup,
        check: (host) => destinations.check(host),
      }),
      egress: new Shaper(network.egress, network.classes),
      ingress: new Shaper(network.ingress, network.classes),
      admit: (request, host, { signal, before }) => this.#admit(request, host, signal, before),
    };
  }

  async open(): Promise<void> {
    const { port } = this.#options;
    this.#port = await this.listen('127.0.0.1', port).catch((error: unknown) => {
      if (port === 0) throw error;
      this.#options.onProblem(
        `port ${port} is taken; tasks that run on cannot use the proxy`,
        error,
      );
      return this.listen('127.0.0.1', 0);
    });
  }

  get port(): number {
    return this.#port;
  }

  /** Serves on one more address of this machine, and says on which port. */
  async listen(address: string, port: number = this.#port): Promise<number> {
    const server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_MS,
      // A body may take as long as its limits make it.
      requestTimeout: 0,
      keepAliveTimeout: 5000,
      noDelay: true,
    });
    server.maxConnections = CONNECTIONS_MAX;
    server.on('request', (request, response) => this.#serve(request, response));
    server.on('connect', (request, socket: Socket, head) => this.#tunnel(request, socket, head));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen({ host: address, port }, resolve);
    try {
      await promise;
    } catch (error) {
      const sentence = `The proxy cannot listen on ${address}:${port}.`;
      throw new OperationError('ADDRESS_IN_USE', sentence, { address, port }, error);
    }
    server.off('error', reject);
    server.on('error', (error) => this.#options.onProblem('the proxy has a problem', error));
    this.#servers.set(address, server);
    return (server.address() as AddressInfo).port;
  }

  async unlisten(address: string): Promise<void> {
    const server = this.#servers.get(address);
    this.#servers.delete(address);
    if (server !== undefined) await closeServer(server);
  }

  /** What an attempt is told: whoever has it may use the proxy on its behalf, while it runs. */
  urlFor(attempt: string, address = '127.0.0.1'): string {
    return `http://${encodeURIComponent(attempt)}:${this.#tokenOf(attempt)}@${address}:${this.#port}`;
  }

  /** The attempt has ended. */
  forget(attempt: string): void {
    this.#requests.delete(attempt);
  }

  /** Of the attempts that have a limit of them. */
  get requests(): ReadonlyMap<string, number> {
    return this.#requests;
  }

  counts(): ProxyCounts {
    const { egress, ingress } = this.#parts;
    return { services: this.#gate.counts(), egress: egress.counts, ingress: ingress.counts };
  }

  async close(): Promise<void> {
    this.#gate.close();
    for (const socket of this.#tunnels) socket.destroy();
    await Promise.all(this.#servers.values().map(closeServer));
    this.#servers.clear();
    this.#parts.egress.close();
    this.#parts.ingress.close();
  }

  #tokenOf(attempt: string): string {
    return createHmac('sha256', this.#options.secret).update(attempt).digest('hex').slice(0, 40);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    forwardRequest(request, response, this.#parts).catch((error: unknown) => {
      const refusal = asRefusal(error);
      if (response.destroyed) return;
      if (response.headersSent) {
        response.destroy();
        return;
      }
      response.writeHead(refusal.status, refusal.headers);
      response.end(refusal.body);
    });
  }

  #tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#tunnels.add(socket);
    socket.once('close', () => this.#tunnels.delete(socket));
    if (head.length > 0) socket.unshift(head);
    openTunnel(request, socket, this.#parts).catch((error: unknown) => {
      const refusal = asRefusal(error);
      const lines = Object.entries(refusal.headers).map(([name, value]) => `${name}: ${value}`);
      socket.end(
        `HTTP/1.1 ${refusal.status} ${refusal.reason}\r\n${lines.join('\r\n')}\r\nconnection: close\r\n\r\n${refusal.body}`,
      );
    });
  }

  async #admit(
    request: IncomingMessage,
    host: string,
    signal: AbortSignal,
    before: ((of: Admitted) => Promise<void>) | undefined,
  ): Promise<Admitted & { readonly leave: () => void }> {
    const user = this.#userOf(request);
    this.#parts.destinations.check(host);
    const service = closest(this.#options.network.services, host);
    const made = this.#requests.get(user.key) ?? 0;
    if (made >= user.requestsMax) throw this.#noMore(user);
    await before?.({ user, service });
    const leave = await this.#gate.enter(service?.name, user, signal);
    if (user.requestsMax !== UNLIMITED) {
      // Others of the task may have passed while this one waited.
      const now = this.#requests.get(user.key) ?? 0;
      if (now >= user.requestsMax) {
        leave();
        throw this.#noMore(user);
      }
      this.#requests.set(user.key, now + 1);
    }
    return { user, service, leave };
  }

  #noMore({ key }: ProxyUser): ProxyRefusal {
    this.#options.onRequestsMax?.(key);
    return new ProxyRefusal('requests-max');
  }

  #userOf(request: IncomingMessage): ProxyUser {
    const [, written = ''] =
      /^Basic +([A-Za-z0-9+/=]+)$/i.exec(request.headers['proxy-authorization'] ?? '') ?? [];
    const [attempt = '', token = ''] = Buffer.from(written, 'base64').toString('utf8').split(':');
    const expected = Buffer.from(this.#tokenOf(attempt));
    const given = Buffer.from(token);
    const isRight = given.length === expected.length && timingSafeEqual(given, expected);
    const user = isRight ? this.#options.userOf(attempt) : undefined;
    if (user === undefined) throw new ProxyRefusal('unauthorized');
    return user;
  }
}

/** What went wrong on the way is the host's fault: nothing of it is told. */
function asRefusal(error: unknown): ProxyRefusal {
  if (error instanceof ProxyRefusal) return error;
  if (error instanceof Error && error.cause instanceof ProxyRefusal) return error.cause;
  return new ProxyRefusal('unreachable');
}

async function closeServer(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  await promise;
}
