import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytes } from '../../src/base/units.ts';
import type { NodeId, WorkloadId } from '../../src/model/ids.ts';
import type { Node } from '../../src/model/node.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Outlook } from '../../src/scheduling/outlook.ts';
import { chooseDevices, findPlace } from '../../src/scheduling/place.ts';
import { PlacementIndex } from '../../src/scheduling/placement-index.ts';
import { scorers } from '../../src/scheduling/scorers/registry.ts';
import type { Ask, BoundConstraints } from '../../src/scheduling/shape.ts';
import { TypicalDemand } from '../../src/scheduling/typical-demand.ts';
import { GIB, node, resources } from '../builders/workload.ts';

const self = { workload: '1' as WorkloadId, name: 'w', labels: {} };
const ask: fc.Arbitrary<Ask> = fc
  .record({
    request: fc
      .record({
        cpu: fc.integer({ min: 0, max: 4 }).map((n) => n * 500),
        memory: fc.integer({ min: 0, max: 3 }).map((n) => n * GIB),
        gpu: fc.constantFrom(0, 0, 250, 400, 500, 1000, 2000),
      })
      .map(resources),
    models: fc.constantFrom([], [], ['A'], ['B'], ['A', 'B']),
    zone: fc.constantFrom(undefined, undefined, 'east'),
    more: fc.constantFrom<Partial<BoundConstraints>>(
      {},
      {},
      { tolerations: [{ key: 'team' }] },
      { data: [{ names: ['x'], within: 'node', weight: 0 }] },
      { data: [{ names: ['x'], within: 'node', weight: 5 }] },
      { data: [{ names: ['x'], within: 'zone', weight: 0 }] },
      { preferred: [{ weight: 3, label: { operator: 'exists', key: 'zone' } }] },
      { self },
      { self, company: [{ kind: 'apart', values: [], topology: 'node', maxSkew: 1, weight: 0 }] },
      { self, company: [{ kind: 'near', values: [], topology: 'zone', maxSkew: 1, weight: 9 }] },
    ),
  })
  .map(({ request, models, zone, more }) =>
    models.length === 0 && zone === undefined && Object.keys(more).length === 0
      ? request
      : {
          ...request,
          constraints: {
            ...more,
            gpuModels: models,
            gpuMemory: bytes(0),
            labels:
              zone === undefined ? [] : [{ operator: 'in', key: 'zone', values: [zone] } as const],
          },
        },
  );

function drawnNode(id: string, pick: number): Node {
  const plain = node(id, { cpu: 1000 * (1 + (pick % 4)), memory: 4 * GIB, gpus: pick % 4 });
  const models = [['A'], ['B'], ['A', 'B']][pick % 3]!;
  return {
    ...plain,
    gpus: plain.gpus.map((gpu, i) => ({ ...gpu, model: models[i % models.length]!, numa: i % 2 })),
    labels: {
      ...(pick % 2 === 0 && { zone: 'east', 'data/x': 'yes' }),
      ...(pick % 3 === 0 && { rack: `r${pick % 4}`, 'price/hour': `${pick % 11}.5` }),
      ...(pick % 4 === 0 && { 'power/state': 'off', 'power/watts-per-core': `${pick % 9}` }),
    },
    ...(pick % 5 === 0 && { taints: [{ key: 'team', value: 'a' }] }),
    ...(pick % 7 === 0 && { closed: 'drained' as const }),
  };
}

/** The index against a look at every node, for any sequence of joins, leaves, takes and gives. */
for (const scorer of scorers) {
  test(`the placement index answers as a full search does: ${scorer.name}`, () => {
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
          const outlook = new Outlook(table, new TypicalDemand());
          const held: { id: NodeId; row: number; shape: number; gpus: readonly string[] }[] = [];
          let joined = 0;
          for (const { kind, shape, pick } of ops) {
            const request = asks[shape]!;
            if (kind === 'join') table.join(drawnNode(`n${joined++}`, pick));
            else if (kind === 'leave' && joined > 0) {
              const id = `n${pick % joined}` as NodeId;
              if (table.rowOf(id) !== undefined && !held.some((h) => h.id === id)) table.leave(id);
            } else if (kind === 'give' && held.length > 0) {
              const back = held.splice(pick % held.length, 1)[0]!;
              table.give(back.id, asks[back.shape]!, back.gpus);
              if (asks[back.shape]!.constraints?.self) table.residents.remove(back.row, self);
            } else {
              index.expect(request);
              if (scorer.looksAhead === true) outlook.demand.add(request);
              outlook.refresh();
              const want = findPlace(table, request, scorer, outlook);
              const row = index.best(shape, request);
              assert.equal(row, want.kind === 'place' ? want.row : undefined);
              if (row === undefined) continue;
              const gpus = index.devices(row, request);
              assert.deepEqual(gpus, chooseDevices(table, row, request, scorer, outlook));
              assertAllowed(table.node(row)!, request, gpus);
              table.take(row, request, gpus);
              if (request.constraints?.self !== undefined) table.residents.add(row, self);
              held.push({ id: table.node(row)!.id, row, shape, gpus });
            }
            for (const free of rows(table).flatMap((row) => table.freeGpu(row))) {
              assert.ok(free >= 0, 'no device is given twice');
            }
          }
        },
      ),
    );
  });
}

const rows = (table: NodeTable): number[] => Array.from({ length: table.rows }, (_, row) => row);

function assertAllowed(on: Node, { gpu, constraints }: Ask, gpus: readonly string[]): void {
  assert.equal(new Set(gpus).size, gpu === 0 ? 0 : Math.ceil(gpu / 1000));
  if (constraints === undefined) return;
  if (constraints.labels.length > 0) assert.equal(on.labels['zone'], 'east');
  if (constraints.gpuModels.length === 0) return;
  for (const id of gpus) {
    const { model } = on.gpus.find((device) => device.id === id)!;
    assert.ok(constraints.gpuModels.includes(model), `${model} is not allowed`);
  }
}
