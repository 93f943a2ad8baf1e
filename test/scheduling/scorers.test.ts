import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytes } from '../../src/base/units.ts';
import { type Constraints, noConstraints } from '../../src/model/constraints.ts';
import type { Node } from '../../src/model/node.ts';
import { defaultScheduling } from '../../src/model/scheduling-config.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Outlook } from '../../src/scheduling/outlook.ts';
import { checkedScore, findPlace } from '../../src/scheduling/place.ts';
import { type Scorer, weightedSum } from '../../src/scheduling/scorer.ts';
import { coLocation } from '../../src/scheduling/scorers/co-location.ts';
import { type ScorerName, scorers } from '../../src/scheduling/scorers/registry.ts';
import type { BoundConstraints } from '../../src/scheduling/shape.ts';
import { Shapes } from '../../src/scheduling/shape.ts';
import { TypicalDemand } from '../../src/scheduling/typical-demand.ts';
import { GIB, node, resources } from '../builders/workload.ts';

const named = (name: ScorerName): Scorer => scorers.find((scorer) => scorer.name === name)!;

const self = { workload: '1' as never, name: 'train', labels: {} };
const other = { workload: '2' as never, name: 'serve', labels: {} };

interface Case {
  readonly scorer: ScorerName | Scorer;
  readonly nodes: readonly Node[];
  readonly ask?: Parameters<typeof resources>[0];
  /** Milli-CPU and GiB held on a node. */
  readonly held?: Readonly<Record<string, readonly [cpu: number, gib: number]>>;
  readonly beside?: Readonly<Record<string, typeof self>>;
  readonly constraints?: Partial<BoundConstraints>;
  readonly want: string;
}

const big = (id: string, labels: Record<string, string> = {}): Node => ({
  ...node(id, { cpu: 8000, memory: 8 * GIB }),
  labels,
});
const slow = [{ a: 'train', b: 'serve', slowdown: 4000 as never }];
const gpuNode = (id: string, ...numa: number[]): Node => {
  const plain = node(id, { cpu: 8000, gpus: numa.length });
  return { ...plain, gpus: plain.gpus.map((gpu, i) => ({ ...gpu, numa: numa[i]! })) };
};
const near = (topology: string, weight: number) =>
  ({ kind: 'near', values: [], topology, maxSkew: 1, weight }) as const;

