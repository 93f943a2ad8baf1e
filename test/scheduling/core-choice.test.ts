import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Cpu } from '../../src/model/node.ts';
import { chooseCores } from '../../src/scheduling/core-choice.ts';

/** `nodes` NUMA nodes of `cores` cores; the hyper-threads of a core are numbered far apart, as Linux does. */
function machine(nodes: number, cores: number, threads: number): Cpu[] {
  const all = nodes * cores;
  return Array.from({ length: all * threads }, (_, id) => ({
    id,
    core: id % all,
    numa: Math.floor((id % all) / cores),
  }));
}

interface Case {
  readonly cpus: readonly Cpu[];
  readonly pinned?: readonly number[];
  readonly count: number;
  readonly want: readonly number[] | undefined;
}

const cases: Record<string, Case> = {
  'whole cores before hyper-threads': {
    cpus: machine(1, 4, 2),
    pinned: [0],
    count: 2,
    want: [3, 7],
  },
  'the rest of a core that is begun, before a whole one': {
    cpus: machine(1, 4, 2),
    pinned: [0],
    count: 1,
    want: [4],
  },
  'one whole core and the rest of another': {
    cpus: machine(1, 4, 2),
    pinned: [0],
    count: 3,
    want: [3, 4, 7],
  },
  'one NUMA node, though the other has more room': {
    cpus: machine(2, 4, 1),
    pinned: [4, 5],
    count: 2,
    want: [6, 7],
  },
  'the NUMA node that has enough': {
    cpus: machine(2, 4, 1),
    pinned: [0, 1],
    count: 3,
    want: [5, 6, 7],
  },
  'two NUMA nodes where none has enough': {
    cpus: machine(2, 2, 1),
    count: 3,
    want: [0, 1, 3],
  },
  'all of them': { cpus: machine(1, 2, 1), count: 2, want: [0, 1] },
  'too few are left': { cpus: machine(1, 2, 1), pinned: [1], count: 2, want: undefined },
  'none are known': { cpus: [], count: 1, want: undefined },
};

for (const [name, { cpus, pinned = [], count, want }] of Object.entries(cases)) {
  test(`cores: ${name}`, () => {
    assert.deepEqual(chooseCores(cpus, new Set(pinned), count), want);
  });
}

const asked = fc
  .record({
    nodes: fc.integer({ min: 1, max: 3 }),
    cores: fc.integer({ min: 1, max: 6 }),
    threads: fc.integer({ min: 1, max: 2 }),
  })
  .chain(({ nodes, cores, threads }) => {
    const cpus = machine(nodes, cores, threads);
    return fc.record({
      cpus: fc.constant(cpus),
      threads: fc.constant(threads),
      pinned: fc.subarray(cpus.map(({ id }) => id)),
      count: fc.integer({ min: 1, max: cpus.length }),
      order: fc.shuffledSubarray(cpus, { minLength: cpus.length }),
    });
  });

test('cores: so many as asked, none that is pinned, the same in any order', () => {
  fc.assert(
    fc.property(asked, ({ cpus, pinned, count, order }) => {
      const chosen = chooseCores(cpus, new Set(pinned), count);
      assert.equal(chosen !== undefined, cpus.length - pinned.length >= count);
      assert.deepEqual(chooseCores(order, new Set(pinned), count), chosen);
      if (chosen === undefined) return;
      assert.equal(new Set(chosen).size, count);
      assert.ok(chosen.every((id) => !pinned.includes(id) && cpus.some((cpu) => cpu.id === id)));
    }),
  );
});

test('cores: on one NUMA node where one has enough, and no core is broken without need', () => {
  fc.assert(
    fc.property(asked, ({ cpus, pinned, count, threads }) => {
      const free = cpus.filter(({ id }) => !pinned.includes(id));
      const chosen = chooseCores(cpus, new Set(pinned), count);
      if (chosen === undefined) return;
      const nodes = new Set(chosen.map((id) => cpus[id]!.numa));
      const room = [...Map.groupBy(free, ({ numa }) => numa).values()].map((own) => own.length);
      if (Math.max(...room) >= count) assert.equal(nodes.size, 1);
      for (const numa of nodes) {
        const own = free.filter((cpu) => cpu.numa === numa);
        const whole = [...Map.groupBy(own, ({ core }) => core).values()].filter(
          (core) => core.length === threads,
        );
        const mine = chosen.filter((id) => cpus[id]!.numa === numa);
        const taken = whole.filter((core) => core.every(({ id }) => mine.includes(id))).length;
        const broken = whole.filter((core) => core.some(({ id }) => mine.includes(id))).length;
        assert.ok(taken >= Math.min(whole.length, Math.floor(mine.length / threads)));
        assert.ok(broken - taken <= 1);
      }
    }),
  );
});
