import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytes, milliGpu } from '../../src/base/units.ts';
import { fact } from '../../src/inventory/fact.ts';
import {
  maximalMigLayouts,
  migGeometries,
  migPlacementsFit,
} from '../../src/inventory/mig-profiles.ts';
import { MIG_PROFILE, milliOfInstance } from '../../src/model/mig-profile.ts';
import type { Gpu, Node } from '../../src/model/node.ts';
import { chooseInstance, cutFrom } from '../../src/scheduling/mig-instances.ts';
import { planCuts, planInventory } from '../../src/scheduling/mig-plans.ts';
import { migCommands } from '../../src/scheduling/mig-repartition.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Outlook } from '../../src/scheduling/outlook.ts';
import { findPlace, whyNot } from '../../src/scheduling/place.ts';
import { scorers } from '../../src/scheduling/scorers/registry.ts';
import type { Ask } from '../../src/scheduling/shape.ts';
import { Trial } from '../../src/scheduling/trial.ts';
import { TypicalDemand } from '../../src/scheduling/typical-demand.ts';
import { node, resources } from '../builders/workload.ts';

const GIB = 1024 ** 3;
const a100 = migGeometries.find(({ model, memoryGb }) => model === 'A100' && memoryGb === 40)!;
const cut = (id: string): Gpu => ({
  id,
  model: 'NVIDIA A100-SXM4-40GB',
  memory: bytes(40 * GIB),
  mig: { kind: 'cut' },
});
const instance = (id: string, profile: string): Gpu => ({
  id,
  model: `NVIDIA A100-SXM4-40GB MIG ${profile}`,
  memory: bytes(5 * GIB),
  mig: { kind: 'instance', profile },
});
const withGpus = (...gpus: Gpu[]): Node => ({ ...node('n', { cpu: 64_000 }), gpus });
const asks = (mig: string): Ask => ({
  ...resources({ cpu: 0, memory: 0, gpu: milliOfInstance(mig) }),
  mig,
});

const cases: Record<string, { gpus: Gpu[]; wanted: string[]; want: (string | undefined)[] }> = {
  'an instance that exists goes before one that is cut, and is one task’s': {
    gpus: [cut('g'), instance('MIG-1', '1g.5gb')],
    wanted: ['1g.5gb', '1g.5gb'],
    want: ['MIG-1', 'g/1g.5gb@6'],
  },
  'only an instance of the very profile will do': {
    gpus: [instance('MIG-1', '2g.10gb'), instance('MIG-2', '1g.5gb+me')],
    wanted: ['1g.5gb', '2g.10gb'],
    want: [undefined, 'MIG-1'],
  },
  'a first 3g goes to slice 4, and four 1g fit beside it': {
    gpus: [cut('g')],
    wanted: ['3g.20gb', '1g.5gb', '1g.5gb', '1g.5gb', '1g.5gb', '1g.5gb'],
    want: ['g/3g.20gb@4', 'g/1g.5gb@0', 'g/1g.5gb@1', 'g/1g.5gb@2', 'g/1g.5gb@3', undefined],
  },
  'the fullest GPU that has a place is cut': {
    gpus: [cut('g'), cut('h')],
    wanted: ['7g.40gb', '1g.5gb', '4g.20gb', '4g.20gb'],
    want: ['g/7g.40gb@0', 'h/1g.5gb@6', 'h/4g.20gb@0', undefined],
  },
  'a profile of another part has no place': {
    gpus: [cut('g')],
    wanted: ['1g.10gb', '1g.6gb'],
    want: ['g/1g.10gb@6', undefined],
  },
};
for (const [name, { gpus, wanted, want }] of Object.entries(cases)) {
  test(`MIG: ${name}`, () => {
    const table = new NodeTable();
    const row = table.join(withGpus(...gpus));
    const found = wanted.map((profile) => {
      const ask = asks(profile);
      assert.equal(table.slots(row, ask, undefined, 1), table.fits(row, ask) ? 1 : 0);
      if (!table.fits(row, ask)) return undefined;
      const [id] = table.chooseGpus(row, ask.gpu, ask);
      table.take(row, ask, [id!.id]);
      return id!.id;
    });
    assert.deepEqual(found, want);
  });
}

