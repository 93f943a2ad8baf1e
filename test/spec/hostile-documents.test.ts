import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { type ParsedDocument, parseDocument } from '../../src/spec/parse-document.ts';

/** Bounds are tested by their outcome; the time is only to tell a hang, on a machine that may be busy. */
const HANG_MS = 20_000;
/** More of them by hand: `FUZZ_RUNS=20000`. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 500);
const FUZZ_MS = 30_000 + 50 * RUNS;
const MiB = 1_048_576;

const times = (n: number, line: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => line(i)).join('');

interface Case {
  readonly text: string;
  readonly want: RegExp;
}

const cases: Record<string, Case> = {
  'text over 1 MiB': {
    text: 'x'.repeat(MiB + 1),
    want: /:1:1 error: the document has 1048577 bytes; expected at most 1048576 \(1 MiB\)/,
  },
  'text over 1 MiB in UTF-8 only': {
    text: `# ${'é'.repeat(MiB / 2)}`,
    want: /the document has 1048578 bytes/,
  },
  'a million opening brackets': {
    text: '['.repeat(MiB),
    want: /:1:65 error: .* nested too deeply/,
  },
  'half a million dashes': {
    text: '- '.repeat(MiB / 2),
    want: /:1:129 error: .*nested too deeply/,
  },
  'a staircase of maps': {
    text: times(1400, (i) => `${' '.repeat(i)}a:\n`),
    want: /error: .*nested too deeply; expected at most 64/,
  },
  'a map of maps, 65 deep': {
    text: `run: x\nmonitoring:\n${times(70, (i) => `${' '.repeat(i + 1)}a:\n`)}`,
    want: /nested too deeply/,
  },
  'an alias bomb': {
    text: `run: x\nmonitoring:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n${times(
      9,
      (i) => `  a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]\n`,
    )}`,
    want: /too many values; expected at most 300000, aliases written out/,
  },
  'a bomb of merge keys': {
    text: `run: x\nmonitoring:\n  a0: &a0 {k: {l: 1}}\n${times(
      9,
      (i) => `  a${i + 1}: &a${i + 1} {<<: [${`*a${i}, `.repeat(9)}]}\n`,
    )}`,
    want: /too many values/,
  },
  'too many anchors': {
    text: `monitoring:\n${times(10_001, (i) => `- &a${i} x\n`)}`,
    want: /too many anchors, aliases and tags; expected at most 10000/,
  },
  'too many words': { text: 'a: 1\n'.repeat(MiB / 5), want: /too many words and signs/ },
  'a list of commas': { text: `[${','.repeat(MiB - 2)}]`, want: /without exactly one comma/ },
  'strings without commas': {
    text: `[${'"a" '.repeat(200_000)}]`,
    want: /without exactly one comma/,
  },
  'too many steps': {
    text: `steps:\n${times(10_001, (i) => `  - {id: s${i}, run: x}\n`)}`,
    want: /:2:3 error: steps: a list of 10001; expected at most 10000/,
  },
  'a circle of 10,000 steps': {
    text: `steps:\n${times(10_000, (i) => `  - {id: s${i}, run: x, needs: s${(i + 1) % 10_000}}\n`)}`,
    want: /:10001:32 error: .*in a circle: s0 → s1 → .* → … 9991 more → s0/,
  },
  'ninety thousand unknown keys': {
    text: `run: x\n${times(80_000, (i) => `k${i}: 1\n`)}`,
    want: /:2:1 error: k0: unknown key "k0"/,
  },
};

describe('bounds', () => {
  for (const [name, { text, want }] of Object.entries(cases)) {
    test(name, { timeout: HANG_MS }, () => {
      const result = parseDocument(text, { fileName: 'doc.yaml' });
      assert.ok(!result.ok);
      assert.ok(result.issues.length <= 100);
      const report = formatIssues(result.issues, text, 'doc.yaml');
      assert.match(report, want);
      assert.ok(report.length < 50_000, 'long lines are cut');
    });
  }
  test('10,000 steps in a chain are fine', { timeout: HANG_MS }, () => {
    const text = `steps:\n${times(
      10_000,
      (i) => `  - id: s${i}\n    run: echo ${i}\n    needs: [${i === 0 ? '' : `s${i - 1}`}]\n`,
    )}`;
    const result = parseDocument(text, { fileName: 'doc.yaml' });
    assert.ok(result.ok);
    assert.equal(result.spec.steps.length, 10_000);
  });
  test('an alias for each of 1,000 steps is fine', { timeout: HANG_MS }, () => {
    const text = `steps:\n  - {id: a, run: x, resources: &r {cpu: 1, memory: 1Gi}}\n${times(
      1000,
      (i) => `  - {id: s${i}, run: x, resources: *r}\n`,
    )}`;
    assert.ok(parseDocument(text, { fileName: 'doc.yaml' }).ok);
  });
});

const quickstart = readFileSync(new URL('../../examples/quickstart.yaml', import.meta.url), 'utf8');
const seeds: readonly string[] = [
  quickstart,
  `name: all
run: [python3, "-c", 'x', 1.50, true]
resources: &r {cpu: {request: 0.5, limit: 2}, memory: 4Gi, gpu: {count: 1}, custom: {port: 1}}
resource_limits: {timeout: 1h30m, max_retries: 2, pids: 10, max_cost: 5.00, network: {bandwidth: 1Mbps}}
retry: {backoff: 2s, memory_growth: 1.5}
env: {A: 1, B: on, C: "é", D: *r}
parallel: {max_workers: 2, count: 9}
monitoring: {a: [1, {b: c}]}
`,
  `defaults: &d {resources: {cpu: 1}, env: {A: 1}}
steps:
  - &s {id: a, run: "x"}
  - {<<: *s, id: b, needs: a}
  - id: c
    action: python
    with: {code: "print(1)"}
    needs: [a, b]
`,
  '{"name": "j", "run": ["a", "b"], "env": {"A": 1.0, "B": null}, "count": 3}\n',
];
const pieces: readonly string[] = [
  ...'\t\n\r \'"[]{}:,-#&*!|>%@`?\\~<=$.0-9_\u0000\u0007\u001f\u0085\u2028\u200b\ufeff\ufffd\u{1f600}',
  '\ud800',
  '---\n',
  '...\n',
  '<<: ',
  '*r',
  '&r ',
  '!!str ',
  'needs: a\n',
  '1e999',
  '-1',
  '.nan',
  'null',
  '__proto__',
  'constructor',
  '%YAML 1.1\n---\n',
  ': ',
  '- ',
  '? ',
  '  ',
  '|\n',
];

/** Delete, repeat, insert or move a piece at places that the numbers choose. */
interface Mutation {
  readonly at: number;
  readonly length: number;
  readonly piece: string;
  readonly kind: 'insert' | 'delete' | 'repeat' | 'cut';
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(10_000),
  length: fc.nat(40),
  piece: fc.constantFrom(...pieces),
  kind: fc.constantFrom('insert', 'delete', 'repeat', 'cut'),
});

