import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spanMs, timeMs } from '../../src/base/units.ts';
import { freeBy } from '../../src/scheduling/free-by.ts';
import { node, resources } from '../builders/workload.ts';
import { Cluster } from './cluster.ts';

const CPUS = 6;
const AT = timeMs(50_000);

interface Task {
  readonly node: number;
  readonly cpu: number;
  readonly placedAt: number;
  readonly estimateMs: number | undefined;
}

/** Every time at which something ends, in order: the first at which all nodes together have the seats. */
function slowFreeBy(tasks: readonly Task[], nodes: number, cpu: number, members: number) {
  const ends = tasks.map(({ placedAt, estimateMs }) => placedAt + (estimateMs ?? Infinity));
  const moments = [AT, ...ends.filter((end) => end > AT && end < Infinity)].sort((a, b) => a - b);
  return moments.find((moment) => {
    let seats = 0;
    for (let n = 0; n < nodes; n++) {
      let free = CPUS;
      tasks.forEach((task, i) => {
        const over = ends[i]! > AT && ends[i]! <= moment;
        if (task.node === n && !over) free -= task.cpu;
      });
      seats += Math.floor(free / cpu);
    }
    return seats >= members;
  });
}

test('when a gang fits by the estimates, as a look at every moment finds it', () => {
  const task = fc.record({
    node: fc.nat(4),
    cpu: fc.integer({ min: 1, max: 4 }),
    placedAt: fc.nat(50_000),
    estimateMs: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
  });
  const asked = fc.record({
    cpu: fc.integer({ min: 1, max: CPUS }),
    members: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(task, { maxLength: 20 }), asked, (drawn, { cpu, members }) => {
      const cluster = new Cluster(
        ...Array.from({ length: 5 }, (_, i) => node(`n${i}`, { cpu: CPUS * 1000 })),
      );
      const tasks = drawn.filter(({ node: on, cpu: wants, placedAt, estimateMs }) => {
        const held = resources({ cpu: wants * 1000, memory: 0 });
        if (!cluster.table.fits(on, held)) return false;
        const estimate = estimateMs === undefined ? {} : { estimateMs: spanMs(estimateMs) };
        cluster.run(`n${on}`, held, estimate, placedAt);
        return true;
      });
      const ask = resources({ cpu: cpu * 1000, memory: 0 });
      const got = freeBy(cluster.table, cluster.occupancy, { ask, members, at: AT });
      assert.equal(got, slowFreeBy(tasks, 5, cpu, members));
    }),
    { numRuns: 500 },
  );
});
