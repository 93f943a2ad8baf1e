import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { loadPlugins } from '../../src/app/load-plugins.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { NO_PLUGINS } from '../../src/scheduling/plugin.ts';
import { config, node, order, queueConfig, Site } from '../builders/site.ts';

const bounded = { timeout: 60_000 };
const dir = mkdtempSync(join(tmpdir(), 'berth-plugins-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
let number = 0;

/** A file of its own each time: a module that was imported stays as it was. */
function write(text: string, name = 'plugin.ts'): string {
  const folder = join(dir, String(++number));
  mkdirSync(folder, { mode: 0o755 });
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o644 });
  return file;
}
const load = (...files: string[]) => loadPlugins(files, { siteFile: join(dir, 'site.yaml') });
const good = (name: string) => `export default {
  name: '${name}', what: 'Of a test.',
  score(table: { rows: number }, row: number): number { return row; },
};`;

test('a plug-in is loaded by its absolute path, or beside the site file', bounded, async () => {
  const file = write(good('mine'));
  const [absolute] = await load(file);
  assert.deepEqual(
    [absolute?.kind, absolute?.plugin.name, absolute?.file],
    ['scorer', 'mine', file],
  );
  const [relative] = await load(`./${number}/plugin.ts`);
  assert.equal(relative?.file, file);
});

test('a plug-in in JavaScript, which imports the library that runs it', bounded, async () => {
  const text = `import { defineFilter } from 'berth';
export default defineFilter({ name: 'mine', what: 'Of a test.', passes: () => true });`;
  const [loaded] = await load(write(text, 'plugin.mjs'));
  assert.equal(loaded?.kind, 'filter');
});

const refused: Record<string, { text: string; says: RegExp }> = {
  'a syntax error': {
    text: 'export default {\n  score( { return 1 }\n};\n',
    says: /plugin\.ts:2 cannot be used: Expected/,
  },
  'no default export': { text: 'export const score = 1;', says: /it has no default export/ },
  'an import that throws': {
    text: 'const one = 1;\nthrow new RangeError(String(one));\nexport default {};',
    says: /plugin\.ts:2 cannot be used: its import threw RangeError: 1/,
  },
  'an import of what is not there': {
    text: "import { x } from './nowhere.ts';\nexport default x;",
    says: /its import threw Error: Cannot find module/,
  },
  'an import of what a module does not export': {
    text: "import { nothing } from 'node:fs';\nexport default nothing;",
    says: /plugin\.ts:1 cannot be used: The requested module 'node:fs'/,
  },
  'an import that waits for ever': {
    text: 'await new Promise(() => setInterval(() => {}, 1000));\nexport default {};',
    says: /did not end within 1 s/,
  },
  'an import that never yields': {
    text: 'for (;;) {}\nexport default {};',
    says: /did not end within 1 s/,
  },
  'an import that ends the process': {
    text: 'process.exit(7);\nexport default {};',
    says: /ended the process with code 7/,
  },
  'a default export that is a function': {
    text: 'export default function score() { return 1; }',
    says: /is no object with `score`, `passes` or `rule`/,
  },
  'a default export without a function': {
    text: "export default { name: 'mine', what: 'Nothing.' };",
    says: /no function `score`, `passes` or `rule`/,
  },
  'two functions': {
    text: "export default { name: 'mine', what: 'Two.', score: () => 1, passes: () => true };",
    says: /`score` and `passes`: one file is one plug-in/,
  },
  'the name of a built-in': {
    text: "export default { name: 'best-fit', what: 'Mine.', score: () => 1 };",
    says: /best-fit is a built-in scorer/,
  },
  'no name and no sentence': {
    text: 'export default { score: () => 1 };',
    says: /name: a word is needed; what: one sentence is needed/,
  },
  'a name with a space': {
    text: "export default { name: 'my own', what: 'Mine.', score: () => 1 };",
    says: /name: small letters and digits/,
  },
  'another kind than its function': {
    text: "export default { kind: 'filter', name: 'mine', what: 'Mine.', score: () => 1 };",
    says: /it says filter, and `score` makes it a scorer/,
  },
  'members that nobody asks for': {
    text: "export default { name: 'mine', what: 'Mine.', score: () => 1, looksAhead: true };",
    says: /looksAhead: a scorer of a site has name, what and its function/,
  },
};
for (const [name, { text, says }] of Object.entries(refused)) {
  test(`a plug-in with ${name} is refused, with its file`, bounded, async () => {
    const file = write(text);
    await assert.rejects(
      loadPlugins([file], { siteFile: join(dir, 'site.yaml'), importMaxMs: 1_000 }),
      (error: Error & { code?: string; facts?: { file?: string } }) => {
        assert.equal(error.code, 'PLUGIN_INVALID');
        assert.match(error.message, says);
        assert.equal(error.facts?.file, file);
        return true;
      },
    );
  });
}

