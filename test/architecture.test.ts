import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/** What each room may import beside itself, `base` and `model`. Feedback that flows the other way is a Command. */
const allowed: Record<string, readonly string[]> = {
  base: [],
  model: [],
  expression: [],
  spec: ['expression'],
  inventory: [],
  admission: [],
  pipeline: ['expression'],
  scheduling: ['inventory'],
  engine: ['admission', 'expression', 'pipeline', 'scheduling', 'inventory'],
  runtime: ['engine', 'expression'],
  execution: ['inventory', 'runtime'],
  autoscaling: [],
  telemetry: ['expression', 'inventory'],
  statistics: [],
  analysis: ['telemetry', 'inventory', 'statistics'],
  forecasting: ['telemetry', 'statistics'],
  tuning: ['telemetry', 'analysis', 'inventory'],
  gateway: ['admission', 'forecasting'],
  transfer: ['admission'],
  caching: [],
  planning: ['inventory'],
  simulation: ['engine', 'scheduling', 'forecasting', 'runtime', 'statistics', 'html'],
  html: [],
  store: ['runtime', 'engine', 'telemetry'],
  api: ['spec', 'runtime', 'engine', 'analysis', 'autoscaling', 'inventory', 'html'],
  cli: ['spec', 'api', 'simulation', 'planning', 'inventory'],
  app: ['*'],
};
/** Packages that compute and touch nothing outside, so that pure rooms may use them. */
const purePackages = ['zod', '@marcbachmann/cel-js', '@hono/zod-openapi', 'yaml', 'highs'];
/** Names that make a result depend on the machine or the moment, and what to use instead. */
const banned: readonly [RegExp, string][] = [
  [/\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/, 'take `at` from the command'],
  [/\bMath\.random\(/, 'take a Prng'],
  [/\bset(Timeout|Interval|Immediate)\(/, 'return an event; the shell waits'],
  [/\bprocess\.|\bconsole\./, 'the shell reports'],
  [/localeCompare|\btoLocale/, 'not the same everywhere'],
];
/** Rooms whose decisions are replayed: no floats whose last digits the language leaves open, no waiting. */
const replayed = ['base', 'model', 'expression', 'admission', 'pipeline', 'scheduling', 'engine'];
const bannedInReplayed: readonly [RegExp, string][] = [
  [/\bMath\.(exp|log\w*|pow|sin|cos|tanh?)\(/, 'not bit-identical everywhere'],
  [/\bawait\b|\bPromise\b/, 'return an event; the shell waits'],
];
const bannedNames = /(^|[-/])(manager|helpers?|utils?|common|types)\.ts$/;
const FILE_LINES_MAX = 500;
const FUNCTION_LINES_MAX = 90;

function violations(file: string, text: string): string[] {
  const found: string[] = [];
  const parts = file.split('/');
  if (file === 'src/index.ts') return found;
  const room = parts[1]!;
  const isShell = parts.includes('io') || room === 'app' || room === 'cli';
  const may = allowed[room];
  if (may === undefined) return [`${file}: folder '${room}' has no row in the import table`];
  if (bannedNames.test(file)) found.push(`${file}: a file is named by what it holds`);
  if (parts.at(-1) === 'index.ts') found.push(`${file}: import the file that defines it`);
  for (const [statement, target] of text.matchAll(
    /^(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]/gm,
  )) {
    if (!target!.startsWith('.')) {
      if (!isShell && !purePackages.includes(target!)) {
        found.push(`${file}: imports '${target}'; only io/ and app/ touch the world`);
      }
      continue;
    }
    const resolved = normalize(join(dirname(file), target!)).split('/');
    const to = resolved[1]!;
    const free =
      to === room || to === 'base' || to === 'model' || may.includes('*') || may.includes(to);
    const typesOfPort = parts.includes('io') && statement.startsWith('import type');
    if (!free && !typesOfPort) found.push(`${file}: ${room} may not import ${to}`);
    if (
      (room === 'base' && to !== 'base') ||
      (room === 'model' && to !== 'model' && to !== 'base')
    ) {
      found.push(`${file}: ${room} may not import ${to}`);
    }
    if (room === 'cli' && to === 'api' && resolved[2] !== 'contract') {
      found.push(`${file}: cli talks to api/contract only`);
    }
    const ioSide = resolved.includes('io');
    const sameIo = ioSide && parts.includes('io') && to === room;
    if (ioSide && room !== 'app' && !sameIo) {
      found.push(`${file}: only app/ may import ${resolved.join('/')}`);
    }
  }
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  if (!isShell)
    for (const [pattern, instead] of banned) {
      if (pattern.test(code)) found.push(`${file}: ${pattern.source} — ${instead}`);
    }
  if (replayed.includes(room))
    for (const [pattern, instead] of bannedInReplayed) {
      if (pattern.test(code)) found.push(`${file}: ${pattern.source} — ${instead}`);
    }
  const lines = text.split('\n').length;
  if (lines > FILE_LINES_MAX) found.push(`${file}: ${lines} lines, at most ${FILE_LINES_MAX}`);
  for (const [match] of text.matchAll(
    /^( *)(?:export )?(?:async )?(?:function\b|(?:get |static |#)?\w+\([^;]*\)[^;{]*\{$)[\s\S]*?^\1\}/gm,
  )) {
    const length = match.split('\n').length;
    if (length > FUNCTION_LINES_MAX) {
      found.push(`${file}: a function of ${length} lines: ${match.split('\n')[0]!.trim()}`);
    }
  }
  return found;
}

test('imports, purity, names and sizes', () => {
  const files = globSync('src/**/*.ts');
  assert.ok(files.length > 0);
  assert.deepEqual(
    files.flatMap((file) => violations(file, readFileSync(file, 'utf8'))),
    [],
  );
});

test('the web page imports nothing of src but the contract', () => {
  const found = globSync('web/src/**/*.{ts,tsx}').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/from\s*['"]([^'"]*\/src\/[^'"]+)['"]/g)]
      .filter(([, target]) => !target!.includes('/src/api/contract/'))
      .map(([, target]) => `${file}: ${target}`),
  );
  assert.deepEqual(found, []);
});

test('production code imports no test', () => {
  const found = globSync('{src,web/src}/**/*.{ts,tsx}').filter((file) =>
    /from\s*['"](\.\.\/)+test\//.test(readFileSync(file, 'utf8')),
  );
  assert.deepEqual(found, []);
});

const cases: Record<string, { file: string; text: string; want: RegExp | undefined }> = {
  'upward import': {
    file: 'src/model/a.ts',
    text: `import { E } from '../engine/engine.ts';`,
    want: /model may not import engine/,
  },
  'io from the pure side': {
    file: 'src/telemetry/a.ts',
    text: `import { h } from './io/h.ts';`,
    want: /only app\/ may import/,
  },
  'a built-in': {
    file: 'src/scheduling/a.ts',
    text: `import { readFileSync } from 'node:fs';`,
    want: /imports 'node:fs'/,
  },
  'the clock': {
    file: 'src/engine/a.ts',
    text: 'const now = Date.now();',
    want: /take `at` from the command/,
  },
  'a promise in the engine': { file: 'src/engine/a.ts', text: 'await x;', want: /the shell waits/ },
  'a catch-all': { file: 'src/model/utils.ts', text: '', want: /named by what it holds/ },
  'a new folder': { file: 'src/other/a.ts', text: '', want: /no row in the import table/ },
  'engine reaching for the store': {
    file: 'src/engine/a.ts',
    text: `import { s } from '../store/s.ts';`,
    want: /engine may not import store/,
  },
  'app may': {
    file: 'src/app/main.ts',
    text: `import { h } from '../telemetry/io/h.ts';\nDate.now();`,
    want: undefined,
  },
  'the type of a port': {
    file: 'src/store/io/a.ts',
    text: `import type { Journal } from '../../runtime/ports.ts';`,
    want: undefined,
  },
};
for (const [name, tc] of Object.entries(cases)) {
  test(`the checker sees: ${name}`, () => {
    const found = violations(tc.file, tc.text).join('\n');
    if (tc.want === undefined) assert.equal(found, '');
    else assert.match(found, tc.want);
  });
}
