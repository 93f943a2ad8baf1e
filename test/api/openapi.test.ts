import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openApiDocument, operations } from '../../src/api/routes/openapi.ts';
import { openSite } from './open-site.ts';

const document = JSON.parse(JSON.stringify(openApiDocument()));
const methods = Object.entries<Record<string, unknown>>(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    path,
    method,
    operation: operation as never,
  })),
);

test('docs/reference/openapi.json is what the routes say', () => {
  const kept = readFileSync(new URL('../../docs/reference/openapi.json', import.meta.url), 'utf8');
  assert.deepEqual(JSON.parse(kept), document, 'run `node scripts/generate.ts`');
});

test('it is OpenAPI 3.1 with one operation per route', () => {
  assert.equal(document.openapi, '3.1.0');
  assert.equal(methods.length, operations.length);
  const ids = methods.map(({ operation }) => operation['operationId']);
  assert.equal(new Set(ids).size, ids.length);
});

test('every reference in it leads somewhere', () => {
  const text = JSON.stringify(document);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(document.components.schemas[name!], name);
  }
});

for (const { path, method, operation } of methods) {
  test(`${method} ${path} is described in full`, () => {
    const { operationId, summary, responses, parameters } = operation as {
      operationId: string;
      summary: string;
      responses: Record<string, { content?: unknown }>;
      parameters?: { in: string; name: string }[];
    };
    assert.match(operationId, /^[a-z][A-Za-z]+$/);
    assert.ok(summary);
    const statuses = Object.keys(responses);
    assert.ok(statuses.some((status) => status.startsWith('2')));
    for (const status of ['401', '403', '500']) assert.ok(statuses.includes(status), status);
    for (const status of statuses.filter((s) => Number(s) >= 400)) {
      assert.deepEqual(
        responses[status]?.content,
        { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        status,
      );
    }
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const described = (parameters ?? []).filter((p) => p.in === 'path');
    assert.deepEqual(described.map((p) => p.name).sort(), inPath.sort());
  });
}

test('every operation is served, and asks for a token', { timeout: 20_000 }, async (t) => {
  const { ask } = await openSite(t);
  for (const { path, method } of methods) {
    const at = path.replace('{id}', '1').replace('{stream}', 'stdout');
    const answer = await ask(method.toUpperCase(), at, { token: null });
    assert.equal(answer.status, 401, `${method} ${path}`);
  }
});

test('the reference page names every operation and runs no script', {
  timeout: 20_000,
}, async (t) => {
  const { ask } = await openSite(t);
  const { text } = await ask('GET', '/docs');
  for (const { operationId } of operations)
    assert.ok(text.includes(`id="${operationId}"`), operationId);
  assert.doesNotMatch(text, /<script|https?:\/\//);
});