/** What each prefers; the first node would be taken where the scorer had nothing to say. */
const cases: Record<string, Case> = {
  'tetris: memory goes where memory is free': {
    scorer: 'tetris',
    nodes: [big('a'), big('b')],
    held: { a: [0, 6], b: [6000, 0] },
    ask: { cpu: 500, memory: 2 * GIB },
    want: 'b',
  },
  'tetris: of nodes alike, the emptier': {
    scorer: 'tetris',
    nodes: [big('a'), big('b')],
    held: { a: [2000, 2] },
    want: 'b',
  },
  'l2-norm: the fuller, where best-fit sees no difference': {
    scorer: 'l2-norm',
    nodes: [big('a'), big('b')],
    // Both hold half in the mean; what is left of a, squared, is more.
    held: { a: [6000, 1], b: [4000, 3] },
    ask: { cpu: 1000, memory: GIB },
    want: 'b',
  },
  'spread: the least loaded by its fullest resource': {
    scorer: 'spread',
    nodes: [big('a'), big('b')],
    held: { a: [6000, 0], b: [4000, 4] },
    want: 'b',
  },
  'power: what is on before what is off': {
    scorer: 'power',
    nodes: [big('a', { 'power/state': 'off' }), big('b', { 'power/state': 'idle' })],
    want: 'b',
  },
  'power: without a state, what works is on': {
    scorer: 'power',
    nodes: [big('a'), big('b')],
    held: { b: [1000, 1] },
    want: 'b',
  },
  'power: fewer watts for a core': {
    scorer: 'power',
    nodes: [big('a', { 'power/watts-per-core': '9.5' }), big('b', { 'power/watts-per-core': '4' })],
    want: 'b',
  },
  'price: the cheaper node': {
    scorer: 'price',
    nodes: [big('a', { 'price/hour': '3.20' }), big('b', { 'price/hour': '0.85' })],
    want: 'b',
  },
  'price: a small part of a dear node may cost less than all of a cheap one': {
    scorer: 'price',
    nodes: [
      { ...node('a', { cpu: 1000, memory: GIB }), labels: { 'price/hour': '1' } },
      { ...node('b', { cpu: 16_000, memory: 16 * GIB }), labels: { 'price/hour': '4' } },
    ],
    want: 'b',
  },
  'price: what is not known is neither dear nor cheap': {
    scorer: 'price',
    nodes: [big('a', { 'price/hour': 'much' }), big('b', { 'price/hour': '0.01' })],
    want: 'b',
  },
  'preferred: labels by weight': {
    scorer: 'preferred',
    nodes: [big('a', { ssd: 'yes' }), big('b', { zone: 'east' })],
    constraints: {
      preferred: [
        { weight: 1, label: { operator: 'exists', key: 'ssd' } },
        { weight: 10, label: { operator: 'in', key: 'zone', values: ['east'] } },
      ],
    },
    want: 'b',
  },
  'preferred: more of the data': {
    scorer: 'preferred',
    nodes: [big('a', { 'data/x': '' }), big('b', { 'data/x': '', 'data/y': '' })],
    constraints: { data: [{ names: ['x', 'y'], within: 'node', weight: 1 }] },
    want: 'b',
  },
  'preferred: the zone of the data': {
    scorer: 'preferred',
    nodes: [
      big('a', { zone: 'w' }),
      big('b', { zone: 'e' }),
      big('c', { zone: 'e', 'data/x': '' }),
    ],
    constraints: { data: [{ names: ['x'], within: 'zone', weight: 1 }] },
    want: 'b',
  },
  'preferred: apart from its own': {
    scorer: 'preferred',
    nodes: [big('a'), big('b')],
    beside: { a: self },
    constraints: { company: [{ ...near('node', 5), kind: 'apart' }] },
    want: 'b',
  },
  'preferred: spread over racks': {
    scorer: 'preferred',
    nodes: [big('a', { rack: '1' }), big('b', { rack: '1' }), big('c', { rack: '2' })],
    beside: { a: self },
    constraints: { company: [{ ...near('rack', 5), kind: 'spread' }] },
    want: 'c',
  },
  'rack-nearness: the rack of the others': {
    scorer: 'rack-nearness',
    nodes: [big('a', { rack: '1' }), big('b', { rack: '2' }), big('c', { rack: '2' })],
    beside: { c: self, a: other },
    constraints: {},
    want: 'b',
  },
  'zone-nearness: the zone of the others': {
    scorer: 'zone-nearness',
    nodes: [big('a', { zone: '1' }), big('b', { zone: '2' })],
    beside: { b: self },
    constraints: {},
    want: 'b',
  },
  'numa-nearness: two GPUs of one NUMA node': {
    scorer: 'numa-nearness',
    nodes: [gpuNode('a', 0, 1), gpuNode('b', 1, 1)],
    ask: { gpu: 2000 },
    want: 'b',
  },
  'nvlink-nearness: two GPUs with a link between them': {
    scorer: 'nvlink-nearness',
    nodes: [
      {
        ...gpuNode('a', 0, 0),
        links: [
          [0, 8],
          [8, 0],
        ],
      },
      {
        ...gpuNode('b', 0, 0),
        links: [
          [0, 300],
          [300, 0],
        ],
      },
    ],
    ask: { gpu: 2000 },
    want: 'b',
  },
  'co-location: not beside what slows it': {
    scorer: coLocation.configured!({ interference: slow }),
    nodes: [big('a'), big('b')],
    beside: { a: other },
    constraints: {},
    want: 'b',
  },
  'co-location: without measurements it has nothing to say': {
    scorer: 'co-location',
    nodes: [big('a'), big('b')],
    beside: { a: other },
    constraints: {},
    want: 'a',
  },
};

function placeOf({ scorer, nodes, held = {}, beside = {}, ...rest }: Case): string | undefined {
  const table = new NodeTable();
  for (const one of nodes) table.join(one);
  for (const [id, [cpu, gib]] of Object.entries(held)) {
    table.take(table.rowOf(id as never)!, resources({ cpu, memory: gib * GIB }), []);
  }
  for (const [id, who] of Object.entries(beside)) {
    table.residents.add(table.rowOf(id as never)!, who);
  }
  const plain = resources(rest.ask ?? { cpu: 1000, memory: GIB });
  const constraints =
    rest.constraints === undefined ? undefined : { ...noConstraints, self, ...rest.constraints };
  const ask = constraints === undefined ? plain : { ...plain, constraints };
  const outlook = new Outlook(table, TypicalDemand.of([ask]));
  const one = typeof scorer === 'string' ? named(scorer) : scorer;
  const verdict = findPlace(table, ask, one, outlook);
  return verdict.kind === 'place' ? table.node(verdict.row)!.id : undefined;
}

