import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NodeId } from '../../src/model/ids.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { findPlace } from '../../src/scheduling/place.ts';
import { PlacementIndex } from '../../src/scheduling/placement-index.ts';
import { scorers } from '../../src/scheduling/scorers/registry.ts';
import { GIB, node, resources } from '../builders/workload.ts';

/** The index against a look at every node, for any sequence of joins, leaves, takes and gives. */
for (const scorer of scorers) {
  test(`the placement index answers as a full search does: ${scorer.name}`, () => {
    const ask = fc.record({
      cpu: fc.integer({ min: 0, max: 4 }).map((n) => n * 500),
      memory: fc.integer({ min: 0, max: 3 }).map((n) => n * GIB),
      gpu: fc.constantFrom(0, 0, 250, 500, 1000, 2000),
    });
    const op = fc.record({
      kind: fc.constantFrom('place', 'place', 'place', 'give', 'join', 'leave'),
      shape: fc.nat(3),
      pick: fc.nat(1000),
    });
    fc.assert(
      fc.property(
        fc.array(ask, { minLength: 4, maxLength: 4 }),
        fc.array(op, { maxLength: 120 }),
        (asks, ops) => {
          const table = new NodeTable();
          const index = new PlacementIndex(table, scorer);
          const shapes = asks.map(resources);
          const held: { id: NodeId; shape: number; gpus: string[] }[] = [];
          let joined = 0;
          for (const { kind, shape, pick } of ops) {
            const request = shapes[shape]!;
            if (kind === 'join') {
              const n = joined++;
              table.join(
                node(`n${n}`, { cpu: 1000 * (1 + (pick % 4)), memory: 4 * GIB, gpus: pick % 3 }),
              );
            } else if (kind === 'leave' && joined > 0) {
              const id = `n${pick % joined}` as NodeId;
              if (table.rowOf(id) !== undefined && !held.some((h) => h.id === id)) table.leave(id);
            } else if (kind === 'give' && held.length > 0) {
              const back = held.splice(pick % held.length, 1)[0]!;
              table.give(back.id, shapes[back.shape]!, back.gpus);
            } else {
              const want = findPlace(table, request, scorer);
              const row = index.best(shape, request);
              assert.equal(row, want.kind === 'place' ? want.row : undefined);
              if (row === undefined) continue;
              const gpus = table.chooseGpus(row, request.gpu).map((gpu) => gpu.id);
              table.take(row, request, gpus);
              held.push({ id: table.node(row)!.id, shape, gpus });
            }
          }
        },
      ),
    );
  });
}
