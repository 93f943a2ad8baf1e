import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { problemSchema, submittedSchema } from '../../src/api/contract/documents.ts';
import { webDir } from '../../src/app/web-dir.ts';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';

const bounded = { timeout: 120_000 };
const scratch = scratchState();
let url = '';
let token = '';

before(
  async () => {
    const up = await runBerth(['up', '-d', '--port', '0', '--json', '--state', scratch.state]);
    assert.equal(up.code, 0, up.stderr);
    url = JSON.parse(up.stdout).url;
    token = readFileSync(join(scratch.state, 'token'), 'utf8').trim();
  },
  { timeout: 60_000 },
);

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Not `fetch`, which sets Host by itself. */
function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(path, url),
      { method: options.method ?? 'GET', headers: options.headers ?? {}, timeout: 20_000 },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        answer.on('end', () => {
          const type = answer.headers['content-type'] ?? '';
          resolve({ status: answer.statusCode ?? 0, type, body });
        });
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`${path}: no answer`)));
    sent.on('error', reject);
    sent.end(options.body);
  });
}

const mine = () => ({ authorization: `Bearer ${token}` });

test('the token opens the API, and nobody else reads it from the disk', bounded, async () => {
  assert.equal(statSync(join(scratch.state, 'token')).mode & 0o777, 0o600);
  assert.equal(statSync(scratch.state).mode & 0o777, 0o700);
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: token }]) {
    for (const path of ['/api/v1/status', '/api/v1/workloads', '/api/v1/events']) {
      const { status, type, body } = await ask(path, { headers });
      assert.equal(status, 401, path);
      assert.match(type, /application\/problem\+json/);
      assert.equal(problemSchema.parse(JSON.parse(body)).code, 'UNAUTHORIZED');
    }
  }
  const { status, body } = await ask('/api/v1/status', { headers: mine() });
  assert.equal(status, 200);
  assert.equal(JSON.parse(body).pid, (await berth(scratch.state, 'status')).pid);
});

test('a page of another site drives nothing', bounded, async () => {
  for (const headers of [
    { ...mine(), host: 'evil.example' },
    { ...mine(), host: `evil.example:${new URL(url).port}` },
    { ...mine(), origin: 'http://evil.example' },
    { ...mine(), origin: 'null' },
  ]) {
    const read = await ask('/api/v1/status', { headers });
    assert.equal(read.status, 403, JSON.stringify(headers));
    const body = "name: evil\nrun: 'true'\n";
    const yaml = { ...headers, 'content-type': 'application/yaml' };
    const written = await ask('/api/v1/workloads', { method: 'POST', headers: yaml, body });
    assert.equal(written.status, 403);
  }
  assert.deepEqual((await berth(scratch.state, 'ps', '--all')).workloads, []);
});

test('a document is submitted, waited for and cancelled over TCP', bounded, async () => {
  const headers = { ...mine(), 'content-type': 'application/yaml' };
  const body = "name: tcp\nrun: 'sleep 600'\nresources: {cpu: 0.1, memory: 32Mi}\n";
  const posted = await ask('/api/v1/workloads', { method: 'POST', headers, body });
  assert.equal(posted.status, 201, posted.body);
  const { id } = submittedSchema.parse(JSON.parse(posted.body));
  const path = `/api/v1/workloads/${id}/cancel`;
  assert.equal((await ask(path, { method: 'POST', headers: mine() })).status, 202);
  const ended = await berth(scratch.state, 'wait', id);
  assert.equal(ended.status, 'cancelled');
});

test('what is wrong with a body is a problem document', bounded, async () => {
  const headers = { ...mine(), 'content-type': 'application/yaml' };
  const post = (body: string, more = {}) =>
    ask('/api/v1/workloads', { method: 'POST', headers: { ...headers, ...more }, body });
  const cases: readonly [string, Answer, number, string][] = [
    ['too large', await post(`# ${'x'.repeat(2 * 1024 ** 2)}`), 413, 'BODY_TOO_LARGE'],
    ['invalid', await post('name: a\n'), 422, 'SPEC_INVALID'],
    ['of another type', await post('x', { 'content-type': 'image/png' }), 400, 'USAGE'],
    ['unknown id', await ask('/api/v1/workloads/99', { headers: mine() }), 404, 'NOT_FOUND'],
    ['no such path', await ask('/api/v1/nothing', { headers: mine() }), 404, 'NOT_FOUND'],
  ];
  for (const [name, answer, status, code] of cases) {
    assert.equal(answer.status, status, name);
    assert.equal(problemSchema.parse(JSON.parse(answer.body)).code, code, name);
  }
  const up = await ask('/api/v1/status', { headers: mine() });
  assert.equal(up.status, 200, 'the daemon is as it was');
});

test('the OpenAPI document is served, and is the one of the repository', bounded, async () => {
  const { status, body } = await ask('/openapi.json', { headers: mine() });
  assert.equal(status, 200);
  const document = JSON.parse(body);
  assert.match(document.openapi, /^3\.1\./);
  const kept = JSON.parse(readFileSync('docs/reference/openapi.json', 'utf8'));
  assert.deepEqual(Object.keys(document.paths), Object.keys(kept.paths));
  assert.equal((await ask('/docs', { headers: mine() })).status, 200);
});

const built = existsSync(join(webDir(), 'index.html'));
test('the web page is served', {
  ...bounded,
  skip: built ? false : 'npm run build makes it',
}, async () => {
  const { status, type, body } = await ask('/', { headers: mine() });
  assert.equal(status, 200);
  assert.match(type, /text\/html/);
  const script = /src="(\/[^"]+\.js)"/.exec(body)?.[1];
  assert.ok(script !== undefined, 'it has a script');
  assert.equal((await ask(script)).status, 200);
});
