import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ApiProblem, getJson, getText, postJson } from '../../web/src/api-client.ts';

async function served(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const unreachable = (error: unknown): boolean =>
  error instanceof ApiProblem && error.problem.code === 'UNREACHABLE';

test('an answer that breaks off is told like a daemon that does not answer', async (t) => {
  const url = await served(t, (_, answer) => {
    answer.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    answer.write('{"half":', () => answer.destroy());
  });
  for (const ask of [() => getJson(url), () => getText(url), () => postJson(url, {})]) {
    await assert.rejects(ask, unreachable);
  }
});

test('whoever gives up waiting for the rest hears of no problem', async (t) => {
  const given = new AbortController();
  const url = await served(t, (_, answer) => {
    answer.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    answer.write('{', () => given.abort());
    t.after(() => answer.destroy());
  });
  await assert.rejects(getJson(url, given.signal), { name: 'AbortError' });
});
