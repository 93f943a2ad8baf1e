import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { documentReference } from '../../src/spec/document-reference.ts';
import { documentJsonSchema } from '../../src/spec/document-schema.ts';
import { taskEnvironment } from '../../src/spec/task-environment.ts';

interface Node {
  readonly $schema?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: unknown;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly then?: Node;
  readonly else?: Node;
}

const schema: Node = documentJsonSchema();
const job = schema.else!;
const pipeline = schema.then!;

/** Every key with its path, through lists, forms and maps. */
function keys(node: Node, path = ''): [path: string, node: Node][] {
  const below = [...(node.anyOf ?? []), ...(node.items ? [node.items] : [])];
  const here = Object.entries(node.properties ?? {}).flatMap(([name, key]): [string, Node][] => [
    [`${path}${name}`, key],
    ...keys(key, `${path}${name}.`),
  ]);
  return [...here, ...below.flatMap((part) => keys(part, path))];
}

test('is draft 2020-12 and can be written as JSON', () => {
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
  assert.deepEqual(JSON.parse(JSON.stringify(schema)), schema);
});

test('describes every key', () => {
  const all = [...keys(job), ...keys(pipeline)];
  assert.ok(all.length > 150);
  assert.deepEqual(
    all.filter(([, key]) => (key.description ?? '') === '').map(([path]) => path),
    [],
  );
});

test('tells the defaults', () => {
  const defaults = Object.fromEntries(keys(job).map(([path, key]) => [path, key.default]));
  assert.equal(defaults['resource_limits.grace_period'], '10s');
  assert.equal(defaults['resource_limits.log'], '16Mi');
  assert.equal(defaults['resource_limits.pids'], 4096);
  assert.equal(defaults['retry.backoff_max'], '5m');
  assert.equal(defaults['retry.memory_growth'], '1');
  assert.equal(defaults['queue'], 'default');
});

describe('another reader of the published schema agrees about the form', () => {
  // Read back by zod: not our own checks, only what the JSON says.
  const readers = {
    job: z.fromJSONSchema(JSON.parse(JSON.stringify(job))),
    pipeline: z.fromJSONSchema(JSON.parse(JSON.stringify(pipeline))),
  };
  const quickstart = readFileSync(
    new URL('../../examples/quickstart.yaml', import.meta.url),
    'utf8',
  );
  const cases: Record<string, { form: keyof typeof readers; text: string; want: boolean }> = {
    'the quickstart': { form: 'pipeline', text: quickstart, want: true },
    'a job': {
      form: 'job',
      text: 'run: [a, 1]\nresources: {cpu: {limit: 1}, memory: 1Gi}',
      want: true,
    },
    'an unknown key': { form: 'job', text: 'run: x\nzzz: 1', want: false },
    'an unknown key deep down': {
      form: 'job',
      text: 'run: x\nresources: {memroy: 1}',
      want: false,
    },
    'a wrong type': { form: 'job', text: 'run: x\ncount: [1]', want: false },
    'a step without an id': { form: 'pipeline', text: 'steps: [{run: x}]', want: false },
    'a step with a bad id': { form: 'pipeline', text: 'steps: [{id: a b, run: x}]', want: false },
  };
  for (const [name, { form, text, want }] of Object.entries(cases)) {
    test(name, () => assert.equal(readers[form].safeParse(parse(text)).success, want));
  }
});

describe('the reference', () => {
  const text = documentReference();
  test('has every key of both forms', () => {
    const missing = [...keys(job), ...keys(pipeline)]
      .map(([path]) => path.split('.').at(-1)!)
      .filter((name) => !new RegExp(`\`([a-z_]+\\.)*${name}\``).test(text));
    assert.deepEqual(missing, []);
  });
  test('has the environment of a task', () => {
    for (const name of Object.keys(taskEnvironment)) assert.ok(text.includes(`\`${name}\``));
  });
  test('has rows of as many cells as their header', () => {
    const lines = text.split('\n');
    lines.forEach((line, i) => {
      if (!line.startsWith('|') || !lines[i - 1]?.startsWith('|')) return;
      const cells = (row: string): number => row.replaceAll('\\|', '').split('|').length;
      assert.equal(cells(line), cells(lines[i - 1]!), line);
    });
  });
});
