import type { TenantId } from '../../model/ids.ts';
import type { CallerRole, Identity } from './api-env.ts';

/** The headers by which a browser says for whom it asks. */
export interface Provenance {
  readonly method: string;
  readonly path: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly fetchDest: string | undefined;
}

/**
 * Why a request over TCP is refused, whoever asks: a stranger's name for this address (DNS
 * rebinding), or a page of another site that a browser asks for. Nothing when it may go on.
 */
export function provenanceFault(asked: Provenance, names: readonly string[]): string | undefined {
  const host = asked.host?.toLowerCase();
  if (host === undefined || !names.includes(host)) {
    return `The Host header is not one of ${names.join(', ')}.`;
  }
  if (asked.origin !== undefined && asked.origin.toLowerCase() !== `http://${host}`) {
    return 'The Origin header is that of another site.';
  }
  const ours = asked.fetchSite === undefined || ['same-origin', 'none'].includes(asked.fetchSite);
  if (ours) return undefined;
  const opensPage =
    asked.method === 'GET' &&
    asked.fetchMode === 'navigate' &&
    asked.fetchDest === 'document' &&
    !asked.path.startsWith('/api/');
  return opensPage ? undefined : 'Another site may only link to the pages.';
}

/** What clients may call a listener on this address; the port is left out where it is the default. */
export function namesOf(host: string, port: number): readonly string[] {
  const hosts = new Set([
    'localhost',
    '127.0.0.1',
    '[::1]',
    host.includes(':') ? `[${host}]` : host,
  ]);
  return [...hosts].flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]));
}

/** Whether it may be asked at all; what a task may cancel, the site knows. */
export function mayDo(role: CallerRole, method: string, path: string): boolean {
  if (isForAdmin(path)) return role === 'admin';
  if (method === 'GET' || method === 'HEAD') return true;
  // Whom it moves belongs to all.
  if (path === '/api/v1/rebalance') return role === 'admin';
  if (role === 'task') return method === 'POST' && ofTasks.test(path);
  return role !== 'viewer';
}

const isForAdmin = (path: string): boolean =>
  /^\/api\/v1\/(shutdown|tokens|transfers|silences)(\/|$)/.test(path);

/** It submits, and cancels what it submitted itself. */
const ofTasks = /^\/api\/v1\/workloads(\/[^/]+\/cancel)?$/;

export const maySee = ({ tenant, role, sees }: Identity, owner: TenantId | undefined): boolean =>
  role === 'admin' || sees === 'all' || owner === tenant;

/** Whose tasks, series and money he sees; undefined: everybody's. */
export const onlyOf = ({ role, sees, tenant }: Identity): TenantId | undefined =>
  role === 'admin' || sees === 'all' ? undefined : tenant;

export const mayChange = ({ tenant, role }: Identity, owner: TenantId | undefined): boolean =>
  role === 'admin' || owner === tenant;
