import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { neverFits } from '../../src/admission/never-fits.ts';
import { bytes, milliCpu, milliGpu } from '../../src/base/units.ts';
import type { NodeId, StepId } from '../../src/model/ids.ts';
import type { Node } from '../../src/model/node.ts';
import type { Resources } from '../../src/model/resources.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Outlook } from '../../src/scheduling/outlook.ts';
import { findPlace } from '../../src/scheduling/place.ts';
import { lacksDevices } from '../../src/scheduling/row-devices.ts';
import { SCORE_MAX } from '../../src/scheduling/scorer.ts';
import { scorers } from '../../src/scheduling/scorers/registry.ts';
import { TypicalDemand } from '../../src/scheduling/typical-demand.ts';

const names = ['licence', 'port', 'slot'];
const customOf = (max: number) =>
  fc.uniqueArray(fc.tuple(fc.constantFrom(...names), fc.integer({ min: 0, max })), {
    selector: ([name]) => name,
    maxLength: 3,
  });
const sorted = (custom: [string, number][]): [string, number][] =>
  custom.toSorted(([a], [b]) => (a < b ? -1 : 1));

const nodes = fc
  .record({
    id: fc.constantFrom('a', 'b', 'c'),
    cpu: fc.integer({ min: 0, max: 8 }),
    memory: fc.integer({ min: 0, max: 8 }),
    gpus: fc.subarray([0, 1, 2]),
    custom: customOf(4),
  })
  .map(
    ({ id, cpu, memory, gpus, custom }): Node => ({
      id: id as NodeId,
      cpu: milliCpu(cpu),
      memory: bytes(memory),
      gpus: gpus.map((i) => ({ id: `${id}${i}`, model: 'm', memory: bytes(1) })),
      custom: sorted(custom),
      labels: {},
    }),
  );

const asks = fc
  .record({
    cpu: fc.integer({ min: 0, max: 5 }),
    memory: fc.integer({ min: 0, max: 5 }),
    gpu: fc.constantFrom(0, 0, 0, 250, 500, 1000, 2000),
    custom: customOf(3),
  })
  .map(
    ({ cpu, memory, gpu, custom }): Resources => ({
      cpu: milliCpu(cpu),
      memory: bytes(memory),
      gpu: milliGpu(gpu),
      custom: sorted(custom),
    }),
  );

type Step =
  | { readonly kind: 'join'; readonly node: Node }
  | { readonly kind: 'leave'; readonly id: NodeId }
  | { readonly kind: 'place'; readonly ask: Resources }
  | { readonly kind: 'end'; readonly which: number };
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: nodes.map((node): Step => ({ kind: 'join', node })) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('a', 'b', 'c')
        .map((id): Step => ({ kind: 'leave', id: id as NodeId })),
    },
    { weight: 6, arbitrary: asks.map((ask): Step => ({ kind: 'place', ask })) },
    { weight: 3, arbitrary: fc.nat(20).map((which): Step => ({ kind: 'end', which })) },
  ),
  { maxLength: 40, size: 'max' },
);

interface Held {
  readonly node: NodeId;
  readonly ask: Resources;
  readonly gpus: readonly string[];
}

/** The obvious table: the nodes that are there, in order, and what is held; everything else is added up. */
class PlainTable {
  nodes: Node[] = [];
  held: Held[] = [];

  free(node: Node, amount: (of: Resources | Node) => number): number {
    return this.held
      .filter((held) => held.node === node.id)
      .reduce((left, { ask }) => left - amount(ask), amount(node));
  }

  freeGpus(node: Node): number[] {
    return node.gpus.map(({ id }) =>
      this.held
        .filter(({ gpus }) => gpus.includes(id))
        .reduce((left, { ask }) => left - Math.min(1000, ask.gpu), 1000),
    );
  }

  fits(node: Node, ask: Resources): boolean {
    const gpus = this.freeGpus(node);
    return (
      (ask.cpu === 0 || this.free(node, ({ cpu }) => cpu) >= ask.cpu) &&
      (ask.memory === 0 || this.free(node, ({ memory }) => memory) >= ask.memory) &&
      ask.custom.every(
        ([name, asked]) => asked === 0 || this.free(node, amountOf(name)) >= asked,
      ) &&
      (ask.gpu === 0 ||
        (ask.gpu < 1000
          ? gpus.some((free) => free >= ask.gpu)
          : gpus.filter((free) => free === 1000).length * 1000 >= ask.gpu))
    );
  }
}

const amountOf =
  (name: string) =>
  ({ custom }: Resources | Node): number =>
    custom.find(([n]) => n === name)?.[1] ?? 0;

