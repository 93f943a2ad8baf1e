import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { neverFits } from '../../src/admission/never-fits.ts';
import { bytes, milliGpu } from '../../src/base/units.ts';
import type { StepId } from '../../src/model/ids.ts';
import type { Gpu, GpuSharing, Node } from '../../src/model/node.ts';
import { withSharing } from '../../src/model/shared-gpus.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Outlook } from '../../src/scheduling/outlook.ts';
import { chooseDevices, findPlace, whyNot } from '../../src/scheduling/place.ts';
import { lacksDevices } from '../../src/scheduling/row-devices.ts';
import { scorers } from '../../src/scheduling/scorers/registry.ts';
import type { Ask } from '../../src/scheduling/shape.ts';
import { Trial } from '../../src/scheduling/trial.ts';
import { TypicalDemand } from '../../src/scheduling/typical-demand.ts';
import { node, resources } from '../builders/workload.ts';

const GIB = 1024 ** 3;

const gpusOf = (gib: readonly number[], sharing?: GpuSharing): Node => ({
  ...node('n', { cpu: 64_000, memory: 512 * GIB }),
  gpus: gib.map((size, i): Gpu => {
    const gpu = { id: `g${i}`, model: `m${size}`, memory: bytes(size * GIB) };
    return sharing === undefined ? gpu : { ...gpu, sharing };
  }),
});

const share = (gpu: number, gib?: number): Ask => ({
  ...resources({ cpu: 0, memory: 0, gpu }),
  ...(gib !== undefined && { gpuMemory: bytes(gib * GIB) }),
});

interface Case {
  readonly gpus: readonly number[];
  readonly sharing?: GpuSharing;
  readonly asks: readonly Ask[];
  /** Device and milli-GPU of each that is placed, one after the other. */
  readonly want: readonly (string | undefined)[];
}
const timeSlice = (replicas: number): GpuSharing => ({ kind: 'time-slice', replicas });

const cases: Record<string, Case> = {
  'memory alone is the part of the device that it is': {
    gpus: [80],
    asks: [share(1, 20), share(1, 20), share(1, 40), share(1, 1)],
    want: ['g0 250', 'g0 250', 'g0 500', undefined],
  },
  'of compute and memory the larger part counts': {
    gpus: [40],
    asks: [share(500, 10), share(100, 20), share(1, 1)],
    want: ['g0 500', 'g0 500', undefined],
  },
  'the same memory is a larger part of a smaller device, and too much for the smallest': {
    gpus: [16, 40, 80],
    asks: [share(1, 20), share(1, 20), share(1, 20)],
    want: ['g1 500', 'g1 500', 'g2 250'],
  },
  'a share by compute holds its part of the memory, so that memory is not promised twice': {
    gpus: [40],
    asks: [share(500), share(1, 21), share(1, 20)],
    want: ['g0 500', undefined, 'g0 500'],
  },
  'a part of a byte more is a thousandth more': {
    gpus: [3],
    asks: [share(1, 1), share(1, 1), share(1, 1)],
    want: ['g0 334', 'g0 334', undefined],
  },
  'no more than the whole of a device': {
    gpus: [40],
    asks: [share(1, 41), share(1, 40)],
    want: [undefined, 'g0 1000'],
  },
  'an exclusive device is given whole or not at all': {
    gpus: [40],
    sharing: { kind: 'exclusive' },
    asks: [share(500), share(1, 1), share(1000), share(1000)],
    want: [undefined, undefined, 'g0 1000', undefined],
  },
  'four turns of a device are had by four, however little each asks for': {
    gpus: [40],
    sharing: timeSlice(4),
    asks: [share(10), share(100), share(250), share(251), share(1, 10), share(1)],
    want: ['g0 250', 'g0 250', 'g0 250', undefined, 'g0 250', undefined],
  },
  'a turn has no more memory than its part': {
    gpus: [40],
    sharing: timeSlice(4),
    asks: [share(1, 11), share(1, 10)],
    want: [undefined, 'g0 250'],
  },
  'three turns are three, whatever 1,000 leaves over': {
    gpus: [40],
    sharing: timeSlice(3),
    asks: [share(1), share(1), share(1), share(1)],
    want: ['g0 333', 'g0 333', 'g0 333', undefined],
  },
  'a device of turns is whole while nobody has one': {
    gpus: [40, 40],
    sharing: timeSlice(2),
    asks: [share(100), share(1000), share(1000)],
    want: ['g0 500', 'g1 1000', undefined],
  },
  'MPS gives any share': {
    gpus: [40],
    sharing: { kind: 'mps' },
    asks: [share(700), share(1, 10), share(50), share(1)],
    want: ['g0 700', 'g0 250', 'g0 50', undefined],
  },
};

