import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { loadHighs } from '../../src/app/load-highs.ts';
import { timeMs } from '../../src/base/units.ts';
import { noConstraints } from '../../src/model/constraints.ts';
import { defaultScheduling, queueConfig } from '../../src/model/scheduling-config.ts';
import { makeScheduler, type SchedulingParts } from '../../src/scheduling/make-scheduler.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { VARIABLES_MAX } from '../../src/scheduling/optimal.ts';
import type { Candidate, Scheduler } from '../../src/scheduling/scheduler.ts';
import { type Ask, Shapes } from '../../src/scheduling/shape.ts';
import { SiteLoad } from '../../src/scheduling/site-load.ts';
import { type StrategyName, strategies, strategyNamed } from '../../src/scheduling/strategies.ts';
import { GIB, node, resources } from '../builders/workload.ts';
import { candidate } from './cluster.ts';

const solve = await loadHighs();

interface Asked {
  readonly cpu: number;
  readonly gib?: number;
  readonly gpu?: number;
  readonly tenant?: string;
  readonly priority?: number;
  readonly constraints?: Ask['constraints'];
}

/** A scheduler alone, with what it placed. */
class Bench {
  readonly table = new NodeTable();
  readonly shapes = new Shapes();
  readonly scheduler: Scheduler<Candidate>;
  readonly placed: { name: number; node: string }[] = [];
  #number = 0;

  constructor(strategy: string, parts: SchedulingParts = { solve }, nodes = [node('a')]) {
    const config = { ...defaultScheduling, ...strategyNamed(strategy)! };
    this.scheduler = makeScheduler(
      config,
      undefined,
      parts,
    )({ table: this.table, shapes: this.shapes });
    for (const one of nodes) this.table.join(one);
    this.scheduler.nodesChanged();
  }