describe('each scorer prefers', () => {
  for (const [name, one] of Object.entries(cases)) {
    test(name, () => assert.equal(placeOf(one), one.want));
  }
  test('and every scorer that sees nodes has a case here', () => {
    const tested = new Set(
      Object.values(cases).map(({ scorer }) => (typeof scorer === 'string' ? scorer : scorer.name)),
    );
    for (const { name, readsNodes } of scorers as readonly Scorer[]) {
      if (readsNodes === true) assert.ok(tested.has(name), name);
    }
  });
});

describe('several scorers with weights', () => {
  const fixed = (name: string, ...scores: number[]): Scorer => ({
    name,
    what: 'As told.',
    score: (_table, row) => scores[row]!,
  });
  test('count by weight', () => {
    const sum = weightedSum([
      { scorer: fixed('x', 10_000, 0), weight: 1 },
      { scorer: fixed('y', 0, 10_000), weight: 3 },
    ]);
    assert.equal(sum.name, '1 x + 3 y');
    assert.deepEqual(
      [0, 1].map((row) => sum.score({} as never, row, {} as never, {} as never)),
      [2500, 7500],
    );
  });
  test('flip a decision as weights do', () => {
    const nodes = [big('packed', { 'price/hour': '9' }), big('cheap', { 'price/hour': '0.10' })];
    const held = { packed: [6000, 6] } as const;
    const mix = (pack: number, cost: number) =>
      weightedSum([
        { scorer: named('best-fit'), weight: pack },
        { scorer: named('price'), weight: cost },
      ]);
    assert.equal(placeOf({ scorer: mix(9, 1), nodes, held, want: '' }), 'packed');
    assert.equal(placeOf({ scorer: mix(1, 9), nodes, held, want: '' }), 'cheap');
  });
  test('have the traits of each', () => {
    const sum = weightedSum([
      { scorer: named('fgd'), weight: 1 },
      { scorer: named('rack-nearness'), weight: 1 },
    ]);
    const { looksAhead, readsNodes, knowsWho, looksAround } = sum;
    assert.deepEqual([looksAhead, readsNodes, knowsWho, looksAround], [true, true, true, true]);
    assert.ok(sum.chooseShare);
  });
});

test('wishes are heeded where the site gives them no weight, and change nothing for others', () => {
  const table = new NodeTable();
  const shapes = new Shapes();
  const scheduler = makeScheduler(defaultScheduling)({ table, shapes });
  table.join(big('a'));
  table.join(big('b', { ssd: 'yes' }));
  table.take(0, resources({ cpu: 4000, memory: 4 * GIB }), []);
  scheduler.nodesChanged();
  const wish: Constraints = {
    ...noConstraints,
    preferred: [{ weight: 1, label: { operator: 'exists', key: 'ssd' } }],
  };
  const task = (id: string, shape: number) => ({
    id: id as never,
    tenant: 'ada' as never,
    queue: 'default' as never,
    priority: 0,
    age: Number(id[0]),
    submittedAt: 0 as never,
    stepIndex: 0,
    index: 0,
    shape,
    estimateMs: undefined,
    deadlineAt: undefined,
    waitingSince: 0 as never,
    attained: { cpu: 0, gpu: 0 },
  });
  const request = resources({ memory: bytes(GIB) });
  scheduler.enqueue(task('1.s.0', shapes.intern(request, wish)));
  assert.equal(scheduler.next(0 as never)?.row, 1);
  scheduler.withdraw(scheduler.next(0 as never)!.task);
  scheduler.enqueue(task('2.s.0', shapes.intern(request)));
  assert.equal(scheduler.next(0 as never)?.row, 0, 'best fit');
});

test('a node that shrank below what runs on it is scored within bounds by every scorer', () => {
  const large = node('n', { cpu: 64_000, memory: 64 * GIB, gpus: 8 });
  const table = new NodeTable();
  const row = table.join(large);
  const { gpus } = large;
  table.take(
    row,
    resources({ cpu: 64_000, memory: 64 * GIB, gpu: 8000 }),
    gpus.map(({ id }) => id),
  );
  table.join({ ...large, cpu: 1000 as Node['cpu'], memory: bytes(GIB) });
  const ask = resources({ cpu: 4000, gpu: 1000 });
  const outlook = new Outlook(table, TypicalDemand.of([ask]));
  for (const scorer of scorers) {
    const score = checkedScore(scorer, table, row, ask, outlook);
    assert.ok(score <= 10_000, scorer.name);
  }
});