test('GPUs in MIG mode and their instances are no whole GPUs and give no shares', () => {
  const table = new NodeTable();
  const row = table.join(withGpus(cut('g'), instance('MIG-1', '7g.40gb')));
  for (const gpu of [100, 1000, 2000]) {
    assert.ok(!table.fits(row, resources({ cpu: 0, memory: 0, gpu })));
    assert.equal(table.slots(row, resources({ cpu: 0, memory: 0, gpu }), undefined, 9), 0);
  }
  const why = whyNot(table, asks('2g.20gb'));
  assert.equal(why.code === 'insufficient' && why.resource, '2g.20gb instance');
});

test('every published layout is reached by asking for its instances, and nothing more then fits', () => {
  const classic = a100.profiles.filter(({ name }) => !name.includes('+me') && name !== '1g.10gb');
  const layouts = maximalMigLayouts(a100, classic);
  assert.equal(layouts.length, 19);
  const multisets = new Set<string>();
  for (const layout of layouts) {
    const names = layout
      .toSorted(
        (a, b) =>
          b.profile.memorySlices - a.profile.memorySlices ||
          b.profile.computeSlices - a.profile.computeSlices,
      )
      .map(({ profile }) => profile.name);
    multisets.add(names.join());
    const held = new Map<string, number>();
    // The largest first: smaller ones that came before could lie in the way.
    for (const name of names) {
      const id = chooseInstance([cut('g')], name, held);
      assert.ok(id !== undefined, `${name} of ${names.join(' ')}`);
      held.set(id, milliOfInstance(name));
    }
    assert.ok(migPlacementsFit(a100, cutFrom(cut('g'), a100, held)));
  }
  assert.equal(multisets.size, 14);
});

test('in any order, what is cut can exist together, and is refused only when nothing fits', () => {
  const profiles = a100.profiles.map(({ name }) => name);
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...profiles), { maxLength: 20 }), (wanted) => {
      const gpus = [cut('g'), cut('h')];
      const table = new NodeTable();
      const row = table.join(withGpus(...gpus));
      const held = new Map<string, number>();
      for (const name of wanted) {
        const ask = asks(name);
        const profile = a100.profiles.find((other) => other.name === name)!;
        const somewhere = gpus.some((gpu) =>
          profile.starts.some((start) =>
            migPlacementsFit(a100, [...cutFrom(gpu, a100, held), { profile, start }]),
          ),
        );
        assert.equal(table.fits(row, ask), somewhere);
        if (!somewhere) continue;
        const ids = table.chooseGpus(row, ask.gpu, ask).map(({ id }) => id);
        table.take(row, ask, ids);
        held.set(ids[0]!, ask.gpu);
      }
      for (const gpu of gpus) assert.ok(migPlacementsFit(a100, cutFrom(gpu, a100, held)));
      assert.ok(table.freeGpuSum(row) >= 0);
    }),
    { numRuns: 150 },
  );
});

test('a what-if of instances is taken back to the last slice', () => {
  const table = new NodeTable();
  const row = table.join(withGpus(cut('g'), instance('MIG-1', '1g.5gb')));
  const before = [table.freeGpuSum(row), table.slots(row, asks('1g.5gb'), undefined, 20)];
  const trial = new Trial(table);
  for (const name of ['1g.5gb', '3g.20gb', '1g.5gb', '2g.10gb']) trial.place(row, asks(name));
  trial.undo();
  assert.deepEqual(
    [table.freeGpuSum(row), table.slots(row, asks('1g.5gb'), undefined, 20)],
    before,
  );
  assert.equal(before[1], 8);
});

