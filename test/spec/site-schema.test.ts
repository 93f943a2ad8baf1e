import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { orders } from '../../src/scheduling/orders/registry.ts';
import { scorers } from '../../src/scheduling/scorers/registry.ts';
import { siteReference } from '../../src/spec/site-reference.ts';
import { siteJsonSchema } from '../../src/spec/site-schema.ts';
import { node, Site } from '../builders/site.ts';
import { reported, schedulingOf } from '../builders/site-text.ts';

const example = readFileSync(new URL('../../examples/site.yaml', import.meta.url), 'utf8');

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly $defs?: Readonly<Record<string, Schema>>;
}

function keysOf(schema: Schema): readonly [string, Schema][] {
  const below = [
    ...(schema.anyOf ?? []),
    ...(schema.items ? [schema.items] : []),
    ...(typeof schema.additionalProperties === 'object'
      ? [schema.additionalProperties as Schema]
      : []),
    ...Object.values(schema.$defs ?? {}),
  ];
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, key]): [string, Schema][] => [
      [name, key],
      ...keysOf(key),
    ]),
    ...below.flatMap(keysOf),
  ];
}

const schema: Schema = siteJsonSchema();

test('every key says what it means', () => {
  const silent = keysOf(schema).filter(([, { description }]) => !description);
  assert.deepEqual(
    silent.map(([name]) => name),
    [],
  );
});

describe('another reader of the published schema agrees about the form', () => {
  const reader = z.fromJSONSchema(JSON.parse(JSON.stringify(schema)));
  const cases: Record<string, { text: string; want: boolean }> = {
    'the example': { text: example, want: true },
    'a bare queue': { text: 'queues: {a: , b: {children: {c: {weight: 2}}}}', want: true },
    'an unknown block': { text: 'quoats: []', want: false },
    'an unknown key of a queue deep down': {
      text: 'queues: {a: {children: {b: {queues: {c: {wieght: 1}}}}}}',
      want: false,
    },
    'a quota without a name': { text: 'quotas: [{cpu_hours: 1}]', want: false },
  };
  for (const [name, { text, want }] of Object.entries(cases)) {
    test(name, () => assert.equal(reader.safeParse(parseYaml(text)).success, want));
  }
});

test('the reference has every key, and every order and scorer', () => {
  const text = siteReference({ orders, scorers });
  const names = [...orders, ...scorers].map(({ name }) => name);
  const missing = [...keysOf(schema).map(([name]) => name), ...names].filter(
    (name) => !new RegExp(`[\`.]${name}\``).test(text),
  );
  assert.deepEqual([...new Set(missing)], []);
});

test('the pieces of the guide make one document that is right', () => {
  const guide = readFileSync(new URL('../../docs/guides/site.md', import.meta.url), 'utf8');
  const pieces = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, piece]) => piece);
  assert.equal(pieces.length, 6);
  const lab = pieces.slice(0, 3).join('\n');
  for (const text of [lab, ...pieces.slice(3)] as string[]) assert.deepEqual(reported(text), []);
});

describe('examples/site.yaml', () => {
  test('is right, without a warning', () => assert.deepEqual(reported(example), []));

  const now = Date.parse('2026-05-04T12:00:00Z');
  const open = (cpu = 8_000) => {
    const site = new Site(schedulingOf(example, now), node('n', { cpu, gpus: 1 }));
    site.now = now;
    return site;
  };

  test('training has three parts of five beside the others, and its teams 60 to 40', () => {
    const site = open(51_000);
    for (const queue of ['default', 'sweep', 'spare']) {
      for (const tenant of ['ada', 'bob']) site.submit({ queue, tenant, count: 60 });
    }
    for (const tenant of ['bob', 'eve'])
      site.submit({ queue: 'train', tenant, priority: 1, count: 60 });
    site.pass();
    assert.deepEqual(site.held('queue'), { train: 30, default: 10, sweep: 10, spare: 1 });
    const inTraining = [...site.running.values()].filter(({ queue }) => queue === 'train');
    assert.equal(inTraining.filter(({ tenant }) => tenant === 'bob').length, 18);
  });

  test('a task of the sweep that is too large for now keeps its turn', () => {
    const site = open();
    site.submit({ queue: 'default', cpu: 4 });
    site.pass();
    site.submit({ queue: 'sweep', cpu: 6, runMs: 1_000 });
    site.submit({ queue: 'sweep', cpu: 1 });
    assert.deepEqual(site.pass(), []);
    assert.equal(site.why(3)?.code, 'behind');
  });

  test('no GPU is given out in spare', () => {
    const site = open();
    const refusal = site.submit({ queue: 'spare', gpu: 1, wallMs: 3_600_000 });
    assert.equal(refusal?.code, 'quota');
    assert.equal(site.submit({ queue: 'spare', cpu: 1 }), undefined);
  });

  test('at night one core waits for training', () => {
    const site = open();
    site.now = Date.parse('2026-05-04T20:30:00Z');
    site.submit({ queue: 'default', count: 20 });
    site.pass();
    assert.deepEqual(site.held('queue'), { default: 7 });
    site.submit({ queue: 'train', tenant: 'ada' });
    site.pass();
    assert.deepEqual(site.held('queue'), { default: 7, train: 1 });
  });
});
