import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fromCel, type Scope, toCel } from '../../src/expression/cel-value.ts';
import { Expression, evaluateExpression } from '../../src/expression/expression.ts';
import type { FlowValue } from '../../src/model/flow.ts';

const scope: Scope = {
  steps: { list: { state: 'succeeded', outputs: { files: ['a', 'b'], n: 3, ratio: 0.5 } } },
  item: { name: 'x', size: 10 },
  index: 2,
};

describe('an expression', () => {
  const values: readonly [source: string, value: FlowValue][] = [
    ['1 + 2', 3],
    ['steps.list.outputs.n * 2', 6],
    ['steps.list.outputs.ratio * 2.0', 1],
    ["steps['list'].outputs.files[1]", 'b'],
    ['steps.list.outputs.files.map(f, f + ".csv")', ['a.csv', 'b.csv']],
    ['size(steps.list.outputs.files) > 1 && item.size >= 10', true],
    ['has(steps.other)', false],
    ['has(steps.list.outputs.none) ? 1 : 0', 0],
    ['index == 2 ? "last" : "other"', 'last'],
    ['{"a": [1, true, null]}', { a: [1, true, null] }],
    ['item', { name: 'x', size: 10 }],
    ['int("4") + 1', 5],
    ['string(index)', '2'],
  ];
  for (const [source, value] of values) {
    test(`${source} is ${JSON.stringify(value)}`, () => {
      assert.deepEqual(evaluateExpression(source, scope), { ok: true, value });
    });
  }

  const unread: readonly [source: string, message: RegExp, offset: number][] = [
    ['1 +', /Unexpected token/, 3],
    ['nobody.there', /Unknown variable: nobody/, 0],
    ['1 + "a"', /no such overload/, 0],
    ['[1].map(a, [2].map(b, a + b))', /inside another loop/, 0],
    ['timestamp("2026-01-01T00:00:00Z")', /not available/, 0],
    ['"aaa".matches("(a+)+b")', /not available/, 0],
    ['x'.repeat(5000), /longer than 4096/, 0],
  ];
  for (const [source, message, offset] of unread) {
    test(`${source.slice(0, 40)} is refused when it is read`, () => {
      const read = Expression.read(source, Object.keys(scope));
      assert.ok(!(read instanceof Expression));
      assert.match(read.message, message);
      assert.doesNotMatch(read.message, /\n/);
      if (offset > 0) assert.equal(read.offset, offset);
    });
  }

  const failing: readonly [source: string, message: RegExp][] = [
    ['steps.other.outputs.n', /other/],
    ['steps.list.outputs.files[7]', /7|range|bound/i],
    ['steps.list.outputs.n / 0', /zero/i],
    ['9223372036854775807 + index', /overflow/i],
    ['4503599627370496 * 4', /2\^53/],
    ['b"bytes"', /neither text/],
  ];
  for (const [source, message] of failing) {
    test(`${source} is a message, not an exception`, () => {
      const result = evaluateExpression(source, scope);
      assert.ok(!result.ok, JSON.stringify(result));
      assert.match(result.message, message);
    });
  }

  test('tells which names it uses', () => {
    const read = Expression.read("steps.a.outputs.n > 1 || steps['b'].state == item", [
      'steps',
      'item',
    ]);
    assert.ok(read instanceof Expression);
    assert.deepEqual(
      read.names().map(({ names }) => names.join('.')),
      ['steps.a.outputs.n', 'steps.b.state', 'item'],
    );
  });

  test('any text is read or refused, and evaluated or a message', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (source) => {
        const result = evaluateExpression(source, scope);
        assert.equal(typeof result.ok, 'boolean');
      }),
      { numRuns: 2000 },
    );
  });
});

test('JSON goes to CEL and back unchanged', () => {
  const json = fc.jsonValue({ maxDepth: 6, noUnicodeString: false });
  fc.assert(
    fc.property(json, (value) => {
      const before = JSON.parse(JSON.stringify(value, (_, v) => (Object.is(v, -0) ? 0 : v)));
      assert.deepEqual(fromCel(toCel(before)), before);
    }),
    { numRuns: 500 },
  );
});
