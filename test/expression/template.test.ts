import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fillTemplate, splitTemplate } from '../../src/expression/template.ts';
import type { FlowValue } from '../../src/model/flow.ts';

const scope = { name: 'berth', n: 3, items: [1, 2], vars: { a: 'x' } };

describe('a text with holes', () => {
  const filled: readonly [text: string, value: FlowValue][] = [
    ['plain', 'plain'],
    ['', ''],
    ['${{ n }}', 3],
    ['${{items}}', [1, 2]],
    ['n=${{ n }}', 'n=3'],
    ['${{ name }}-${{ n + 1 }}', 'berth-4'],
    ['all: ${{ items }}', 'all: [1,2]'],
    ['$${{ n }}', '${{ n }}'],
    ['a $${{ b }} ${{ n }}', 'a ${{ b }} 3'],
    ["${{ '}}' }}!", '}}!'],
    ['${{ {"k": {"l": n}} }}', { k: { l: 3 } }],
    ['$HOME ${n} ${{ vars.a }}', '$HOME ${n} x'],
  ];
  for (const [text, value] of filled) {
    test(`${text} becomes ${JSON.stringify(value)}`, () => {
      assert.deepEqual(fillTemplate(text, scope), { ok: true, value });
    });
  }

  test('a hole without an end is told', () => {
    assert.equal(splitTemplate('a ${{ n'), undefined);
    assert.equal(splitTemplate("a ${{ 'n }}"), undefined);
    assert.ok(!fillTemplate('a ${{ n', scope).ok);
  });

  test('an expression that fails is told, and nothing is half filled', () => {
    const result = fillTemplate('a ${{ vars.b }}', scope);
    assert.ok(!result.ok);
    assert.match(result.message, /b/);
  });

  test('the place of an expression in its text', () => {
    const parts = splitTemplate('ab ${{  n }} c ${{ name }}');
    assert.deepEqual(
      parts?.flatMap((part) => (part.kind === 'hole' ? [[part.expression, part.offset]] : [])),
      [
        ['n', 8],
        ['name', 19],
      ],
    );
  });
});