test('whatever scores the nodes, an instance is found where there is one', () => {
  for (const scorer of scorers) {
    const table = new NodeTable();
    table.join(node('plain', { cpu: 8000, gpus: 4 }));
    const row = table.join(withGpus(instance('MIG-1', '1g.5gb')));
    const outlook = new Outlook(table, new TypicalDemand());
    if (scorer.looksAhead === true) outlook.refresh();
    assert.deepEqual(findPlace(table, asks('1g.5gb'), scorer, outlook), { kind: 'place', row });
  }
});

test('the names of profiles are known, and are the part of a GPU that their slices are', () => {
  for (const { profiles, computeSlices } of migGeometries) {
    for (const profile of profiles) {
      assert.match(profile.name, MIG_PROFILE);
      const part = Math.min(999, Math.floor((1000 * profile.computeSlices) / computeSlices));
      assert.equal(milliOfInstance(profile.name), part, profile.name);
    }
  }
  assert.equal(milliOfInstance('1c.3g.20gb'), 142);
});

test('room for a 4g is made where it costs least, on a modelled node', () => {
  const held = ['g/1g.5gb@0', 'g/2g.10gb@4', 'h/1g.5gb@2', 'h/3g.20gb@4'];
  const costs = new Map([
    ['g/1g.5gb@0', 50],
    ['h/1g.5gb@2', 20],
    ['h/3g.20gb@4', 1],
  ]);
  const plan = planCuts(
    withGpus(cut('g'), cut('h')),
    held,
    ['4g.20gb'],
    (id) => costs.get(id) ?? 0,
  );
  assert.equal(plan?.cost, 20);
  assert.deepEqual(
    plan?.gpus.map(({ gpu, destroy, create }) => [
      gpu,
      destroy.map(({ start }) => start),
      create[0]?.start,
    ]),
    [['h', [2], 0]],
  );
  assert.equal(
    planCuts(withGpus(node('n', { gpus: 1 }).gpus[0]!), [], ['1g.5gb'], () => 0),
    undefined,
  );
});

test('room for a 4g is made where it costs least, on a machine as its driver tells it', () => {
  const told = <T>(value: T) => fact(value, 'driver');
  const memory = (gb: number) => ({ totalBytes: told(gb * GIB) });
  const device = (gi: number, profile: string, start: number, size: number) => ({
    uuid: told(`MIG-${gi}`),
    gpuInstance: told(gi),
    profile: told(profile),
    placement: told({ start, size }),
  });
  const gpu = (uuid: string, devices: object[]) => ({
    uuid: told(uuid),
    model: told('NVIDIA A100-SXM4-40GB'),
    memory: memory(40),
    mig: { enabled: told(true), devices },
  });
  const gpus = [
    gpu('GPU-1', [
      device(7, '1g.5gb', 0, 1),
      device(8, '1c.3g.20gb', 4, 4),
      device(8, '1c.3g.20gb', 4, 4),
    ]),
    gpu('GPU-2', [device(9, '2g.10gb', 2, 2)]),
  ] as unknown as Parameters<typeof planInventory>[0];
  const plan = planInventory(gpus, ['4g.20gb'], (id) => (id === 'MIG-9' ? 100 : 10));
  assert.equal(plan?.cost, 10);
  assert.deepEqual(migCommands(plan!), [
    ['mig', '-i', 'GPU-1', '-dci', '-gi', '7'],
    ['mig', '-i', 'GPU-1', '-dgi', '-gi', '7'],
    ['mig', '-i', 'GPU-1', '-cgi', '5:0', '-C'],
  ]);
});

test('an account of instances adds up to no more than the GPU', () => {
  const table = new NodeTable();
  const row = table.join(withGpus(cut('g')));
  assert.equal(table.freeGpuSum(row), 1000);
  for (let i = 0; i < 7; i++) {
    const ask = asks('1g.5gb');
    const ids = table.chooseGpus(row, ask.gpu, ask).map(({ id }) => id);
    table.take(row, ask, ids);
  }
  assert.equal(table.gpuHeld(row, 0), milliGpu(994));
  assert.equal(table.gpuCapacity(row), 1000);
});
