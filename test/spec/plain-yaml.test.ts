import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { readTree, type Written } from '../../src/spec/document-tree.ts';
import { readPlainYaml } from '../../src/spec/plain-yaml.ts';
import { textProblem } from '../../src/spec/text-bounds.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1500);

/** Without the ends of block collections: comments behind them may count, and nothing is shown by them. */
function comparable(written: Written, text: string): unknown {
  const { range, children, ...rest } = written;
  const isBlock = children !== undefined && !/[[{]/.test(text[range.start]!);
  const below = [...(children ?? [])].map(([key, child]) => [key, comparable(child, text)]);
  return { ...rest, range: isBlock ? range.start : range, below };
}

/** What the short way reads, the long way reads in the same way. */
function checkSame(text: string): boolean {
  const plain = readPlainYaml(text);
  if (plain === undefined) return false;
  assert.equal(textProblem(text), undefined, text);
  const { root, problems } = readTree(text, 'yaml');
  assert.deepEqual(problems, [], text);
  assert.deepEqual(comparable(plain, text), comparable(root!, text), text);
  return true;
}

const pieces = [
  'a: ',
  'b:',
  'c: x',
  '- ',
  '-',
  '\n',
  '\n  ',
  '\n    ',
  '\n\n',
  '[',
  ']',
  '{',
  '}',
  ', ',
  ',',
  '"q"',
  "'s'",
  '1',
  '0.50',
  '007',
  '1e3',
  '0x1F',
  '64Mi',
  'true',
  'null',
  '~',
  'No',
  'x y',
  '# c',
  ' # c',
  ': ',
  ':',
  '-1',
  '.5',
  '.inf',
  'a-b',
  '<<: ',
  '*x',
  '&x ',
  '!t ',
  '| ',
  '> ',
  '? ',
  '---',
  '...',
  '\t',
  '""',
  "''",
  '"\\n"',
  "it's",
  '$',
  '=',
  '@x',
  '`',
  '%',
  '(a)',
  '~x',
  'é',
  '__proto__: ',
  'true: ',
  '1: ',
  '+1',
  '12:30',
  '1_000',
  '2026-01-01',
  '1.2.3',
];

describe('the plain part of YAML is read as all of YAML is', () => {
  test('lines as documents have them', { timeout: 120_000 }, () => {
    const scalar = fc.constantFrom(
      'x',
      '1',
      '0.5',
      '64Mi',
      '"a b"',
      "'c'",
      'a b',
      '[x, 1]',
      '{k: v, l: [1]}',
      '100m',
      'true',
      '/bin/sh',
      'a/b.c',
      '',
    );
    const line = fc
      .tuple(
        fc.integer({ min: 0, max: 4 }),
        fc.constantFrom('', '- ', '-   '),
        fc.constantFrom('a: ', 'b: ', 'c:', 'd:  ', ''),
        scalar,
        fc.constantFrom('\n', '\n\n', '\n# c\n', '\n  # c\n'),
      )
      .map(
        ([indent, dash, key, value, end]) =>
          `${'  '.repeat(indent)}${dash}${key}${value}`.trimEnd() + end,
      );
    let same = 0;
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 12 }), (lines) => {
        if (checkSame(lines.join(''))) same++;
      }),
      { numRuns: RUNS },
    );
    assert.ok(same > RUNS / 100, `${same} were plain`);
  });

  test('pieces in any order', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 14 }), (all) => {
        checkSame(all.join(''));
      }),
      { numRuns: RUNS * 2 },
    );
  });

  test('data that was written as YAML', { timeout: 120_000 }, () => {
    const keys = fc.stringMatching(/^[a-z_]{1,6}$/);
    const leaf = fc.oneof(
      fc.constantFrom('a', 'b c', '64Mi', 'true', 'null', '1'),
      fc.integer(),
      fc.boolean(),
      fc.string(),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(
        fc.dictionary(keys, value, { minKeys: 1, maxKeys: 5 }),
        fc.boolean(),
        (data, indentSeq) => {
          checkSame(stringify(data, { indentSeq }));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('examples, whole and each line without one of its signs', () => {
    for (const file of globSync('examples/**/*.yaml')) {
      const text = readFileSync(file, 'utf8').replaceAll(/^ *#.*\n/gm, '');
      checkSame(text);
      for (let at = 0; at < Math.min(text.length, 3000); at += 7) {
        checkSame(text.slice(0, at) + text.slice(at + 1));
      }
    }
  });

  const plain: Record<string, string> = {
    'a pipeline':
      'name: p\nsteps:\n  - id: a\n    run: [echo, "x y", 3]\n    needs: [b, c]\n\n  # later\n  - id: b\n    env:\n      A: 0.50\n',
    'a list at the indent of its key': 'steps:\n- id: a\n- id: b\nname: x\n',
    'no line break at the end': 'a:\n  b: c',
  };
  for (const [name, text] of Object.entries(plain)) {
    test(`is plain: ${name}`, () => assert.equal(checkSame(text), true));
  }
  for (const text of [
    'a: |\n  x\n',
    'a: &x 1\n',
    'a: b # c\n',
    'a: "\\n"\n',
    'a: b\n  c\n',
    'a: 1\na: 2\n',
    'a:\n',
    '- a\n - b\n',
    'a: 1e3\n',
    'a: [1,\n 2]\n',
  ]) {
    test(`is not plain: ${JSON.stringify(text)}`, () =>
      assert.equal(readPlainYaml(text), undefined));
  }
});
