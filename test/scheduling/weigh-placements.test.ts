import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spanMs } from '../../src/base/units.ts';
import { dominates } from '../../src/scheduling/objectives.ts';
import { type Contender, weighPlacements } from '../../src/scheduling/weigh-placements.ts';
import { node, resources } from '../builders/workload.ts';
import { Cluster } from './cluster.ts';

const MINUTE = 60_000;
const gpus = (count: number) => resources({ cpu: 0, memory: 0, gpu: count * 1000 });
const contender = (id: string, changes: Partial<Contender> = {}): Contender => ({
  id,
  ask: gpus(2),
  runMs: 10 * MINUTE,
  share: 0,
  fairShare: 0.5,
  ...changes,
});

/** One node free, one nearly full, one full until its task ends in five minutes, one for nobody knows how long. */
function cluster(): Cluster {
  const made = new Cluster(
    ...['free', 'packed', 'soon', 'unknown'].map((id) => node(id, { gpus: 4 })),
  );
  made.run('packed', gpus(2));
  made.run('soon', gpus(4), { estimateMs: spanMs(5 * MINUTE) });
  made.run('unknown', gpus(4));
  return made;
}

test('Q6: a task may go to what is free now or to what is free soon; what nobody knows is not offered', () => {
  const { table, occupancy } = cluster();
  const { placements } = weighPlacements(table, occupancy, [contender('a')], { at: 0 });
  assert.deepEqual(
    placements.map(({ row, waitMs }) => [table.node(row)!.id, waitMs]),
    [
      ['packed', 0],
      ['free', 0],
      ['soon', 5 * MINUTE],
    ],
  );
  assert.deepEqual([...table.freeGpu(2)], [0, 0, 0, 0], 'the table is as it was');
});

test('Q6: weights decide between who is poor and who is quick; the Pareto set has both', () => {
  const { table, occupancy } = cluster();
  const two = [
    contender('quick', { runMs: MINUTE, share: 0.6 }),
    contender('poor', { runMs: 60 * MINUTE, share: 0 }),
  ];
  const first = (weights: { completion: number; utilisation: number; fairness: number }) =>
    weighPlacements(table, occupancy, two, { at: 0, weights }).placements[0]!.id;
  assert.equal(first({ completion: 1, utilisation: 0, fairness: 0 }), 'quick');
  assert.equal(first({ completion: 0, utilisation: 0, fairness: 1 }), 'poor');
  const { placements, conflicts } = weighPlacements(table, occupancy, two, { at: 0 });
  const pareto = placements.filter(({ isPareto }) => isPareto);
  assert.deepEqual(pareto.map(({ id }) => id).sort(), ['poor', 'quick']);
  assert.deepEqual(conflicts, [['completion', 'fairness']]);
});

test('the best by any weights is in the Pareto set, and nothing in it is dominated', () => {
  const some = fc.array(
    fc.record({
      runMs: fc.integer({ min: 1, max: 100 }).map((n) => n * MINUTE),
      share: fc.integer({ min: 0, max: 10 }).map((n) => n / 10),
      ask: fc.constantFrom(gpus(1), gpus(2), gpus(4)),
    }),
    { minLength: 1, maxLength: 5 },
  );
  const weight = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(some, weight, weight, weight, (list, completion, utilisation, fairness) => {
      const { table, occupancy } = cluster();
      const contenders = list.map((changes, i) => contender(`t${i}`, changes));
      const weights = { completion, utilisation, fairness };
      const { placements } = weighPlacements(table, occupancy, contenders, { at: 0, weights });
      assert.ok(placements.length > 0);
      assert.ok(placements[0]!.isPareto);
      for (const one of placements) {
        const beaten = placements.some((other) => dominates(other.objectives, one.objectives));
        assert.equal(one.isPareto, !beaten);
      }
    }),
    { numRuns: 100 },
  );
});
