import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Pending, type Waiting } from '../../src/scheduling/pending.ts';

interface Item extends Waiting {
  readonly shape: number;
}

const items = fc.uniqueArray(
  fc.record({
    priority: fc.integer({ min: -2, max: 2 }),
    age: fc.integer({ min: 1, max: 5 }),
    step: fc.nat(3),
    index: fc.nat(3),
    shape: fc.nat(3),
  }),
  { selector: ({ age, step, index }) => `${age}/${step}/${index}`, maxLength: 40 },
);

/** The rule, said once more: priority down, then age, step and index up. */
const inOrder = (all: readonly Item[]): Item[] =>
  all.toSorted(
    (a, b) => b.priority - a.priority || a.age - b.age || a.step - b.step || a.index - b.index,
  );

test('the queue gives what a sorted array gives, with some shapes asleep and some tasks gone', () => {
  fc.assert(
    fc.property(items, fc.subarray([0, 1, 2, 3]), fc.array(fc.nat()), (all, awake, goneAt) => {
      const alive = new Set(all);
      for (const at of goneAt) alive.delete(all[at % Math.max(1, all.length)]!);
      const pending = new Pending<Item>((item) => alive.has(item));
      for (const item of all) pending.push(item.shape, item);
      const want = inOrder(all.filter((item) => alive.has(item) && awake.includes(item.shape)));
      const got: Item[] = [];
      while (got.length <= all.length) {
        const first = pending.first((shape) => awake.includes(shape));
        if (first === undefined) break;
        assert.equal(first.shape, first.item.shape);
        got.push(first.item);
        alive.delete(first.item);
      }
      assert.deepEqual(got, want);
    }),
    { numRuns: 500 },
  );
});

test('a task that waits again, with another shape, is found under the new one only', () => {
  const shapes = new Map<string, number>();
  const pending = new Pending<Item>((item, shape) => shapes.get(`${item.index}`) === shape);
  const item: Item = { priority: 0, age: 1, step: 0, index: 0, shape: 0 };
  pending.push(0, item);
  shapes.set('0', 1);
  pending.push(1, item);
  assert.deepEqual(
    pending.first(() => true),
    { shape: 1, item },
  );
  assert.equal(
    pending.first((shape) => shape === 0),
    undefined,
  );
});
