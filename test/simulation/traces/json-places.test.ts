import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { placeInJson } from '../../../src/simulation/traces/json-places.ts';

test('the place of a value of a JSON text holds that value, however it is written', () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom(0, 2, '\t'),
      fc.array(fc.nat(5), { maxLength: 5 }),
      (value, indent, choices) => {
        const text = `  ${JSON.stringify(value, null, indent)}\n`;
        const path: PropertyKey[] = [];
        let inner: unknown = value;
        for (const choice of choices) {
          if (typeof inner !== 'object' || inner === null) break;
          const keys = Array.isArray(inner) ? [...inner.keys()] : Object.keys(inner);
          if (keys.length === 0) break;
          const key = keys[choice % keys.length]!;
          path.push(key);
          inner = (inner as Record<PropertyKey, unknown>)[key];
        }
        const { start, end } = placeInJson(text, path);
        assert.deepEqual(JSON.parse(text.slice(start, end)), JSON.parse(JSON.stringify(inner)));
      },
    ),
    { numRuns: 1_000 },
  );
});

test('where there is no such value, it is the nearest around it', () => {
  const text = '{"a": [1, {"b": 2}], "c": "x"}';
  const at = (...path: PropertyKey[]) => {
    const { start, end } = placeInJson(text, path);
    return text.slice(start, end);
  };
  assert.equal(at('a', 1, 'z'), '{"b": 2}');
  assert.equal(at('a', 9), '[1, {"b": 2}]');
  assert.equal(at('c', 'd'), '"x"');
  assert.equal(at('q'), text);
});
