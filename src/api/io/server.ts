import { rmSync } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { assert } from '../../base/assert.ts';
import { OperationError } from '../../model/errors.ts';
import type { AlertSite } from '../contract/alert-documents.ts';
import type { LeaseSite } from '../contract/lease-documents.ts';
import type { MoneySite } from '../contract/money-documents.ts';
import type { TokenSite } from '../contract/token-documents.ts';
import type { TransferSite } from '../contract/transfer-documents.ts';
import type { Site } from '../contract/views.ts';
import { namesOf } from '../routes/access.ts';
import type { Address, Connection, Log, Parse } from '../routes/api-env.ts';
import { makeApi } from '../routes/make-api.ts';
import { EventStreams } from './event-streams.ts';
import { listening } from './listening.ts';
import { pageFiles } from './page-files.ts';
import { type TokenHolders, tokenCheck } from './token-check.ts';
import { listenUnix } from './unix-socket.ts';

const CONNECTIONS_MAX = 512;
/** What is under way when the server closes gets this long to be answered. */
const CLOSE_MS_MAX = 2_000;
const IDLE_CHECK_MS = 20;

const limits: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 15_000,
  maxHeaderSize: 16_384,
};

export interface ServerConfig {
  readonly site: Site;
  readonly leases: LeaseSite;
  readonly money: MoneySite;
  readonly alerts: AlertSite;
  readonly transfers: TransferSite;
  /** What clients over TCP must show; those on the unix socket need nothing. */
  readonly token: string;
  /** Tokens of tenants, and of tasks that run. */
  readonly tokens: TokenSite;
  readonly holders: TokenHolders;
  readonly socketPath: string;
  readonly host: string;
  /** 0 takes any that is free; undefined opens none, only the unix socket. */
  readonly port: number | undefined;
  /** Where the built page is. May be filled later; until then `/` says how to build it. */
  readonly webDir: string;
  readonly parse: Parse;
  readonly log: Log;
}

export interface OpenServer {
  /** Of the web page and the API over TCP, without a slash at its end; empty without TCP. */
  readonly url: string;
  /** Ends event streams, lets short requests finish, and removes the socket. */
  close(): Promise<void>;
}

/**
 * Opens the API and the page on a unix socket and on TCP.
 * Throws OperationError: ADDRESS_IN_USE, DAEMON_RUNNING, STATE_UNWRITABLE.
 */
export async function openServer(config: ServerConfig): Promise<OpenServer> {
  const { site, leases, money, transfers, tokens, token, holders, socketPath, host } = config;
  const { webDir, parse, log, alerts } = config;
  const closing = new AbortController();
  let address: Address = { names: [], cookie: '' };
  const api = makeApi({
    site,
    leases,
    money,
    alerts,
    transfers,
    tokens,
    parse,
    log,
    streams: new EventStreams({ signal: closing.signal }, { log }),
    identify: tokenCheck(token, holders),
    address: () => address,
    page: pageFiles(webDir),
  });
  const serverFor = (via: Connection['via']): Server => {
    const listener = getRequestListener(
      (request, env) => {
        const { outgoing } = env as HttpBindings;
        return api.fetch(request, { via, drop: () => outgoing.destroy() });
      },
      { overrideGlobalObjects: false },
    );
    const server = createServer(limits, listener);
    server.maxConnections = CONNECTIONS_MAX;
    return server;
  };

  const unix = serverFor('unix');
  const tcp = serverFor('tcp');
  await listenUnix(unix, socketPath);
  const close = async (): Promise<void> => {
    closing.abort();
    await Promise.all([ended(unix), ended(tcp)]);
    rmSync(socketPath, { force: true });
  };
  const wanted = config.port;
  if (wanted === undefined) return { url: '', close };
  try {
    await listening(tcp, () => tcp.listen({ host, port: wanted }));
  } catch (cause) {
    await close();
    throw listenFault(host, wanted, cause);
  }
  const bound = tcp.address();
  assert(bound !== null && typeof bound === 'object', 'listens on TCP');
  const { port } = bound;
  address = { names: namesOf(host, port), cookie: `berth-${port}` };
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, close };
}

function listenFault(host: string, port: number, cause: unknown): OperationError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const why =
    code === 'EADDRINUSE'
      ? `Port ${port} of ${host} is in use by another process.`
      : `Cannot listen on port ${port} of ${host} (${String(code)}).`;
  return new OperationError('ADDRESS_IN_USE', why, { host, port }, cause);
}

async function ended(server: Server): Promise<void> {
  if (!server.listening) return;
  const done = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection becomes idle only after its last answer, which may still be on its way.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
  await done;
  clearInterval(idle);
  clearTimeout(cut);
}
