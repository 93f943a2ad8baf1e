import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { siteBlocks } from '../../src/spec/site-schema.ts';
import { type SiteSetting, siteSettings } from '../../src/spec/site-settings.ts';

const keyed = (text: string | undefined): ReadonlyMap<string, SiteSetting> =>
  new Map(siteSettings(text).settings.map((one) => [one.key, one]));

test('without a document every block is there, each key once, with its default and its meaning', () => {
  const { settings, leftOut } = siteSettings(undefined);
  assert.equal(leftOut, 0);
  assert.equal(new Set(settings.map(({ key }) => key)).size, settings.length);
  const blocks = new Set(settings.map(({ key }) => /^[^.[]*/.exec(key)![0]));
  assert.deepEqual([...blocks], Object.keys(siteBlocks));
  for (const { key, written, line, meaning } of settings) {
    assert.deepEqual([written, line], [undefined, undefined], key);
    assert.notEqual(meaning, '', key);
  }
  const all = keyed(undefined);
  assert.equal(all.get('scheduling.half_life')?.initial, '7d');
  assert.equal(all.get('scheduling.placement')?.initial, 'best-fit');
  assert.equal(all.get('name')?.initial, undefined);
});

const cases: Record<string, { text: string; want: Record<string, readonly [string, number]> }> = {
  'a value is told as it was written, with the line of its key': {
    text: 'name: lab\n\nscheduling:\n  half_life: 1_0d\n  seed: 0x10\n',
    want: { name: ['lab', 1], 'scheduling.half_life': ['1_0d', 4], 'scheduling.seed': ['16', 5] },
  },
  'a value on the line below its key is where the key is, and an empty text is empty': {
    text: 'time_zone:\n  UTC\nname: ""\n',
    want: { time_zone: ['UTC', 1], name: ['', 3] },
  },
  'a map by name has the keys of its schema below each name': {
    text: 'queues:\n  train:\n    children:\n      deep: {weight: 3}\n',
    want: { 'queues.train.children.deep.weight': ['3', 4] },
  },
  'a list of words is one value, a list of maps one for each key of each': {
    text: 'plugins: [a.ts, b.ts]\nquotas:\n  - name: a\n  - {name: b}\n',
    want: {
      plugins: ['[a.ts, b.ts]', 1],
      'quotas[0].name': ['a', 3],
      'quotas[1].name': ['b', 4],
    },
  },
  'a key with nothing behind it is null, an empty map {}': {
    text: 'queues:\n  a:\n  b: {}\n',
    want: { 'queues.a': ['null', 2], 'queues.b': ['{}', 3] },
  },
  'an alias stands where it is used': {
    text: 'queues:\n  a: &q {weight: 2}\n  b: *q\n',
    want: { 'queues.a.weight': ['2', 2], 'queues.b.weight': ['2', 2] },
  },
};

for (const [sentence, { text, want }] of Object.entries(cases)) {
  test(sentence, () => {
    const { settings } = siteSettings(text);
    const written = settings.filter((one) => one.written !== undefined);
    assert.deepEqual(
      Object.fromEntries(written.map((one) => [one.key, [one.written, one.line]])),
      want,
    );
  });
}

test('what a queue does not say is told beside what it says, with the default', () => {
  const found = keyed(readFileSync('examples/site.yaml', 'utf8'));
  assert.deepEqual(found.get('queues.sweep.fifo'), {
    key: 'queues.sweep.fifo',
    written: 'strict',
    line: 31,
    initial: 'best-effort',
    meaning: found.get('queues.train.fifo')?.meaning,
  });
  assert.equal(found.get('queues.train.fifo')?.written, undefined);
  assert.equal(found.get('queues.train.fifo')?.initial, 'best-effort');
});

const leaf = fc.oneof(fc.integer(), fc.stringMatching(/^[a-z]{1,8}$/), fc.boolean());
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
const { tree } = fc.letrec<{ tree: unknown; map: Record<string, unknown> }>((tie) => ({
  map: fc.dictionary(name, tie('tree'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
  tree: fc.oneof(
    { maxDepth: 5 },
    leaf,
    tie('map'),
    fc.array(tie('map'), { minLength: 1, maxLength: 3 }),
  ),
}));

test('whatever a document has, each scalar of it is told once, at the path where it stands', () => {
  fc.assert(
    fc.property(fc.dictionary(name, tree, { minKeys: 1, noNullPrototype: true }), (document) => {
      const want = leavesOf(document, '');
      const told = siteSettings(stringify(document)).settings.flatMap(({ key, written }) =>
        written === undefined ? [] : [`${key}=${written}`],
      );
      assert.deepEqual(told.toSorted(), want.toSorted());
    }),
    { numRuns: 60 },
  );
});

function leavesOf(value: unknown, key: string): string[] {
  if (Array.isArray(value)) return value.flatMap((one, i) => leavesOf(one, `${key}[${i}]`));
  if (typeof value !== 'object' || value === null) return [`${key}=${value}`];
  return Object.entries(value).flatMap(([name, below]) =>
    leavesOf(below, key === '' ? name : `${key}.${name}`),
  );
}

test('of a document of ten thousand users the first are told, and how many are not', () => {
  const users = Array.from({ length: 10_500 }, (_, i) => `    u${i}: {max_cpu: 1}`).join('\n');
  const { settings, leftOut } = siteSettings(`multi_tenancy:\n  users:\n${users}\n`);
  assert.equal(settings.length, 10_000);
  const told = settings.filter(({ written }) => written !== undefined).length;
  assert.equal(told + leftOut, 10_500);
});
