import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type OpenSite, openSite } from './open-site.ts';

const bounded = { timeout: 20_000 };

async function built(t: TestContext): Promise<OpenSite> {
  const opened = await openSite(t);
  const web = join(opened.folder, 'web');
  mkdirSync(join(web, 'assets'), { recursive: true });
  writeFileSync(join(web, 'index.html'), '<!doctype html><title>Berth</title>');
  writeFileSync(join(web, 'assets', 'main-abc123.js'), 'export {};');
  writeFileSync(join(web, 'notes.secret'), 'no type, not served');
  writeFileSync(join(opened.folder, 'token.html'), 'outside');
  return opened;
}

test('before the page is built, / says how', bounded, async (t) => {
  const { ask } = await openSite(t);
  const answer = await ask('GET', '/', { token: null });
  assert.equal(answer.status, 503);
  assert.match(answer.text, /npm run build/);
});

test(
  'the page is served without a token, even when it was built after the start',
  bounded,
  async (t) => {
    const { ask } = await built(t);
    const answer = await ask('GET', '/', { token: null });
    assert.match(answer.text, /<title>Berth/);
    assert.equal(answer.headers['cache-control'], 'no-cache');
  },
);

test('files with a hash in their name are kept for good', bounded, async (t) => {
  const { ask } = await built(t);
  const answer = await ask('GET', '/assets/main-abc123.js');
  assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.match(String(answer.headers['cache-control']), /immutable/);
});

test('what the browser has already is not sent again', bounded, async (t) => {
  const { ask } = await built(t);
  const { headers } = await ask('GET', '/');
  const again = await ask('GET', '/', { headers: { 'if-none-match': String(headers['etag']) } });
  assert.deepEqual([again.status, again.text], [304, '']);
  assert.match(String(again.headers['content-security-policy']), /default-src/);
});

test('compressed for whoever takes it', bounded, async (t) => {
  const { port } = await built(t);
  const body = await new Promise<Buffer>((resolve, reject) => {
    get(
      { host: '127.0.0.1', port, path: '/', headers: { 'accept-encoding': 'gzip' } },
      (response) => {
        assert.equal(response.headers['content-encoding'], 'gzip');
        response.once('data', resolve);
      },
    ).on('error', reject);
  });
  assert.match(gunzipSync(body).toString(), /<title>Berth/);
});

for (const path of [
  '/../token.html',
  '/%2e%2e/token.html',
  '/..%2ftoken.html',
  '/assets/../../token.html',
  '/assets/..%5c..%5ctoken.html',
  '//etc/passwd',
  '/%00',
  '/notes.secret',
  '/assets',
  '/%',
]) {
  test(`nothing outside is served: ${path}`, bounded, async (t) => {
    const { ask } = await built(t);
    const answer = await ask('GET', path);
    assert.equal(answer.status, 404);
    assert.doesNotMatch(answer.text, /outside|served|root:/);
  });
}
