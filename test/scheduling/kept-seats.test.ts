import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../src/base/prng.ts';
import { spanMs, timeMs } from '../../src/base/units.ts';
import type { Resources } from '../../src/model/resources.ts';
import { soonest, soonestOfOne } from '../../src/scheduling/kept-seats.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Occupancy } from '../../src/scheduling/occupancy.ts';
import { feasible } from '../../src/scheduling/place.ts';
import type { Candidate, Running } from '../../src/scheduling/scheduler.ts';
import { drawCluster } from '../../src/simulation/draw-cluster.ts';
import { drawRequests } from '../../src/simulation/draw-workload.ts';

/** A table on which as many requests run as fit, of which some say how long they take. */
function occupied(prng: Prng) {
  const table = new NodeTable();
  const cluster = drawCluster(prng);
  for (const node of cluster) table.join(node);
  const requests = drawRequests(prng, cluster);
  const occupancy = new Occupancy<Candidate>();
  const ran: Running<Candidate>[] = [];
  for (let i = 0; i < 60; i++) {
    const ask = prng.pick(requests);
    const row = prng.below(table.rows);
    if (!feasible(table, row, ask)) continue;
    const gpus = table.chooseGpus(row, ask.gpu, ask).map(({ id }) => id);
    const held = table.heldOn(row, ask, gpus);
    table.take(row, held, gpus);
    const estimateMs = prng.chance(20) ? undefined : spanMs(prng.below(8));
    const task = { id: `${i}.s.0`, estimateMs } as unknown as Candidate;
    const attempt = `${i}.s.0.1` as Running<Candidate>['attempt'];
    const running = { attempt, task, row, held, gpus, placedAt: timeMs(prng.below(4)) };
    occupancy.add(running);
    ran.push(running);
    if (!prng.chance(30)) continue;
    const [ended] = ran.splice(prng.below(ran.length), 1);
    occupancy.remove(ended!.attempt);
    table.give(table.node(ended!.row)!.id, ended!.held, ended!.gpus);
  }
  return { table, occupancy, requests };
}

test('where one task finds room first is found row by row as it is by halving', () => {
  const seen = { now: 0, later: 0, never: 0 };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const prng = new Prng(seed);
      const { table, occupancy, requests } = occupied(prng);
      const kept = new Map<number, Resources>();
      if (prng.chance(50)) kept.set(prng.below(table.rows), prng.pick(requests));
      for (const ask of requests) {
        const one = { ask, members: 1, aside: (row: number) => kept.get(row) };
        const want = soonest(table, occupancy, one);
        const found = soonestOfOne(table, occupancy, one);
        assert.deepEqual(found?.seats, want?.seats);
        assert.equal(found?.after?.running.attempt, want?.after?.running.attempt);
        seen[want === undefined ? 'never' : want.after === undefined ? 'now' : 'later']++;
      }
    }),
    { numRuns: 300 },
  );
  for (const [when, times] of Object.entries(seen)) assert.ok(times > 20, `${when}: ${times}`);
});
