import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytes, milliGpu } from '../../src/base/units.ts';
import { allowsGpu } from '../../src/scheduling/allows-gpu.ts';
import { Fragmentation } from '../../src/scheduling/fragmentation.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Outlook } from '../../src/scheduling/outlook.ts';
import { PlacementIndex } from '../../src/scheduling/placement-index.ts';
import { fgd } from '../../src/scheduling/scorers/fgd.ts';
import { fillPlan } from '../../src/scheduling/scorers/fill-plan.ts';
import type { Ask } from '../../src/scheduling/shape.ts';
import { Stranding } from '../../src/scheduling/stranding.ts';
import { type TypicalAsk, TypicalDemand } from '../../src/scheduling/typical-demand.ts';
import { GIB, node, resources } from '../builders/workload.ts';

const gpu = { id: 'g', model: 'A', memory: bytes(16 * GIB) };
const asks: fc.Arbitrary<Ask[]> = fc.array(
  fc
    .record({
      cpu: fc.integer({ min: 0, max: 8 }).map((n) => n * 500),
      gpu: fc.constantFrom(0, 200, 470, 810, 1000, 1000, 2000, 3000),
      models: fc.constantFrom([], ['A'], ['B']),
    })
    .map(({ cpu, gpu: milli, models }) => {
      const request = resources({ cpu, gpu: milli });
      return models.length === 0
        ? request
        : { ...request, constraints: { gpuModels: models, gpuMemory: bytes(0), labels: [] } };
    }),
  { minLength: 1, maxLength: 8 },
);

/** F(n) of the paper, term by term: idle GPU that no ask, weighted by its share, can use. */
function fragments(typical: readonly TypicalAsk[], free: readonly number[], cpu: number): number {
  const idle = free.reduce((sum, left) => sum + left, 0);
  return typical.reduce((sum, ask) => {
    const size = Math.min(1000, ask.gpu);
    const able = free.filter((left) => left >= size);
    const fits =
      ask.gpu > 0 &&
      ask.cpu <= cpu &&
      able.length >= Math.ceil(ask.gpu / 1000) &&
      allowsGpu(ask.constraints, gpu);
    const usable = fits ? able.reduce((all, left) => all + left, 0) : 0;
    return sum + ask.share * (idle - usable);
  }, 0);
}

test('fragmentation is the sum of its definition, before and after a placement', () => {
  const held = fc.array(fc.constantFrom(0, 0, 190, 470, 530, 1000), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(asks, held, fc.integer({ min: 0, max: 9 }), (drawn, taken, cores) => {
      const table = new NodeTable();
      table.join(node('n', { cpu: 16_000, gpus: taken.length }));
      taken.forEach((milli, i) => {
        const shares = resources({ cpu: 0, memory: 0, gpu: milli });
        if (milli > 0) table.take(0, shares, [`n-gpu${i}`]);
      });
      const typical = TypicalDemand.of(drawn).typical(1);
      const fragmentation = new Fragmentation(typical, gpu);
      const free = [...table.freeGpu(0)];
      const idle = free.reduce((sum, left) => sum + left, 0);
      const cpu = cores * 500;
      const near = (got: number, want: number): void =>
        assert.ok(Math.abs(got - want) < 1e-6, `${got}, not ${want}`);
      near(fragmentation.usable(table, 0, cpu), idle - fragments(typical, free, cpu));
      const first = free.findIndex((left) => left >= 100);
      if (first >= 0) {
        const after = free.with(first, free[first]! - 100);
        const got = fragmentation.afterShare(table, 0, cpu, free[first]!, free[first]! - 100);
        near(got, idle - 100 - fragments(typical, after, cpu));
      }
      const whole = free.indexOf(1000);
      if (whole >= 0) {
        const got = fragmentation.afterWhole(table, 0, cpu, 1);
        near(got, idle - 1000 - fragments(typical, free.with(whole, 0), cpu));
      }
    }),
    { numRuns: 300 },
  );
});

test('stranding counts the GPUs that the CPU left will not suffice for', () => {
  const typical = TypicalDemand.of([
    resources({ cpu: 4000, memory: 0, gpu: 1000 }),
    resources({ cpu: 8000, memory: 0, gpu: 1000 }),
  ]).typical(1);
  const stranding = new Stranding(typical, gpu);
  const cases: [gpus: number, cpu: number, want: number][] = [
    [0, 0, 0],
    [1, 0, 1],
    [1, 3999, 1],
    [1, 4000, 0.5],
    [1, 8000, 0],
    // Two needs: 8, 12, 12 or 16 cores.
    [2, 8000, 0.75],
    [2, 12_000, 0.25],
    [2, 16_000, 0],
    [0.5, 4000, 0.25],
  ];
  for (const [gpus, cpu, want] of cases) {
    const got = stranding.expected(gpus * 1000, cpu, 0);
    assert.ok(Math.abs(got - want) < 1e-9, `${gpus} GPUs, ${cpu} mCPU: ${got}, not ${want}`);
  }
});

test('memory strands as CPU does, whichever is scarcer', () => {
  const typical = TypicalDemand.of([resources({ cpu: 1000, memory: GIB, gpu: 1000 })]).typical(1);
  const stranding = new Stranding(typical, gpu);
  assert.equal(stranding.expected(2000, 2000, GIB), 1);
  assert.equal(stranding.expected(2000, 1000, 2 * GIB), 1);
  assert.equal(stranding.expected(2000, 2000, 2 * GIB), 0);
});