/** Does the same to both tables; the place is chosen by the fast one. */
function run(history: readonly Step[], each: (table: NodeTable, plain: PlainTable) => void): void {
  const table = new NodeTable();
  const plain = new PlainTable();
  for (const step of history) {
    if (step.kind === 'join') {
      table.join(step.node);
      const at = plain.nodes.findIndex(({ id }) => id === step.node.id);
      if (at < 0) plain.nodes.push(step.node);
      else plain.nodes[at] = step.node;
    } else if (step.kind === 'leave') {
      if (!plain.nodes.some(({ id }) => id === step.id)) continue;
      for (const { node, ask, gpus } of plain.held) {
        if (node === step.id) table.give(node, ask, gpus);
      }
      plain.held = plain.held.filter(({ node }) => node !== step.id);
      plain.nodes = plain.nodes.filter(({ id }) => id !== step.id);
      table.leave(step.id);
    } else if (step.kind === 'place') {
      const node = plain.nodes.find((candidate) => plain.fits(candidate, step.ask));
      if (node === undefined) continue;
      const row = table.rowOf(node.id)!;
      const gpus = table.chooseGpus(row, step.ask.gpu).map(({ id }) => id);
      table.take(row, step.ask, gpus);
      plain.held.push({ node: node.id, ask: step.ask, gpus });
    } else {
      const [held] = plain.held.splice(step.which % Math.max(1, plain.held.length), 1);
      if (held !== undefined) table.give(held.node, held.ask, held.gpus);
    }
    each(table, plain);
  }
}

test('the table says what the obvious one says, whatever happened to it', () => {
  fc.assert(
    fc.property(steps, (history) => {
      run(history, (table, plain) => {
        for (const node of plain.nodes) {
          const row = table.rowOf(node.id)!;
          assert.deepEqual(
            [
              table.freeCpu(row),
              table.freeMemory(row),
              ...names.map((name) => table.freeCustom(row, name)),
            ],
            [
              plain.free(node, ({ cpu }) => cpu),
              plain.free(node, ({ memory }) => memory),
              ...names.map((name) => plain.free(node, amountOf(name))),
            ],
          );
          assert.deepEqual(table.freeGpu(row), plain.freeGpus(node));
        }
      });
    }),
    { numRuns: 300 },
  );
});

test('a request fits where the obvious table has room, and a shortage is named where it has not', () => {
  fc.assert(
    fc.property(steps, asks, (history, ask) => {
      run(history, (table, plain) => {
        for (const node of plain.nodes) {
          const row = table.rowOf(node.id)!;
          assert.equal(table.fits(row, ask), plain.fits(node, ask));
          assert.equal(table.shortage(row, ask) === undefined, plain.fits(node, ask));
        }
      });
    }),
    { numRuns: 300 },
  );
});

test('GPUs are chosen with room on each: whole ones free, a share on the fullest that has it', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(250, 500, 1000, 2000), (history, gpu) => {
      run(history, (table, plain) => {
        for (const node of plain.nodes) {
          const row = table.rowOf(node.id)!;
          const free = new Map(node.gpus.map(({ id }, i) => [id, plain.freeGpus(node)[i]!]));
          if (table.gpuFreeFor(row, milliGpu(gpu)) < gpu) continue;
          const chosen = table.chooseGpus(row, milliGpu(gpu)).map(({ id }) => free.get(id)!);
          if (gpu >= 1000) assert.deepEqual(chosen, new Array(gpu / 1000).fill(1000));
          else {
            const able = [...free.values()].filter((f) => f >= gpu);
            assert.deepEqual(chosen, [Math.min(...able)]);
          }
        }
      });
    }),
    { numRuns: 200 },
  );
});

test('findPlace takes the best score of the nodes that fit, the first of equals', () => {
  fc.assert(
    fc.property(steps, asks, fc.constantFrom(...scorers), (history, ask, scorer) => {
      run(history, (table, plain) => {
        const outlook = new Outlook(table, TypicalDemand.of([ask]));
        outlook.refresh();
        let best: { readonly id: NodeId; readonly score: number } | undefined;
        for (const node of plain.nodes.filter((candidate) => plain.fits(candidate, ask))) {
          const score = scorer.score(table, table.rowOf(node.id)!, ask, outlook);
          assert.ok(Number.isInteger(score) && score >= 0 && score <= SCORE_MAX);
          if (best === undefined || score > best.score) best = { id: node.id, score };
        }
        const verdict = findPlace(table, ask, scorer, outlook);
        if (verdict.kind === 'place') assert.equal(table.node(verdict.row)!.id, best?.id);
        else {
          assert.equal(best, undefined);
          const { code } = verdict.refusal;
          assert.equal(code, plain.nodes.length === 0 ? 'no-nodes' : 'insufficient');
        }
      });
    }),
    { numRuns: 300 },
  );
});

test('never fits means: not even on an empty table', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(nodes, { selector: ({ id }) => id, maxLength: 4 }),
      asks,
      (all, ask) => {
        const table = new NodeTable();
        const rows = all.map((node) => table.join(node));
        const would = rows.some((row) => table.fits(row, ask));
        const refusal = neverFits('s' as StepId, ask, all, lacksDevices);
        assert.equal(refusal === undefined, would || all.length === 0);
        if (refusal?.code === 'never-fits') assert.ok(refusal.asked > refusal.largest);
      },
    ),
    { numRuns: 500 },
  );
});
