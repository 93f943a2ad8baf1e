import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FairQueue } from '../../src/admission/fair-queue.ts';

const classes = [{ weight: 50 }, { weight: 30 }, { weight: 20 }];
const QUANTUM = 1500;

interface Item {
  readonly class: number;
  readonly flow: string;
  readonly n: number;
}

/** Serves so many items, every flow refilled at once, and counts bytes by class and by flow. */
function saturate(
  flows: readonly (readonly [number, string, () => number])[],
  rounds: number,
  blocked: (item: Item) => boolean = () => false,
) {
  const queue = new FairQueue<Item>(classes, QUANTUM);
  const fill = ([c, flow, size]: (typeof flows)[number], n: number): void =>
    queue.push({ class: c, flow }, { size: size(), item: { class: c, flow, n } });
  for (const flow of flows) for (let n = 0; n < 3; n++) fill(flow, n);
  const byClass = [0, 0, 0];
  const byFlow = new Map<string, number>();
  for (let n = 3; n < rounds; n++) {
    const entry = queue.next((e) => !blocked(e.item));
    if (entry === undefined) break;
    const { item, size } = entry;
    byClass[item.class]! += size;
    byFlow.set(item.flow, (byFlow.get(item.flow) ?? 0) + size);
    fill(flows.find(([c, flow]) => c === item.class && flow === item.flow)!, n);
  }
  const sum = byClass.reduce((a, b) => a + b, 0);
  return { shares: byClass.map((bytes) => bytes / sum), byFlow };
}

/** Sizes of a fixed series. */
function sizes(seed: number): () => number {
  let x = seed;
  return () => {
    x = (x * 1_103_515_245 + 12_345) % 2_147_483_648;
    return 1 + (x % QUANTUM);
  };
}

describe('deficit round robin', () => {
  test('classes get 50, 30 and 20 % to within 5 % of that, whatever the sizes are', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 3, maxLength: 9 }), (seeds) => {
        const flows = seeds.map((seed, i) => [i % 3, `f${i}`, sizes(seed)] as const);
        const { shares } = saturate(flows, 5000);
        for (const [i, want] of [0.5, 0.3, 0.2].entries()) {
          assert.ok(Math.abs(shares[i]! - want) <= want * 0.05, `${i}: ${shares[i]}`);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('flows of one class get equal parts, small items or large', () => {
    const flows = [
      [0, 'small', () => 40],
      [0, 'large', () => 1500],
      [0, 'mixed', sizes(7)],
    ] as const;
    const { byFlow } = saturate(flows, 20_000);
    const parts = [...byFlow.values()];
    assert.ok(Math.max(...parts) / Math.min(...parts) < 1.05);
  });

  test('what a class leaves goes to the others by their weights', () => {
    const flows = [
      [0, 'a', () => 1000],
      [2, 'c', () => 1000],
    ] as const;
    const { shares } = saturate(flows, 7000);
    assert.ok(Math.abs(shares[0]! - 5 / 7) < 0.02);
    assert.equal(shares[1], 0);
  });

  test('a flow that may not go keeps nobody waiting, and catches up nothing', () => {
    const flows = [
      [0, 'blocked', () => 1000],
      [1, 'b', () => 1000],
      [2, 'c', () => 1000],
    ] as const;
    const { shares, byFlow } = saturate(flows, 5000, ({ flow }) => flow === 'blocked');
    assert.equal(byFlow.has('blocked'), false);
    assert.ok(Math.abs(shares[1]! - 0.6) < 0.02);
  });

  test('is work conserving, keeps the order of a flow, and loses and doubles nothing', () => {
    const op = fc.oneof(
      fc.record({
        kind: fc.constant('push' as const),
        class: fc.nat(2),
        flow: fc.constantFrom('a', 'b', 'c'),
        size: fc.integer({ min: 1, max: QUANTUM }),
      }),
      fc.record({ kind: fc.constant('next' as const), blocked: fc.constantFrom('', 'a', 'b') }),
      fc.record({ kind: fc.constant('remove' as const), at: fc.nat(50) }),
    );
    fc.assert(
      fc.property(fc.array(op, { maxLength: 150 }), (ops) => {
        const queue = new FairQueue<Item>(classes, QUANTUM);
        const there: Item[] = [];
        for (const [n, step] of ops.entries()) {
          if (step.kind === 'push') {
            const item = { class: step.class, flow: step.flow, n };
            there.push(item);
            queue.push(item, { size: step.size, item });
          } else if (step.kind === 'remove') {
            const item = there[step.at];
            if (item === undefined) continue;
            there.splice(step.at, 1);
            assert.equal(queue.remove(item, item), true);
          } else {
            const found = queue.next(({ item }) => item.flow !== step.blocked)?.item;
            const may = there.filter(({ flow }) => flow !== step.blocked);
            assert.equal(found === undefined, may.length === 0);
            if (found === undefined) continue;
            const first = may.find((i) => i.class === found.class && i.flow === found.flow);
            assert.equal(found, first);
            there.splice(there.indexOf(found), 1);
          }
          assert.equal(queue.length, there.length);
        }
      }),
    );
  });
});
