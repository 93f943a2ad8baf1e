import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadHighs } from '../../src/app/load-highs.ts';
import { bytes } from '../../src/base/units.ts';
import type { NodeId } from '../../src/model/ids.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { type Pending, planOptimal, VARIABLES_MAX } from '../../src/scheduling/optimal.ts';
import { feasible } from '../../src/scheduling/place.ts';
import { PlacementIndex } from '../../src/scheduling/placement-index.ts';
import type { Scorer } from '../../src/scheduling/scorer.ts';
import { scorers } from '../../src/scheduling/scorers/registry.ts';
import { TypicalDemand } from '../../src/scheduling/typical-demand.ts';
import { GIB, node, resources } from '../builders/workload.ts';

const solve = await loadHighs();

const drawnNodes = fc.array(
  fc.record({
    cpu: fc.integer({ min: 1, max: 8 }),
    memory: fc.integer({ min: 1, max: 8 }),
    models: fc.array(fc.constantFrom('A', 'B'), { maxLength: 3 }),
    held: fc.constantFrom(0, 0, 300, 600),
  }),
  { minLength: 1, maxLength: 3 },
);
const drawnPending: fc.Arbitrary<Pending[]> = fc.array(
  fc
    .record({
      cpu: fc.integer({ min: 0, max: 5 }).map((n) => n * 700),
      memory: fc.integer({ min: 0, max: 4 }).map((n) => n * GIB),
      gpu: fc.constantFrom(0, 250, 400, 700, 1000, 1000, 2000),
      models: fc.constantFrom([], [], ['A'], ['B']),
      count: fc.integer({ min: 1, max: 3 }),
      worth: fc.integer({ min: 1, max: 9 }),
    })
    .map(({ cpu, memory, gpu, models, count, worth }) => ({
      ask:
        models.length === 0
          ? resources({ cpu, memory, gpu })
          : {
              ...resources({ cpu, memory, gpu }),
              constraints: { gpuModels: models, gpuMemory: bytes(0), labels: [] },
            },
      count,
      worth,
    })),
  { minLength: 1, maxLength: 4 },
);

type DrawnNode = typeof drawnNodes extends fc.Arbitrary<(infer T)[]> ? T : never;

function tableOf(nodes: readonly DrawnNode[]): NodeTable {
  const table = new NodeTable();
  nodes.forEach(({ cpu, memory, models, held }, i) => {
    const plain = node(`n${i}`, { cpu: cpu * 1000, memory: memory * GIB, gpus: models.length });
    table.join({
      ...plain,
      gpus: plain.gpus.map((gpu, g) => ({ ...gpu, model: models[g]! })),
    });
    if (held > 0 && models.length > 0) {
      table.take(i, resources({ cpu: 0, memory: 0, gpu: held }), [plain.gpus[0]!.id]);
    }
  });
  return table;
}

/** Takes what the plan assigns; asserts on the way that nothing is oversubscribed. */
function carryOut(table: NodeTable, pending: readonly Pending[]): number {
  const plan = planOptimal(table, pending, solve);
  assert.equal(plan.kind, 'planned');
  const left = pending.map(({ count }) => count);
  let worth = 0;
  for (const { kind, row, gpus } of plan.assignments) {
    const { ask, worth: one } = pending[kind]!;
    assert.ok(table.freeCpu(row) >= ask.cpu || ask.cpu === 0);
    assert.ok(table.freeMemory(row) >= ask.memory || ask.memory === 0);
    assert.equal(gpus.length, Math.ceil(ask.gpu / 1000));
    const models = ask.constraints?.gpuModels ?? [];
    for (const id of gpus) {
      const { model } = table.node(row)!.gpus.find((gpu) => gpu.id === id)!;
      assert.ok(models.length === 0 || models.includes(model));
    }
    table.take(row, ask, gpus);
    assert.ok(table.freeGpu(row).every((free) => free >= 0));
    left[kind]!--;
    worth += one;
  }
  assert.ok(left.every((count) => count >= 0));
  assert.equal(worth, plan.worth);
  return worth;
}

