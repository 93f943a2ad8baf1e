import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundsInWords, type Schema, typeInWords } from '../../src/api/routes/schema-words.ts';

const cases: Record<string, { schema: Schema; want: string }> = {
  'a plain type': { schema: { type: 'string' }, want: 'string' },
  'one that may be null': { schema: { type: ['integer', 'null'] }, want: 'integer | null' },
  'another document': { schema: { $ref: '#/components/schemas/Attempt' }, want: 'Attempt' },
  'a list of them': {
    schema: { type: 'array', items: { $ref: '#/x/Attempt' } },
    want: 'Attempt[]',
  },
  'a list of either': {
    schema: { type: 'array', items: { anyOf: [{ type: 'number' }, { type: 'null' }] } },
    want: '(number | null)[]',
  },
  'one of some words': {
    schema: { type: ['string', 'null'], enum: ['a', 'b', null] },
    want: '"a" | "b" | null',
  },
  fields: {
    schema: { type: 'object', properties: { id: { type: 'string' } } },
    want: '{id: string}',
  },
  'any names': {
    schema: { type: 'object', additionalProperties: { type: 'string' } },
    want: '{[name]: string}',
  },
  anything: { schema: {}, want: 'any' },
};
for (const [name, { schema, want }] of Object.entries(cases)) {
  test(`schema in words: ${name}`, () => assert.equal(typeInWords(schema), want));
}

test('bounds in words, without those of every integer', () => {
  const schema = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER, maxLength: 9, default: 'x' };
  assert.equal(boundsInWords(schema), 'at least 0, at most 9 characters, default "x"');
});