function mutate(text: string, { at, length, piece, kind }: Mutation): string {
  const start = at % (text.length + 1);
  const [before, middle, after] = [
    text.slice(0, start),
    text.slice(start, start + length),
    text.slice(start + length),
  ];
  switch (kind) {
    case 'insert':
      return `${before}${piece}${middle}${after}`;
    case 'delete':
      return `${before}${after}`;
    case 'repeat':
      return `${before}${middle}${middle}${after}`;
    case 'cut':
      return before;
  }
}

/** Either it is fine, or every issue says something about a place that the text has. */
function checkOutcome(text: string, result: ParsedDocument): void {
  const issues = result.ok ? result.warnings : result.issues;
  if (!result.ok) assert.ok(issues.length > 0);
  else assert.ok(result.spec.steps.length > 0 && result.spec.source === text);
  const lines = text.split('\n');
  for (const issue of issues) {
    assert.notEqual(issue.message, '');
    assert.ok(issue.line >= 1 && issue.line <= lines.length, `line ${issue.line}`);
    const length = lines[issue.line - 1]!.length;
    assert.ok(issue.column >= 1 && issue.column <= length + 1, `column ${issue.column}`);
    assert.ok(issue.endColumn > issue.column && issue.endColumn <= length + 2);
    assert.ok(issue.offset >= 0 && issue.offset <= text.length);
  }
  assert.deepEqual(
    issues.map((issue) => issue.offset),
    issues.map((issue) => issue.offset).sort((a, b) => a - b),
  );
  const report = formatIssues(issues, text, 'doc.yaml');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.doesNotMatch(report, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
}

describe('any text is a workload or has an issue with a place', () => {
  const fileNames = fc.constantFrom('doc.yaml', 'doc.json');
  test('mutations of valid documents', { timeout: FUZZ_MS }, () => {
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), mutations, fileNames, (seed, changes, fileName) => {
        const text = changes.reduce(mutate, seed);
        checkOutcome(text, parseDocument(text, { fileName }));
      }),
      { numRuns: RUNS },
    );
  });
  test('pieces of YAML in any order', { timeout: FUZZ_MS }, () => {
    const words = ['run: x\n', 'steps:\n', '  - id: a\n', '    run: x\n', 'a', ...pieces];
    const texts = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((all) => all.join(''));
    fc.assert(
      fc.property(texts, fileNames, (text, fileName) => {
        checkOutcome(text, parseDocument(text, { fileName }));
      }),
      { numRuns: RUNS },
    );
  });
  test('any JSON value in any place of a job', { timeout: FUZZ_MS }, () => {
    const keys = [
      'run',
      'resources',
      'resource_limits',
      'retry',
      'env',
      'parallel',
      'name',
      'steps',
    ];
    const inner = ['cpu', 'memory', 'gpu', 'compute', 'timeout', 'max_retries', 'count', 'request'];
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(0, 1, -1, 1.5, 1e300, '4Gi', '500m', '', 'x', null, true),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...keys, ...inner), tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    const documents = fc.dictionary(fc.constantFrom(...keys), values);
    fc.assert(
      fc.property(documents, (document) => {
        const text = JSON.stringify(document, null, 2);
        checkOutcome(text, parseDocument(text, { fileName: 'doc.json' }));
      }),
      { numRuns: RUNS },
    );
  });
  test('strict JSON is exactly what JSON.parse reads', { timeout: FUZZ_MS }, () => {
    const words = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '1',
      '-0.5e3',
      'null',
      ' ',
      '\n',
      '01',
      "'a'",
      '#',
      'x',
    ];
    const texts = fc.oneof(
      fc.json().map((text) => `{"run": "x", "monitoring": {"a": ${text}}}`),
      fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const result = parseDocument(text, { fileName: 'doc.json' });
        const isJson = readsAsJson(text);
        const says = result.ok ? '' : (result.issues[0]?.message ?? '');
        assert.equal(
          /not valid JSON|JSON ends too early/.test(says),
          !isJson && text.trim() !== '',
        );
      }),
      { numRuns: RUNS },
    );
  });
});

function readsAsJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