test('typical demand is the most frequent kinds, and settles when it has grown fourfold', () => {
  const demand = new TypicalDemand();
  const [small, large] = [resources({ cpu: 1000, memory: GIB }), resources({ cpu: 9000 })];
  demand.add(small, 3);
  assert.equal(demand.version, 1);
  demand.add(resources({ cpu: 1000, memory: 5 * GIB }));
  demand.add(large, 7);
  assert.equal(demand.version, 1);
  assert.deepEqual(
    demand.typical(1).map(({ cpu, share }) => [cpu, share]),
    [[1000, 1]],
  );
  demand.add(large, 12);
  assert.equal(demand.version, 2);
  assert.deepEqual(
    demand.typical(1).map(({ cpu, memory, share }) => [cpu, memory, share]),
    [
      [9000, GIB, 19 / 23],
      [1000, 2 * GIB, 4 / 23],
    ],
  );
  assert.deepEqual(
    demand.typical(0.8).map(({ cpu, share }) => [cpu, share]),
    [[9000, 1]],
  );
});

test('typical demand stays bounded, whatever is asked for', () => {
  const demand = new TypicalDemand();
  for (let i = 0; i < 10_000; i++) demand.add(resources({ cpu: i }));
  demand.add(resources({ cpu: 5 }), 1 << 20);
  assert.ok(demand.typical(1).length <= 2_048);
});

/** Where a task goes on two nodes of eight cores and two GPUs, when `before` was placed on the first. */
function choice(scorer: typeof fgd | typeof fillPlan, demand: Ask[], before: Ask[], ask: Ask) {
  const table = new NodeTable();
  for (const id of ['a', 'b']) table.join(node(id, { cpu: 8000, gpus: 2 }));
  for (const one of before) {
    table.take(
      0,
      one,
      table.chooseGpus(0, one.gpu).map(({ id }) => id),
    );
  }
  const index = new PlacementIndex(table, scorer, TypicalDemand.of(demand));
  const row = index.best(0, ask)!;
  return [table.node(row)!.id, ...index.devices(row, ask)];
}

test('fill-plan keeps halves with halves, though a third would fit beside one', () => {
  const [half, third] = [470, 320].map((milli) => resources({ cpu: 0, memory: 0, gpu: milli }));
  const whole = resources({ cpu: 0, memory: 0, gpu: 1000 });
  const demand = [half!, third!, whole].flatMap((one) => Array<Ask>(6).fill(one));
  assert.deepEqual(choice(fillPlan, demand, [half!], half!), ['a', 'a-gpu0']);
  assert.deepEqual(choice(fillPlan, demand, [half!], third!), ['a', 'a-gpu1']);
  assert.deepEqual(choice(fillPlan, demand, [half!, third!], third!).slice(1), ['a-gpu1']);
});

test('fill-plan does not spend the CPU that idle GPUs need', () => {
  const task = resources({ cpu: 4000, memory: 0, gpu: 1000 });
  const withoutGpu = resources({ cpu: 4000, memory: 0 });
  // On `a` one GPU is left with four cores for it; `b` has four cores to spare.
  const table = new NodeTable();
  table.join(node('a', { cpu: 8000, gpus: 2 }));
  table.join(node('b', { cpu: 12_000, gpus: 2 }));
  table.take(0, task, ['a-gpu0']);
  const index = new PlacementIndex(table, fillPlan, TypicalDemand.of([task, withoutGpu]));
  assert.equal(index.best(0, withoutGpu), 1);
});

test('fill-plan leaves the last whole node to those who need one', () => {
  const single = resources({ cpu: 0, memory: 0, gpu: 1000 });
  const pair = resources({ cpu: 0, memory: 0, gpu: 2000 });
  assert.equal(choice(fillPlan, [single, pair, pair], [single], single)[0], 'a');
});

test('fill-plan keeps a model for the demand that must have it', () => {
  const table = new NodeTable();
  for (const [id, model] of [
    ['a', 'rare'],
    ['b', 'plain'],
  ] as const) {
    const plain = node(id, { cpu: 8000, gpus: 2 });
    table.join({ ...plain, gpus: plain.gpus.map((device) => ({ ...device, model })) });
  }
  const any = resources({ cpu: 1000, gpu: 1000 });
  const constraints = { gpuModels: ['rare'], gpuMemory: bytes(0), labels: [] };
  const demand = TypicalDemand.of([any, { ...any, constraints }]);
  assert.equal(new PlacementIndex(table, fillPlan, demand).best(0, any), 1);
});

test('fgd fills the first of equals, step by step as published', () => {
  const half = resources({ cpu: 0, memory: 0, gpu: 500 });
  assert.deepEqual(choice(fgd, [half], [], half), ['a', 'a-gpu0']);
  assert.deepEqual(choice(fgd, [half], [half], half), ['a', 'a-gpu0']);
});

test('an outlook changes its version when something becomes scarce, and not before', () => {
  const table = new NodeTable();
  for (let i = 0; i < 8; i++) table.join(node(`n${i}`, { cpu: 8000, gpus: 2 }));
  const single = resources({ cpu: 0, memory: 0, gpu: 1000 });
  const pair = resources({ cpu: 0, memory: 0, gpu: 2000 });
  const outlook = new Outlook(table, TypicalDemand.of([single, single, single, single, pair]));
  outlook.refresh();
  const before = outlook.version;
  outlook.refresh();
  assert.equal(outlook.version, before);
  assert.equal(outlook.slots.loss(7, 1, 8000, 8 * GIB), 0, 'eight slots for a third of 16 GPUs');
  for (let row = 0; row < 7; row++) table.take(row, single, [`n${row}-gpu0`]);
  outlook.refresh();
  assert.notEqual(outlook.version, before);
  assert.equal(outlook.slots.loss(7, 1, 8000, 8 * GIB), 2, 'the last place for a pair');
  assert.equal(table.freeGpuByModel.get('test'), milliGpu(9000));
});