for (const [name, { gpus, sharing, asks, want }] of Object.entries(cases)) {
  test(`GPU shares: ${name}`, () => {
    const table = new NodeTable();
    const row = table.join(gpusOf(gpus, sharing));
    const trial = new Trial(table);
    const found = asks.map((ask) => {
      assert.equal(table.slots(row, ask, undefined, 1), table.fits(row, ask) ? 1 : 0);
      if (!table.fits(row, ask)) return undefined;
      const { held, gpus: ids } = trial.place(row, ask);
      return `${ids.join()} ${held.gpu}`;
    });
    assert.deepEqual(found, want);
    trial.undo();
    assert.deepEqual(
      table.freeGpu(row),
      gpus.map(() => 1000),
      'all is given back',
    );
  });
}

test('as many as a node says that it could serve are placed, and then none', () => {
  const sharings = [undefined, { kind: 'exclusive' }, { kind: 'mps' }, timeSlice(4), timeSlice(31)];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(3, 16, 40, 80), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...(sharings as (GpuSharing | undefined)[])),
      fc.constantFrom(share(1, 5), share(300, 2), share(100), share(1, 40), share(1000)),
      (gpus, sharing, ask) => {
        const table = new NodeTable();
        const row = table.join(gpusOf(gpus, sharing));
        const slots = table.slots(row, ask, undefined, 200);
        const trial = new Trial(table);
        for (let i = 0; i < slots; i++) {
          assert.ok(table.fits(row, ask));
          trial.place(row, ask);
          assert.ok(table.freeGpu(row).every((free) => free >= 0));
        }
        assert.ok(!table.fits(row, ask));
      },
    ),
    { numRuns: 200 },
  );
});

test('whatever scores the nodes, a share by memory gets a device that has it', () => {
  for (const scorer of scorers) {
    const table = new NodeTable();
    table.join(gpusOf([16], { kind: 'exclusive' }));
    table.join({ ...gpusOf([16, 40], timeSlice(2)), id: 'b' as Node['id'] });
    table.join({ ...gpusOf([16, 80]), id: 'c' as Node['id'] });
    const demand = new TypicalDemand();
    const outlook = new Outlook(table, demand);
    for (const ask of [share(1, 60), share(1, 20), share(200, 10), share(300)]) {
      demand.add(ask);
      if (scorer.looksAhead === true) outlook.refresh();
      const place = findPlace(table, ask, scorer, outlook);
      assert.ok(place.kind === 'place', scorer.name);
      const ids = chooseDevices(table, place.row, ask, scorer, outlook);
      assert.equal(ids.length, 1, scorer.name);
      table.take(place.row, table.heldOn(place.row, ask, ids), ids);
      assert.ok(
        table.freeGpu(place.row).every((free) => free >= 0),
        scorer.name,
      );
    }
  }
});

test('what lacks is told: memory of one device, now and ever', () => {
  const table = new NodeTable();
  const row = table.join(gpusOf([40]));
  table.take(row, share(750), ['g0']);
  assert.deepEqual(whyNot(table, share(1, 20)), {
    code: 'insufficient',
    resource: 'gpu-memory',
    asked: 20 * GIB,
    free: 10 * GIB,
    node: 'n',
  });
  const never = neverFits('s' as StepId, share(1, 60), [gpusOf([40])], lacksDevices);
  assert.equal(never?.code === 'never-fits' && never.resource, 'gpu-memory');
  const none = neverFits(
    's' as StepId,
    share(500),
    [gpusOf([40], { kind: 'exclusive' })],
    lacksDevices,
  );
  assert.deepEqual(none?.code === 'never-fits' && [none.resource, none.largest], ['gpu', 0]);
});

test('the first rule that names a model says how its devices are shared; instances keep to their task', () => {
  const mixed: Node = {
    ...gpusOf([16, 40, 80]),
    gpus: [
      ...gpusOf([16, 40]).gpus,
      { ...gpusOf([80]).gpus[0]!, id: 'i', mig: { kind: 'instance', profile: '1g.10gb' } },
    ],
  };
  const rules = [
    { models: ['m16'], sharing: timeSlice(4) },
    { models: [], sharing: { kind: 'exclusive' } as const },
  ];
  assert.deepEqual(
    withSharing(mixed, rules).gpus.map((gpu) => gpu.sharing?.kind),
    ['time-slice', 'exclusive', undefined],
  );
  assert.equal(withSharing(mixed), mixed);
});

test('a node that joins anew with another mode keeps what is held', () => {
  const table = new NodeTable();
  const row = table.join(gpusOf([40]));
  table.take(row, share(600), ['g0']);
  table.join(gpusOf([40], timeSlice(2)));
  assert.deepEqual(table.freeGpu(row), [400]);
  assert.ok(!table.fits(row, share(1)), 'a turn is a half');
  table.give('n' as Node['id'], share(600), ['g0']);
  assert.ok(table.fits(row, share(1)));
  assert.equal(table.freeGpuSum(row), milliGpu(1000));
});
