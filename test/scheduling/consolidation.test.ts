import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeMs } from '../../src/base/units.ts';
import { reportAllocation } from '../../src/scheduling/allocation-report.ts';
import { type ConsolidationAsk, emptiest, planRoom } from '../../src/scheduling/consolidation.ts';
import type { Candidate } from '../../src/scheduling/scheduler.ts';
import { node, resources } from '../builders/workload.ts';
import { Cluster, HOUR } from './cluster.ts';

const gpus = (count: number) => resources({ cpu: 0, memory: 0, gpu: count * 1000 });
const ask: ConsolidationAsk<Candidate> = { at: timeMs(HOUR), movesMax: 4, mayMove: () => true };

function halfFull(): Cluster {
  const cluster = new Cluster(...[0, 1, 2].map((i) => node(`n${i}`, { gpus: 4 })));
  cluster.run('n0', gpus(1));
  cluster.run('n1', gpus(1), {}, HOUR - 1000);
  cluster.run('n2', gpus(3));
  return cluster;
}

test('room for a whole node is made where moving costs least, and the table is as it was', () => {
  const cluster = halfFull();
  const plan = planRoom(cluster.table, cluster.occupancy, gpus(4), ask);
  assert.ok(plan !== undefined);
  assert.equal(plan.node, 'n1');
  assert.deepEqual(
    plan.moves.map(({ from, to }) => [from, to]),
    [['n1', 'n2']],
  );
  assert.ok(plan.moved < plan.gained);
  assert.ok(!cluster.table.fits(1, gpus(4)));
});

test('kai#2073: what may be stopped for others need not be movable', () => {
  const cluster = halfFull();
  const never = { ...ask, mayMove: () => false };
  assert.equal(planRoom(cluster.table, cluster.occupancy, gpus(4), never), undefined);
});

test('never more is moved than is gained, and nothing when it fits already', () => {
  const cluster = halfFull();
  assert.equal(planRoom(cluster.table, cluster.occupancy, gpus(3), ask), undefined);
  assert.equal(
    planRoom(cluster.table, cluster.occupancy, gpus(4), { ...ask, movesMax: 0 }),
    undefined,
  );
});

test('the node that is cheapest to empty is emptied', () => {
  const cluster = halfFull();
  assert.equal(emptiest(cluster.table, cluster.occupancy, ask)?.node, 'n1');
});

test('who holds too much, who needs more, and where it is hot; the unmeasured are left out', () => {
  const of = (attempt: string, held: number, used: number | undefined) =>
    ({ attempt, node: 'n', resource: 'memory', held, used }) as never;
  const found = reportAllocation(
    [
      of('idle', 1000, 100),
      of('tight', 900, 880),
      of('fine', 100, 50),
      of('unknown', 1, undefined),
    ],
    [{ node: 'n', resource: 'memory', capacity: 1100 } as never],
  );
  assert.deepEqual(
    found.map(({ kind, subject, ratio }) => [kind, subject, ratio]),
    [
      ['hot-spot', 'n', 9363],
      ['under-allocated', 'tight', 9777],
      ['over-allocated', 'idle', 1000],
    ],
  );
});
