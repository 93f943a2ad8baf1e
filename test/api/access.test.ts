import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayDo, namesOf, type Provenance, provenanceFault } from '../../src/api/routes/access.ts';
import { openSite, TOKEN } from './open-site.ts';

const bounded = { timeout: 20_000 };
const names = namesOf('127.0.0.1', 7171);
const plain: Provenance = {
  method: 'GET',
  path: '/api/v1/status',
  host: '127.0.0.1:7171',
  origin: undefined,
  fetchSite: undefined,
  fetchMode: undefined,
  fetchDest: undefined,
};
const link = { fetchSite: 'cross-site', fetchMode: 'navigate', fetchDest: 'document' };

const asked: Record<string, { of: Partial<Provenance>; want: RegExp | undefined }> = {
  'a program on this machine': { of: {}, want: undefined },
  'by the name localhost': { of: { host: 'localhost:7171' }, want: undefined },
  'by a name in capitals': { of: { host: 'LOCALHOST:7171' }, want: undefined },
  'by IPv6': { of: { host: '[::1]:7171' }, want: undefined },
  "a stranger's name for this address": { of: { host: 'evil.example:7171' }, want: /Host/ },
  'a name that begins like ours': { of: { host: 'localhost:7171.evil.example' }, want: /Host/ },
  'another port': { of: { host: 'localhost:7172' }, want: /Host/ },
  'no port': { of: { host: 'localhost' }, want: /Host/ },
  'no Host at all': { of: { host: undefined }, want: /Host/ },
  'our own page': {
    of: { origin: 'http://127.0.0.1:7171', fetchSite: 'same-origin' },
    want: undefined,
  },
  'the page of another port': { of: { origin: 'http://127.0.0.1:3000' }, want: /Origin/ },
  'our page under another name': { of: { origin: 'http://localhost:7171' }, want: /Origin/ },
  'an origin that hides itself': { of: { origin: 'null' }, want: /Origin/ },
  'an address that was typed': { of: { ...link, fetchSite: 'none', path: '/' }, want: undefined },
  'a link on another site to the page': { of: { ...link, path: '/' }, want: undefined },
  'a link on another site to the API': { of: link, want: /link to the pages/ },
  'a frame on another site': { of: { ...link, path: '/', fetchDest: 'iframe' }, want: /link/ },
  'an image on another site': {
    of: { path: '/', fetchSite: 'cross-site', fetchMode: 'no-cors', fetchDest: 'image' },
    want: /link/,
  },
  'a form on another site': { of: { ...link, method: 'POST', path: '/' }, want: /link/ },
  'another port of this machine': {
    of: { fetchSite: 'same-site', fetchMode: 'no-cors', fetchDest: 'script' },
    want: /link/,
  },
};
for (const [name, { of, want }] of Object.entries(asked)) {
  test(`provenance: ${name}`, () => {
    const fault = provenanceFault({ ...plain, ...of }, names);
    if (want === undefined) assert.equal(fault, undefined);
    else assert.match(fault ?? 'let through', want);
  });
}

test('on port 80 the port may be left out', () => {
  assert.ok(namesOf('127.0.0.1', 80).includes('localhost'));
  assert.ok(!namesOf('127.0.0.1', 8080).includes('localhost'));
});

const roles: readonly (readonly [Parameters<typeof mayDo>, boolean])[] = [
  [['viewer', 'GET', '/api/v1/status'], true],
  [['viewer', 'POST', '/api/v1/workloads'], false],
  [['user', 'POST', '/api/v1/workloads'], true],
  [['user', 'POST', '/api/v1/shutdown'], false],
  [['admin', 'POST', '/api/v1/shutdown'], true],
  [['user', 'GET', '/api/v1/transfers'], false],
  [['user', 'POST', '/api/v1/transfers'], false],
  [['user', 'POST', '/api/v1/transfers/1/cancel'], false],
  [['admin', 'POST', '/api/v1/transfers'], true],
];
for (const [[role, method, path], want] of roles) {
  test(`a ${role} ${want ? 'may' : 'may not'} ${method} ${path}`, () => {
    assert.equal(mayDo(role, method, path), want);
  });
}

for (const [name, token] of [
  ['no token', null],
  ['a wrong token', 'wrong'],
  ['a longer token', `${TOKEN}x`],
  ['an empty token', ''],
] as const) {
  test(`${name} is refused, and the answer says what to do`, bounded, async (t) => {
    const { ask } = await openSite(t);
    const answer = await ask('GET', '/api/v1/status', { token });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers['www-authenticate'], 'Bearer');
    assert.match(answer.text, /STATE\/token/);
  });
}

test('the unix socket needs no token', bounded, async (t) => {
  const { askUnix } = await openSite(t);
  assert.equal((await askUnix('GET', '/api/v1/status')).status, 200);
});

test('health and the reference need no token', bounded, async (t) => {
  const { ask } = await openSite(t);
  for (const path of ['/healthz', '/openapi.json', '/docs', '/docs/style.css']) {
    assert.equal((await ask('GET', path, { token: null })).status, 200, path);
  }
});

test('a login sets a cookie that works, and leaves no token in the address', bounded, async (t) => {
  const { ask, port } = await openSite(t);
  const login = await ask('GET', `/login?token=${TOKEN}`, { token: null });
  assert.equal(login.status, 303);
  assert.equal(login.headers['location'], '/');
  const cookie = login.headers['set-cookie']?.[0] ?? '';
  assert.match(cookie, new RegExp(`^berth-${port}=`));
  for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/'])
    assert.ok(cookie.includes(part), part);
  const pair = cookie.split(';')[0]!;
  const withCookie = (value: string) =>
    ask('GET', '/api/v1/status', { token: null, headers: { cookie: value } });
  assert.equal((await withCookie(`other=1; ${pair}`)).status, 200);
  assert.equal((await withCookie(`${pair}x`)).status, 401);
  assert.equal((await withCookie(`x${pair}`)).status, 401);
});

test('a login with a bearer token works too, for the form of the page', bounded, async (t) => {
  const { ask } = await openSite(t);
  const login = await ask('GET', '/login');
  assert.equal(login.status, 303);
  assert.ok(login.headers['set-cookie']?.[0]?.includes(TOKEN));
});

test('a login with a wrong token sets nothing', bounded, async (t) => {
  const { ask } = await openSite(t);
  const login = await ask('GET', '/login?token=wrong', { token: null });
  assert.equal(login.status, 401);
  assert.equal(login.headers['set-cookie'], undefined);
});

test(
  'over HTTP: a foreign Host, Origin or site is forbidden even with the token',
  bounded,
  async (t) => {
    const { ask } = await openSite(t);
    for (const headers of [
      { host: 'evil.example' },
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      const answer = await ask('GET', '/api/v1/status', { headers });
      assert.equal(answer.status, 403, JSON.stringify(headers));
      assert.match(answer.text, /FORBIDDEN/);
    }
  },
);

test('every answer carries the security headers', bounded, async (t) => {
  const { ask } = await openSite(t);
  for (const path of ['/', '/docs', '/api/v1/status', '/api/v1/nothing', '/login']) {
    const { headers } = await ask('GET', path);
    assert.match(
      String(headers['content-security-policy']),
      /default-src 'none'.*frame-ancestors 'none'/,
      path,
    );
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['cache-control'], 'no-store', path);
  }
});
