import { OpenAPIHono } from '@hono/zod-openapi';
import { OperationError } from '../../model/errors.ts';
import { mayDo, provenanceFault } from './access.ts';
import { addAlertRoutes } from './alert-routes.ts';
import type { ApiDeps, ApiEnv, Identity } from './api-env.ts';
import { addCacheRoutes } from './cache-routes.ts';
import { addDoctorRoutes } from './doctor-routes.ts';
import { addExpositionRoute } from './exposition-route.ts';
import { addIncidentRoutes } from './incident-routes.ts';
import { addInventoryRoutes } from './inventory-routes.ts';
import { addLeaseRoutes } from './lease-routes.ts';
import { addLiveRoutes } from './live-routes.ts';
import { localAdmin } from './local-admin.ts';
import { addLogRoutes } from './log-routes.ts';
import { addMetricRoutes } from './metric-routes.ts';
import { addMoneyRoutes } from './money-routes.ts';
import { addNetworkRoutes } from './network-routes.ts';
import { openApiDocument } from './openapi.ts';
import { quote } from './params.ts';
import { internalProblem, notFound, PROBLEM_TYPE, problemOf } from './problem.ts';
import { addQueueRoutes } from './queue-routes.ts';
import { addRebalanceRoutes } from './rebalance-routes.ts';
import { referencePage, referenceStyle } from './reference-page.ts';
import { addReportRoutes } from './report-routes.ts';
import { addRetryRoute } from './retry-route.ts';
import { addServiceRoutes } from './service-routes.ts';
import { addSettingsRoutes } from './settings-routes.ts';
import { SightedLeases, SightedSite } from './sighted-site.ts';
import { addSiteRoutes } from './site-routes.ts';
import { addTokenRoutes } from './token-routes.ts';
import { addTransferRoutes } from './transfer-routes.ts';
import { addWhatIfRoutes } from './what-if-routes.ts';
import { addWorkloadRoutes } from './workload-routes.ts';

/** A session ends with the browser's memory of it; the token itself changes only when its file does. */
const COOKIE_SECONDS = 30 * 86_400;

const securityHeaders: readonly (readonly [string, string])[] = [
  [
    'content-security-policy',
    [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ].join('; '),
  ],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
];

/** The whole API and the page as one function from request to answer; `io/` puts it on sockets. */
export function makeApi(deps: ApiDeps): OpenAPIHono<ApiEnv> {
  const api = new OpenAPIHono<ApiEnv>({
    defaultHook(result) {
      if (result.success) return;
      const issues = result.error.issues.map(({ path, message }) => ({ path, message }));
      const [first] = issues;
      const where = `${result.target} ${first?.path.join('.') ?? ''}`.trim();
      throw new OperationError('USAGE', `${where}: ${first?.message ?? 'invalid'}.`, { issues });
    },
  });
  addChecks(api, deps);
  addWorkloadRoutes(api, deps);
  addLiveRoutes(api);
  addRebalanceRoutes(api);
  addRetryRoute(api);
  addWhatIfRoutes(api, deps);
  addCacheRoutes(api);
  addServiceRoutes(api, deps);
  addTokenRoutes(api, deps);
  addLogRoutes(api, deps);
  addQueueRoutes(api);
  addMoneyRoutes(api, deps);
  addDoctorRoutes(api, deps);
  addMetricRoutes(api, deps);
  addReportRoutes(api, deps);
  addIncidentRoutes(api, deps);
  addAlertRoutes(api, deps);
  addNetworkRoutes(api);
  addSiteRoutes(api, deps);
  addSettingsRoutes(api, deps);
  addInventoryRoutes(api);
  addLeaseRoutes(api);
  addTransferRoutes(api, deps);
  addExpositionRoute(api, deps);
  addPages(api, deps);
  api.notFound(({ req }) => {
    throw notFound(`${req.method} ${quote(req.path)}`);
  });
  api.onError((error, c) => {
    const known = error instanceof OperationError;
    const problem = known ? problemOf(error) : internalProblem;
    if (!known || problem.status >= 500) {
      deps.log(`${c.req.method} ${quote(c.req.path)} answered ${problem.status}.`, error);
    }
    const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE };
    if (problem.status === 401) headers['www-authenticate'] = 'Bearer';
    return new Response(JSON.stringify(problem), { status: problem.status, headers });
  });
  return api;
}

function addChecks(api: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  api.use(async (c, next) => {
    await next();
    for (const [name, value] of securityHeaders) c.header(name, value);
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store');
  });

  api.use(async (c, next) => {
    if (c.env.via === 'unix') return next();
    const { method, path } = c.req;
    const fault = provenanceFault(
      {
        method,
        path,
        host: c.req.header('host'),
        origin: c.req.header('origin'),
        fetchSite: c.req.header('sec-fetch-site'),
        fetchMode: c.req.header('sec-fetch-mode'),
        fetchDest: c.req.header('sec-fetch-dest'),
      },
      deps.address().names,
    );
    if (fault !== undefined) throw new OperationError('FORBIDDEN', fault);
    return next();
  });

  api.on('ALL', ['/api/*', '/metrics'], async (c, next) => {
    const identify = (): Identity | undefined =>
      c.env.via === 'unix' ? localAdmin : bearer(c.req.raw.headers, deps);
    const identity = identify();
    if (identity === undefined) {
      throw new OperationError('UNAUTHORIZED', 'The token is missing or wrong.');
    }
    if (!mayDo(identity.role, c.req.method, c.req.path)) {
      throw new OperationError('FORBIDDEN', `The role ${identity.role} may not do that.`);
    }
    c.set('identity', identity);
    const all = identity.role === 'admin';
    const site = all ? deps.site : new SightedSite(identity, deps.site);
    c.set('site', site);
    c.set('asked', { site, connection: c.env, isKnown: () => identify() !== undefined });
    c.set('leases', all ? deps.leases : new SightedLeases(identity, deps));
    return next();
  });
}

function bearer(headers: Headers, deps: ApiDeps): Identity | undefined {
  const token = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  if (token !== undefined) return deps.identify(token);
  const cookie = `${deps.address().cookie}=`;
  const pair = (headers.get('cookie') ?? '').split('; ').find((text) => text.startsWith(cookie));
  return pair === undefined ? undefined : deps.identify(pair.slice(cookie.length));
}

function addPages(api: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const document = JSON.stringify(openApiDocument(), undefined, 2);
  api.get('/healthz', (c) => c.text('ok\n'));
  api.get('/openapi.json', (c) => c.body(document, 200, { 'content-type': 'application/json' }));
  api.get('/docs', (c) => c.html(referencePage()));
  api.get('/docs/style.css', (c) => c.body(referenceStyle, 200, { 'content-type': 'text/css' }));

  /** Turns a token into a cookie, so that the page can ask without ever seeing the token. */
  api.get('/login', (c) => {
    const given = c.req.query('token');
    const headers =
      given === undefined ? c.req.raw.headers : new Headers({ authorization: `Bearer ${given}` });
    if (bearer(headers, deps) === undefined) {
      throw new OperationError('UNAUTHORIZED', 'The token is missing or wrong.');
    }
    const token = given ?? c.req.header('authorization')?.replace(/^Bearer +/i, '');
    if (token !== undefined) {
      const { cookie } = deps.address();
      c.header(
        'set-cookie',
        `${cookie}=${token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${COOKIE_SECONDS}`,
      );
    }
    return c.redirect('/', 303);
  });

  api.get('*', (c) => deps.page(c.req.path, c.req.raw.headers) ?? c.notFound());
}