test('two plug-ins of one name are refused with both files', bounded, async () => {
  const [first, second] = [write(good('twice')), write(good('twice'))];
  await assert.rejects(load(first, second), new RegExp(`${second}.*scorer of ${first}, too`));
});

test('a plug-in that others may write is refused', bounded, async () => {
  const file = write(good('open'));
  chmodSync(file, 0o664);
  await assert.rejects(load(file), /others than its owner may write it \(mode 0664\)/);
  chmodSync(file, 0o644);
  chmodSync(join(dir, String(number)), 0o777);
  await assert.rejects(load(file), /others may write its folder/);
});

const root = process.getuid?.() === 0;
test('a plug-in of another user is refused', {
  ...bounded,
  skip: !root && 'needs root',
}, async () => {
  const file = write(good('foreign'));
  chownSync(file, 12_345, 12_345);
  await assert.rejects(load(file), /it belongs to user 12345/);
});

test('a plug-in that is not there, and a folder', bounded, async () => {
  await assert.rejects(load(join(dir, 'none.ts')), /there is no such file/);
  await assert.rejects(load(dir), /it is no file/);
});

test('the examples load, and do what they say', bounded, async () => {
  const files = ['warm-nodes', 'no-small-tasks-on-gpus', 'smallest-first'];
  const loaded = await load(...files.map((name) => resolve('examples/plugins', `${name}.ts`)));
  const plugins = {
    ...NO_PLUGINS,
    scorers: loaded.flatMap((one) => (one.kind === 'scorer' ? [one.plugin] : [])),
    filters: loaded.flatMap((one) => (one.kind === 'filter' ? [one.plugin] : [])),
    orders: loaded.flatMap((one) => (one.kind === 'order' ? [one.plugin] : [])),
    watch: { ...NO_PLUGINS.watch, setAside: (...told: string[]) => assert.fail(told.join(': ')) },
  };
  class WithPlugins extends Site {
    override makeScheduler() {
      return makeScheduler(this.config, plugins);
    }
  }
  const cached = { ...node('cached', { cpu: 2000 }), labels: { cache: 'llama' } };
  const site = new WithPlugins(
    config([queueConfig('default', { order: order('smallest-first') })], {
      scorers: [{ name: 'warm-nodes', weight: 1 }],
      filters: ['no-small-tasks-on-gpus'],
    }),
    node('gpu', { cpu: 8000, gpus: 1 }),
    node('cold', { cpu: 1000 }),
    cached,
  );
  site.submit({ tenant: 'large', cpu: 2 });
  site.submit({ tenant: 'small', cpu: 1 });
  site.submit({ tenant: 'gpu', cpu: 2, gpu: 1 });
  site.submit({ tenant: 'second', cpu: 1 });
  const placed = site.pass().map((id) => {
    return [site.asked(id).tenant, site.engine.state.attempt(id)!.placement.node];
  });
  assert.deepEqual(placed, [
    ['small', 'cached'],
    ['second', 'cached'],
    ['gpu', 'gpu'],
  ]);
  assert.deepEqual(site.why(1), { code: 'constraints', filters: ['no-small-tasks-on-gpus'] });
});
