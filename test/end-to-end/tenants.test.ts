import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';

const bounded = { timeout: 180_000 };
const document = (name: string) =>
  `name: ${name}\nrun: 'echo secret of ${name}; exec sleep 600'\nresources: {cpu: 0.1, memory: 32Mi}\n`;

/** A daemon with three tenants: two that see their own, and a wall that sees all. */
async function lab(t: TestContext) {
  const scratch = scratchState(t);
  const { state } = scratch;
  const up = await berth(state, 'up', '-d', '--port', '0');
  const tokens: Record<string, string> = {};
  const add = async (name: string, ...more: string[]) => {
    tokens[name] = (await berth(state, 'token', 'add', name, ...more)).token;
  };
  await add('ana');
  await add('bo');
  await add('wall', '--role', 'viewer', '--sees', 'all');
  const ask = async (who: string, method: string, path: string, body?: string) => {
    const answer = await fetch(`${up.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${tokens[who]}` },
      ...(body !== undefined && { body }),
    });
    const text = await answer.text();
    return { status: answer.status, text, json: () => JSON.parse(text) };
  };
  const ids: Record<string, string> = {};
  for (const who of ['ana', 'bo']) {
    const answer = await ask(who, 'POST', '/workloads?cwd=/tmp', document(`of-${who}`));
    assert.equal(answer.status, 201, answer.text);
    ids[who] = answer.json().id;
  }
  return { scratch, state, tokens, ids, ask, url: up.url };
}

test('tenants do not see, read or stop the work of others', bounded, async (t) => {
  const { state, ids, ask } = await lab(t);
  const { ana, bo } = ids;
  assert.deepEqual(
    (await ask('ana', 'GET', '/workloads')).json().workloads.map((w: { id: string }) => w.id),
    [ana],
  );
  assert.equal((await ask('ana', 'GET', `/workloads?tenant=bo`)).json().total, 0);
  assert.equal((await ask('wall', 'GET', '/workloads')).json().total, 2);
  assert.equal((await ask('wall', 'GET', '/workloads?tenant=bo')).json().total, 1);

  const attempt = (await berth(state, 'ps', '--tenant', 'bo')).workloads.length;
  assert.equal(attempt, 1);
  const hidden: readonly [method: string, path: string][] = [
    ['GET', `/workloads/${bo}`],
    ['GET', `/workloads/${bo}/why`],
    ['GET', `/workloads/${bo}/source`],
    ['POST', `/workloads/${bo}/cancel`],
    ['GET', `/attempts/${bo}.of-bo.0.1/logs/stdout`],
    ['GET', `/attempts/${bo}.of-bo.0.1/logs/stdout/download`],
  ];
  for (const [method, path] of hidden) {
    const answer = await ask('ana', method, path);
    assert.equal(answer.status, 404, `${method} ${path}: ${answer.text}`);
    assert.doesNotMatch(answer.text, /secret|of-bo"/);
  }
  // The same as of what never was: the answer does not tell that it is there.
  const [known, unknown] = [
    await ask('ana', 'GET', `/workloads/${bo}`),
    await ask('ana', 'GET', '/workloads/999'),
  ];
  assert.equal(known.text.replaceAll(bo!, 'N'), unknown.text.replaceAll('999', 'N'));

  // Whoever sees all may look, and no more.
  assert.equal((await ask('wall', 'GET', `/workloads/${bo}`)).status, 200);
  assert.equal((await ask('wall', 'POST', `/workloads/${bo}/cancel`)).status, 403);
  assert.equal((await ask('wall', 'POST', '/workloads', document('x'))).status, 403);

  assert.equal((await ask('bo', 'POST', `/workloads/${bo}/cancel`)).status, 202);
  const ended = await berth(state, 'wait', bo!).catch(() => undefined);
  assert.equal(ended?.status ?? 'cancelled', 'cancelled');
  assert.equal((await ask('ana', 'POST', `/workloads/${ana}/cancel`)).status, 202);
  await runBerth(['wait', ana!, '--state', state]);
});

test('only an admin hands out tokens and submits for others', bounded, async (t) => {
  const { state, ids, ask, scratch } = await lab(t);
  for (const [method, path, body] of [
    ['GET', '/tokens'],
    ['POST', '/tokens', '{"tenant":"eve","role":"admin"}'],
    ['DELETE', '/tokens/000000000000'],
    ['POST', '/shutdown'],
    ['POST', '/workloads?tenant=bo', document('for-bo')],
  ] as const) {
    assert.equal((await ask('ana', method, path, body)).status, 403, `${method} ${path}`);
  }
  const { tokens } = await berth(state, 'token', 'list');
  assert.deepEqual(
    tokens.map((one: { tenant: string }) => one.tenant),
    ['ana', 'bo', 'wall'],
  );
  assert.ok(!JSON.stringify(tokens).includes('"token"'));

  const file = scratch.write('for-bo.yaml', document('for-bo'));
  const { id } = await berth(state, 'submit', file, '--tenant', 'bo');
  assert.equal((await ask('bo', 'GET', `/workloads/${id}`)).json().workload.tenant, 'bo');

  await berth(state, 'token', 'revoke', tokens[0].id);
  assert.equal((await ask('ana', 'GET', '/workloads')).status, 401);
  assert.equal((await runBerth(['token', 'revoke', tokens[0].id, '--state', state])).code, 66);
  for (const one of [id, ...Object.values(ids)]) await runBerth(['cancel', one, '--state', state]);
  for (const one of [id, ...Object.values(ids)]) await runBerth(['wait', one, '--state', state]);
});

test('a stream of changes tells of nothing that belongs to others', bounded, async (t) => {
  const { state, ids, tokens, url } = await lab(t);
  const ended = new AbortController();
  const stream = await fetch(`${url}/api/v1/events`, {
    headers: { authorization: `Bearer ${tokens['ana']}` },
    signal: ended.signal,
  });
  const heard: string[] = [];
  let text = '';
  await runBerth(['cancel', ids['bo']!, '--state', state]);
  await runBerth(['wait', ids['bo']!, '--state', state]);
  await runBerth(['cancel', ids['ana']!, '--state', state]);
  await runBerth(['wait', ids['ana']!, '--state', state]);
  const decoder = new TextDecoder();
  for await (const piece of stream.body!) {
    text += decoder.decode(piece, { stream: true });
    const changes = [...text.matchAll(/^data: (.*"workloads".*)$/gm)];
    heard.splice(0, heard.length, ...changes.flatMap(([, data]) => JSON.parse(data!).workloads));
    if (heard.includes(ids['ana']!)) break;
  }
  ended.abort();
  assert.ok(!heard.includes(ids['bo']!), heard.join());
});
