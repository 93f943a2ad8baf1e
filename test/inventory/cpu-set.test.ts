import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  firstOf,
  formatIdList,
  has,
  idsOf,
  parseIdList,
  parseIdMask,
  setOf,
  sizeOf,
} from '../../src/inventory/cpu-set.ts';

const ids = fc.uniqueArray(fc.nat(700), { maxLength: 80 });
const ascending = (list: readonly number[]) => [...list].sort((a, b) => a - b);

const lists: Record<string, { text: string; want: readonly number[] | undefined }> = {
  'a range and a single': { text: '0-3,8\n', want: [0, 1, 2, 3, 8] },
  'nothing is an empty set': { text: '\n', want: [] },
  'every second of a range': { text: '0-7:1/2', want: [0, 2, 4, 6] },
  'the first two of each five': { text: '10-20:2/5', want: [10, 11, 15, 16, 20] },
  'a range backwards': { text: '3-1', want: undefined },
  'a cut range': { text: '0-', want: undefined },
  'a negative id': { text: '-1', want: undefined },
  'an id that no machine has': { text: '99999', want: undefined },
  'hexadecimal is no list': { text: '0x3', want: undefined },
  'a stride of nothing': { text: '0-7:0/2', want: undefined },
};
for (const [name, tc] of Object.entries(lists)) {
  test(`list: ${name}`, () => {
    const set = parseIdList(tc.text);
    assert.deepEqual(set === undefined ? undefined : idsOf(set), tc.want);
  });
}

const masks: Record<string, { text: string; want: readonly number[] | undefined }> = {
  'one word': { text: '00000005\n', want: [0, 2] },
  'two words, the high one first': {
    text: 'ffffffff,00000000',
    want: Array.from({ length: 32 }, (_, i) => 32 + i),
  },
  'words without leading zeros': { text: '1,0', want: [32] },
  '128 bits': { text: '80000000,00000000,00000000,00000001', want: [0, 127] },
  'an empty mask': { text: '00000000,00000000', want: [] },
  'a mask with 0x': { text: '0x3', want: [0, 1] },
  'nothing is no mask': { text: '', want: undefined },
  letters: { text: 'xyz', want: undefined },
  'a comma at the end': { text: 'ff,', want: undefined },
  'a word of nine digits among others': { text: '1,123456789', want: undefined },
};
for (const [name, tc] of Object.entries(masks)) {
  test(`mask: ${name}`, () => {
    const set = parseIdMask(tc.text);
    assert.deepEqual(set === undefined ? undefined : idsOf(set), tc.want);
  });
}

test('a set written as a list reads back as the same set', () => {
  fc.assert(
    fc.property(ids, (list) => {
      const set = setOf(list);
      assert.equal(parseIdList(formatIdList(set)), set);
      assert.deepEqual(idsOf(set), ascending(list));
      assert.equal(sizeOf(set), list.length);
      assert.equal(firstOf(set), ascending(list)[0]);
      for (const id of list) assert.ok(has(set, id));
    }),
  );
});

test('a mask as the kernel writes it reads back as the same set', () => {
  fc.assert(
    fc.property(ids, (list) => {
      const set = setOf(list);
      const digits = set.toString(16);
      const padded = digits.padStart(Math.ceil(digits.length / 8) * 8, '0');
      assert.equal(parseIdMask(padded.match(/.{8}/g)!.join(',')), set);
    }),
  );
});

test('no text makes a list or mask throw, and a cut list is a subset or none', () => {
  fc.assert(
    fc.property(ids, fc.nat(200), fc.string(), (list, cut, noise) => {
      parseIdMask(noise);
      parseIdList(noise);
      const part = parseIdList(formatIdList(setOf(list)).slice(0, cut));
      if (part !== undefined) assert.ok(sizeOf(part) <= 701);
    }),
  );
});
