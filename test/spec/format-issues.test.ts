import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';

function report(text: string, fileName = 'job.yaml'): string {
  const result = parseDocument(text, { fileName });
  return formatIssues(result.ok ? result.warnings : result.issues, text, fileName);
}

const cases: Record<string, { text: string; want: string }> = {
  'a key, with the line before it': {
    text: 'run: x\nresources:\n  memroy: 4Gi\n',
    want: `job.yaml:3:3 error: resources.memroy: unknown key "memroy" - did you mean "memory"?
  2 | resources:
  3 |   memroy: 4Gi
    |   ^^^^^^
`,
  },
  'a value on the first line': {
    text: 'run: []',
    want: `job.yaml:1:6 error: run: the list is empty; expected at least 1
  1 | run: []
    |      ^^
`,
  },
  'a value of several lines is underlined on its first': {
    text: 'run:\n  a: 1\n  b: 2\n',
    want: `job.yaml:2:3 error: run: a map cannot be used here; expected text for /bin/sh, or a list of a program and its arguments
  1 | run:
  2 |   a: 1
    |   ^^^^
`,
  },
  'two issues stand apart': {
    text: 'run: x\ncount: 0\npriority: 5000\n',
    want: `job.yaml:2:8 error: count: 0 is out of range; expected at least 1
  1 | run: x
  2 | count: 0
    |        ^

job.yaml:3:11 error: priority: 5000 is out of range; expected at most 1000
  2 | count: 0
  3 | priority: 5000
    |           ^^^^
`,
  },
  'a tab before the place is kept, so that the signs stand below it': {
    text: 'run: x\nenv: {A: 1,\t"": 2}\n',
    want: `job.yaml:2:13 error: env[""]: "" is not a name; expected a name without \`=\` that does not begin with BERTH_ (those are set by Berth)
  1 | run: x
  2 | env: {A: 1,\t"": 2}
    |            \t^^
`,
  },
  'control characters do not reach the terminal': {
    text: 'run: x\nname: "a\u001b[31m"\n',
    want: `job.yaml:2:7 error: name: "a\\u001b[31m" has control characters; expected one line of text
  1 | run: x
  2 | name: "a·[31m"
    |       ^^^^^^^^
`,
  },
  'line ends of Windows': {
    text: 'run: x\r\ncount: 0\r\n',
    want: `job.yaml:2:8 error: count: 0 is out of range; expected at least 1
  1 | run: x
  2 | count: 0
    |        ^
`,
  },
  'a warning': {
    text: 'run: x\nresource_requirements: {storage: {cache: 1Gi}}\n',
    want: `job.yaml:2:35 warning: resource_requirements.storage.cache: checked; kept results have one size for the whole site
  1 | run: x
  2 | resource_requirements: {storage: {cache: 1Gi}}
    |                                   ^^^^^
`,
  },
  'nothing to say': { text: 'run: x\n', want: '' },
};

for (const [name, { text, want }] of Object.entries(cases)) {
  test(name, () => assert.equal(report(text), want));
}

test('a long line is cut around the place', () => {
  const lines = report(`run: x\nenv: {A: "${'a'.repeat(500)}", B: ~}\n`).split('\n');
  assert.ok(lines.every((line) => line.length < 140));
  const signs = lines[3]!.indexOf('^');
  assert.equal(lines[2]!.slice(signs, signs + 1), '~');
});

test('an issue has its path, its place in the text and what was meant', () => {
  const text = 'run: x\nresources: {memroy: 1}\n';
  const result = parseDocument(text, { fileName: 'job.yaml' });
  assert.ok(!result.ok);
  assert.deepEqual(result.issues, [
    {
      severity: 'error',
      path: ['resources', 'memroy'],
      message: 'unknown key "memroy"',
      suggestion: 'memory',
      line: 2,
      column: 13,
      endColumn: 19,
      offset: 19,
    },
  ]);
});