  ask({ cpu, gib = 0, gpu = 0, tenant = 'ada', priority = 0, constraints }: Asked): void {
    const request = resources({ cpu: Math.round(cpu * 1000), memory: gib * GIB, gpu: gpu * 1000 });
    const shape = this.shapes.intern(request, constraints, {
      workload: String(this.#number) as never,
      name: 'w',
      labels: {},
    });
    this.scheduler.enqueue(candidate(++this.#number, { shape, tenant: tenant as never, priority }));
  }

  /** Places until nothing more can be: the nodes, in order, by number of the task. */
  pass(at = 0): string[] {
    const from = this.placed.length;
    for (;;) {
      const choice = this.scheduler.next(timeMs(at));
      if (choice === undefined) break;
      const { task, row, gpus } = choice;
      const held = this.shapes.request(task.shape);
      this.table.take(row, held, gpus);
      assert.ok(this.table.freeCpu(row) >= 0 && this.table.freeMemory(row) >= 0);
      assert.ok(this.table.freeGpu(row).every((free) => free >= 0));
      const attempt = `${task.id}.1` as never;
      this.scheduler.placed({ attempt, task, row, held, gpus, placedAt: timeMs(at) });
      this.placed.push({ name: Number(task.id.split('.')[0]), node: this.table.node(row)!.id });
    }
    return this.placed.slice(from).map(({ name, node: on }) => `${name} on ${on}`);
  }

  /** Of the site, by dominant share, summed. */
  worth(): number {
    let sum = 0;
    let [cpu, memory, gpu] = [0, 0, 0];
    for (let row = 0; row < this.table.rows; row++) {
      const one = this.table.node(row)!;
      cpu += one.cpu;
      memory += one.memory;
      gpu += one.gpus.length * 1000;
    }
    for (const { name } of this.placed) {
      const held = this.shapes.request(this.shapeOf.get(name)!);
      const parts = [held.cpu / cpu, held.memory / memory, gpu === 0 ? 0 : held.gpu / gpu];
      sum += Math.max(1, Math.round(Math.max(...parts) * 10_000));
    }
    return sum;
  }

  readonly shapeOf = new Map<number, number>();
}

const two = [node('a', { cpu: 4000 }), node('b', { cpu: 4000 })];

describe('each strategy decides otherwise than the default would', () => {
  test('greedy: the oldest first, whatever the priority, on the first node', () => {
    const bench = new Bench('greedy', {}, two);
    bench.table.take(1, resources({ cpu: 2000, memory: 0 }), []);
    bench.ask({ cpu: 1 });
    bench.ask({ cpu: 1, priority: 9 });
    assert.deepEqual(bench.pass(), ['1 on a', '2 on a']);
  });
  test('priority_based: the highest priority first, on the fuller node', () => {
    const bench = new Bench('priority_based', {}, two);
    bench.table.take(1, resources({ cpu: 2000, memory: 0 }), []);
    bench.ask({ cpu: 1 });
    bench.ask({ cpu: 1, priority: 9 });
    assert.deepEqual(bench.pass(), ['2 on b', '1 on b']);
  });
  test('fair_share: the tenant that used less goes first, whatever the priority', () => {
    const bench = new Bench('fair_share', {}, [node('a', { cpu: 3000 })]);
    bench.ask({ cpu: 1 });
    bench.pass();
    bench.ask({ cpu: 1, priority: 9 });
    bench.ask({ cpu: 1, tenant: 'bob' });
    assert.deepEqual(bench.pass(3_600_000), ['3 on a', '2 on a']);
  });
  test('balanced: not onto the one hot node that best fit would take', () => {
    const at = (strategy: string) => {
      const bench = new Bench(strategy, {}, two);
      bench.table.take(0, resources({ cpu: 2500, memory: 0 }), []);
      bench.ask({ cpu: 1, gib: 1 });
      return bench.pass();
    };
    assert.deepEqual(at('priority_based'), ['1 on a']);
    assert.deepEqual(at('balanced'), ['1 on b']);
  });
  test('adaptive: apart while the site is quiet, packed when it is full', () => {
    const bench = new Bench('adaptive', {}, two);
    bench.ask({ cpu: 1 });
    bench.ask({ cpu: 1 });
    assert.deepEqual(bench.pass(), ['1 on a', '2 on b']);
    bench.table.take(0, resources({ cpu: 2500, memory: 0 }), []);
    bench.table.take(1, resources({ cpu: 2000, memory: 0 }), []);
    bench.ask({ cpu: 0.5 });
    assert.deepEqual(bench.pass(), ['3 on a'], 'the fuller one');
  });
  test('ml_based: by the model that it was given', () => {
    const likesB = (table: NodeTable, row: number) => (table.node(row)!.id === 'b' ? 9_000 : 0);
    const bench = new Bench('ml_based', { learned: likesB }, two);
    bench.ask({ cpu: 1 });
    assert.deepEqual(bench.pass(), ['1 on b']);
  });
  test('ml_based: best fit without a model, and where its answer is no score', () => {
    for (const learned of [undefined, () => Number.NaN, () => 10_001]) {
      const bench = new Bench('ml_based', { learned }, two);
      bench.table.take(1, resources({ cpu: 2000, memory: 0 }), []);
      bench.ask({ cpu: 1 });
      assert.deepEqual(bench.pass(), ['1 on b']);
    }
  });
  test('optimal: leaves out the first, which would keep two others out', () => {
    const at = (strategy: string) => {
      const bench = new Bench(strategy, { solve }, [node('a', { cpu: 4000 })]);
      bench.ask({ cpu: 3 });
      bench.ask({ cpu: 2 });
      bench.ask({ cpu: 2 });
      return bench.pass();
    };
    assert.deepEqual(at('greedy'), ['1 on a']);
    assert.deepEqual(at('optimal'), ['2 on a', '3 on a']);
  });
});

describe('optimal', () => {
  test('plans the highest priority first, however much more the others would fill', () => {
    const bench = new Bench('optimal', { solve }, [node('a', { cpu: 4000 })]);
    bench.ask({ cpu: 2 });
    bench.ask({ cpu: 2 });
    bench.ask({ cpu: 3, priority: 1 });
    assert.deepEqual(bench.pass(), ['3 on a']);
  });
  test('places by the scorer where no solver is installed, and says so', () => {
    const bench = new Bench('optimal', {}, [node('a', { cpu: 4000 })]);
    bench.ask({ cpu: 3 });
    bench.ask({ cpu: 1 });
    assert.deepEqual(bench.pass(), ['1 on a', '2 on a']);
    assert.match(bench.scheduler.notes!()[0]!, /no solver is installed/);
  });
  test('says when an instance is too large, and places by the scorer', () => {
    const nodes = Array.from({ length: 50 }, (_, i) => node(`n${i}`, { cpu: 8000 }));
    const bench = new Bench('optimal', { solve }, nodes);
    for (let i = 0; i <= VARIABLES_MAX / 50; i++) bench.ask({ cpu: 1 + i / 1000 });
    assert.equal(bench.pass().length, VARIABLES_MAX / 50 + 1);
    assert.match(bench.scheduler.notes!()[0]!, /variables are too many/);
  });
  test('says when the solver gives up', () => {
    const bench = new Bench('optimal', { solve: () => undefined }, [node('a')]);
    bench.ask({ cpu: 1 });
    assert.deepEqual(bench.pass(), ['1 on a']);
    assert.match(bench.scheduler.notes!()[0]!, /no proven plan/);
  });
  test('what a program cannot say is placed beside the plan', () => {
    const apart = { kind: 'apart', values: [], topology: 'node', maxSkew: 1, weight: 0 } as const;
    const bench = new Bench('optimal', { solve }, two);
    bench.ask({ cpu: 1, constraints: { ...noConstraints, company: [apart] } });
    bench.ask({ cpu: 4 });
    assert.deepEqual(bench.pass(), ['2 on a', '1 on b']);
  });
  test('a task that comes or ends makes a new plan', () => {
    const bench = new Bench('optimal', { solve }, [node('a', { cpu: 4000 })]);
    bench.ask({ cpu: 2 });
    assert.deepEqual(bench.pass(), ['1 on a']);
    bench.ask({ cpu: 1 });
    bench.ask({ cpu: 3 });
    assert.deepEqual(bench.pass(), ['2 on a']);
    const task = candidate(1, { shape: 0 });
    const held = bench.shapes.request(0);
    bench.table.give('a' as never, held, []);
    const attempt = '1.s.0.1' as never;
    bench.scheduler.ended(
      { attempt, task, row: 0, held, gpus: [], placedAt: timeMs(0) },
      timeMs(1),
    );
    assert.deepEqual(bench.pass(), ['3 on a']);
  });

  test('places never less than any other strategy does', () => {
    const nodes = fc.array(
      fc.record({
        cpu: fc.integer({ min: 1, max: 6 }),
        gib: fc.integer({ min: 1, max: 6 }),
        gpus: fc.integer({ min: 0, max: 2 }),
      }),
      { minLength: 1, maxLength: 3 },
    );
    const asks = fc.array(
      fc.record({
        cpu: fc.integer({ min: 1, max: 8 }).map((n) => n / 2),
        gib: fc.integer({ min: 0, max: 4 }),
        gpu: fc.constantFrom(0, 0, 0.25, 0.5, 1, 2),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(nodes, asks, (drawn, wanted) => {
        const worthOf = (strategy: string): number => {
          const site = drawn.map(({ cpu, gib, gpus }, i) =>
            node(`n${i}`, { cpu: cpu * 1000, memory: gib * GIB, gpus }),
          );
          const bench = new Bench(strategy, { solve }, site);
          wanted.forEach((ask, i) => {
            bench.ask(ask);
            bench.shapeOf.set(i + 1, bench.shapes.intern(requestOf(ask)));
          });
          bench.pass();
          return bench.worth();
        };
        const best = worthOf('optimal');
        for (const { name } of strategies) {
          const worth = worthOf(name);
          assert.ok(best >= worth, `${name} placed ${worth}, the plan ${best}`);
        }
      }),
      { numRuns: 40 },
    );
  });
});

const requestOf = ({ cpu, gib = 0, gpu = 0 }: Asked) =>
  resources({ cpu: cpu * 1000, memory: gib * GIB, gpu: gpu * 1000 });

test('the names are those that people know', () => {
  const names: StrategyName[] = [
    'greedy',
    'optimal',
    'balanced',
    'priority_based',
    'fair_share',
    'adaptive',
    'ml_based',
  ];
  assert.deepEqual(
    strategies.map(({ name }) => name),
    names,
  );
  assert.equal(strategyNamed('clever'), undefined);
});

test('a strategy gives its order to the queues that have none of their own', () => {
  const own = { ...queueConfig('own').order, name: 'edf' };
  const root = queueConfig('root', {
    children: [queueConfig('plain'), queueConfig('own', { order: own })],
  });
  const { root: changed, scorers } = strategyNamed('fair_share', root)!;
  assert.deepEqual(
    changed!.children.map(({ order }) => order.name),
    ['fair-share', 'edf'],
  );
  assert.deepEqual(scorers, [{ name: 'best-fit', weight: 1 }]);
});

test('the load of a site is the same, followed or read afresh', () => {
  const op = fc.record({ kind: fc.constantFrom('join', 'take', 'leave'), pick: fc.nat(50) });
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
      const table = new NodeTable();
      const followed = new SiteLoad(table);
      let joined = 0;
      for (const { kind, pick } of ops) {
        const id = `n${joined === 0 ? 0 : pick % joined}`;
        const row = table.rowOf(id as never);
        if (kind === 'join') table.join(node(`n${joined++}`, { cpu: 2000, gpus: pick % 3 }));
        else if (kind === 'leave' && row !== undefined) table.leave(id as never);
        else if (row !== undefined && table.freeCpu(row) >= 500) {
          table.take(row, resources({ cpu: 500, memory: 0 }), []);
        }
        assert.deepEqual(followed.read(), new SiteLoad(table).read());
      }
    }),
  );
});
