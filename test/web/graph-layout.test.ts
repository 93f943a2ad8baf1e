import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { layoutGraph } from '../../web/src/graph-layout.ts';

const placed = (steps: Record<string, string[]>): Record<string, string> =>
  Object.fromEntries(
    layoutGraph(Object.entries(steps).map(([id, needs]) => ({ id, needs }))).map((p) => [
      p.id,
      `${p.column}/${p.row}`,
    ]),
  );

const cases: Record<string, { steps: Record<string, string[]>; want: Record<string, string> }> = {
  'one step': { steps: { a: [] }, want: { a: '0/0' } },
  'a chain': { steps: { a: [], b: ['a'], c: ['b'] }, want: { a: '0/0', b: '1/0', c: '2/0' } },
  'a diamond': {
    steps: { a: [], b: ['a'], c: ['a'], d: ['b', 'c'] },
    want: { a: '0/0', b: '1/0', c: '1/1', d: '2/0' },
  },
  'a shortcut does not shorten the way': {
    steps: { a: [], b: ['a'], c: ['a', 'b'] },
    want: { a: '0/0', b: '1/0', c: '2/0' },
  },
  'followers stand beside what they need': {
    steps: { a: [], b: [], afterB: ['b'], afterA: ['a'] },
    want: { a: '0/0', b: '0/1', afterB: '1/1', afterA: '1/0' },
  },
  'a need that is not there': { steps: { a: ['gone'] }, want: { a: '0/0' } },
};
for (const [name, { steps, want }] of Object.entries(cases)) {
  test(`graph: ${name}`, () => assert.deepEqual(placed(steps), want));
}

test('a cycle, which no daemon sends, does not hang the page', () => {
  assert.equal(
    layoutGraph([
      { id: 'a', needs: ['b'] },
      { id: 'b', needs: ['a'] },
    ]).length,
    2,
  );
});

test('every step stands right of what it needs, and no two in one place', () => {
  const graphs = fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { minLength: 1, maxLength: 31 });
  fc.assert(
    fc.property(graphs, (links) => {
      const steps = links.map((needs, i) => ({
        id: `s${i}`,
        needs: [...new Set(needs.filter((n) => n < i).map((n) => `s${n}`))],
      }));
      const at = new Map(layoutGraph(steps).map((p) => [p.id, p]));
      for (const { id, needs } of steps) {
        for (const need of needs) assert.ok(at.get(need)!.column < at.get(id)!.column);
      }
      const cells = [...at.values()].map(({ column, row }) => `${column}/${row}`);
      assert.equal(new Set(cells).size, cells.length);
    }),
  );
});