function greedy(table: NodeTable, pending: readonly Pending[], scorer: Scorer): number {
  const index = new PlacementIndex(table, scorer, TypicalDemand.of(pending.map(({ ask }) => ask)));
  let worth = 0;
  pending.forEach(({ ask, count, worth: one }, kind) => {
    for (let n = 0; n < count; n++) {
      const row = index.best(kind, ask);
      if (row === undefined) return;
      table.take(row, ask, index.devices(row, ask));
      worth += one;
    }
  });
  return worth;
}

test('the plan is never worth less than what any scorer places', () => {
  fc.assert(
    fc.property(drawnNodes, drawnPending, (nodes, pending) => {
      const best = carryOut(tableOf(nodes), pending);
      for (const scorer of scorers) {
        const placed = greedy(tableOf(nodes), pending, scorer);
        assert.ok(best >= placed, `${scorer.name} placed ${placed}, the plan ${best}`);
      }
    }),
    { numRuns: 60 },
  );
});

/** Every node and device for every task, and leaving it out. */
function exhaustive(table: NodeTable, tasks: readonly Pending[]): number {
  const [task, ...rest] = tasks;
  if (task === undefined) return 0;
  const { ask, worth } = task;
  let best = exhaustive(table, rest);
  for (let row = 0; row < table.rows; row++) {
    if (!feasible(table, row, ask)) continue;
    const { id, gpus } = table.node(row)!;
    for (const devices of choices(gpus.length, Math.ceil(ask.gpu / 1000))) {
      const models = ask.constraints?.gpuModels ?? [];
      const fits = devices.every(
        (i) =>
          table.freeGpu(row)[i]! >= Math.min(1000, ask.gpu) &&
          (models.length === 0 || models.includes(gpus[i]!.model)),
      );
      if (!fits) continue;
      const ids = devices.map((i) => gpus[i]!.id);
      table.take(row, ask, ids);
      best = Math.max(best, worth + exhaustive(table, rest));
      table.give(id as NodeId, ask, ids);
    }
  }
  return best;
}

function choices(of: number, take: number): number[][] {
  if (take === 0) return [[]];
  if (of < take) return [];
  return [
    ...choices(of - 1, take),
    ...choices(of - 1, take - 1).map((chosen) => [...chosen, of - 1]),
  ];
}

test('the plan is worth as much as the best of all placements', () => {
  fc.assert(
    fc.property(
      drawnNodes.map((nodes) => nodes.slice(0, 2)),
      drawnPending.map((pending) => pending.map((one) => ({ ...one, count: 1 }))),
      (nodes, pending) => {
        assert.equal(carryOut(tableOf(nodes), pending), exhaustive(tableOf(nodes), pending));
      },
    ),
    { numRuns: 100 },
  );
});

test('shares leave a device whole for a larger task, as no look at one task would', () => {
  const table = new NodeTable();
  table.join(node('n', { cpu: 8000, gpus: 2 }));
  const pending = [
    { ask: resources({ cpu: 0, memory: 0, gpu: 600 }), count: 1, worth: 1 },
    { ask: resources({ cpu: 0, memory: 0, gpu: 400 }), count: 1, worth: 1 },
    { ask: resources({ cpu: 0, memory: 0, gpu: 1000 }), count: 1, worth: 1 },
  ];
  assert.equal(carryOut(table, pending), 3);
});

test('a program that would take minutes is not begun', () => {
  const table = new NodeTable();
  for (let i = 0; i <= VARIABLES_MAX; i++) table.join(node(`n${i}`, { cpu: 1000 }));
  const plan = planOptimal(table, [{ ask: resources({ cpu: 1000 }), count: 1, worth: 1 }], () =>
    assert.fail('not called'),
  );
  assert.deepEqual(plan, { kind: 'too-large', variables: VARIABLES_MAX + 1 });
});

test('values outside the capacities are not believed', () => {
  const table = new NodeTable();
  table.join(node('n', { cpu: 1000 }));
  const pending = [{ ask: resources({ cpu: 1000 }), count: 2, worth: 1 }];
  assert.deepEqual(
    planOptimal(table, pending, () => new Map([['x0', 2]])),
    { kind: 'unsolved' },
  );
});
