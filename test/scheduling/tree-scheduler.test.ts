import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { takeSnapshot } from '../../src/engine/snapshot.ts';
import type { TenantId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import { defaultOrder, defaultScheduling, queueConfig } from '../../src/model/scheduling-config.ts';
import { weightedShare } from '../../src/scheduling/fair-shares.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { fifo } from '../../src/scheduling/orders/fifo.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import type { QueueNode, QueueTree } from '../../src/scheduling/queue-tree.ts';
import { bestFit } from '../../src/scheduling/scorers/best-fit.ts';
import { siteCapacity } from '../../src/scheduling/site-capacity.ts';
import { TreeScheduler } from '../../src/scheduling/tree-scheduler.ts';
import type { Vector } from '../../src/scheduling/usage-account.ts';
import { drawnSite } from '../builders/drawn-site.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { type Ask, config, guarantee, node, specOf } from '../builders/site.ts';

const GIB = 1024 ** 3;

interface Step {
  readonly kind: 'submit' | 'end' | 'pass' | 'wait';
  readonly ask: Ask;
  readonly pick: number;
}

const asks = fc.record({
  priority: fc.integer({ min: -2, max: 2 }),
  cpu: fc.integer({ min: 1, max: 4 }),
  gib: fc.integer({ min: 0, max: 4 }),
  count: fc.integer({ min: 1, max: 3 }),
  tenant: fc.constantFrom('ada', 'ben', 'eve'),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('submit', 'submit', 'end', 'pass', 'wait'),
    ask: asks,
    pick: fc.nat(1000),
  }),
  { maxLength: 60 },
);

/** What an engine decides in the course of a history. */
function lived(engine: Engine, history: readonly Step[]): Event[] {
  const events: Event[] = [];
  let now = 0;
  const apply = (event: Event): void => {
    engine.apply(event);
    events.push(event);
  };
  for (const id of ['n', 'm']) {
    const n = node(id, { cpu: 6000, memory: 8 * GIB });
    for (const e of engine.decide({ kind: 'join-node', at: timeMs(0), node: n }).events) apply(e);
  }
  for (const { kind, ask, pick } of history) {
    const at = timeMs(now);
    const running = [...engine.state.runningAttempts()];
    if (kind === 'wait') now += pick * 1000;
    if (kind === 'submit') {
      const tenant = (ask.tenant ?? '') as TenantId;
      for (const e of engine.decide({ kind: 'submit', at, tenant, spec: specOf(ask) }).events)
        apply(e);
    } else if (kind === 'end' && running.length > 0) {
      const attempt = running[pick % running.length]!.id;
      const end = endedBy('succeeded');
      for (const e of engine.decide({ kind: 'report-ended', at, attempt, end }).events) apply(e);
    } else if (kind === 'pass') {
      for (let e = engine.next(at); e !== undefined; e = engine.next(at)) apply(e);
    }
  }
  return events;
}

test('with one queue by priority, the tree decides as the plain scheduler does', () => {
  const options = { tasksMax: 10_000, endedMax: 10 };
  fc.assert(
    fc.property(steps, (history) => {
      const plain = new Engine(options, {
        scheduler: (deps) => new PriorityScheduler(deps, bestFit),
      });
      const tree = new Engine(options, { scheduler: makeScheduler(defaultScheduling) });
      assert.deepEqual(lived(tree, history), lived(plain, history));
    }),
    { numRuns: 200 },
  );
});

test('under any tree, whoever is restored from a snapshot decides the same from there on', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const site = drawnSite(seed);
    const twin = drawnSite(seed);
    twin.restart();
    assert.equal(takeSnapshot(twin.engine.state), takeSnapshot(site.engine.state), `seed ${seed}`);
    for (let round = 0; round < 6; round++) {
      assert.deepEqual(twin.pass(), site.pass(), `seed ${seed}, round ${round}`);
      assert.equal(twin.engine.nextTimer(), site.engine.nextTimer(), `seed ${seed}: timer`);
      site.now += 90_000;
      twin.now += 90_000;
      const [first] = site.running.keys();
      if (first === undefined) continue;
      site.end(first);
      twin.end(first);
    }
  }
});

test('under any tree, a pass over its own result changes nothing, and a replay comes to the same', () => {
  for (let seed = 200; seed <= 300; seed++) {
    const site = drawnSite(seed);
    site.pass();
    assert.deepEqual(site.pass(), [], `seed ${seed}`);
    const replayed = site.fresh();
    for (const event of site.journal) replayed.apply(event);
    assert.equal(takeSnapshot(replayed.state), takeSnapshot(site.engine.state));
    assert.equal(replayed.next(site.at), undefined, `seed ${seed}: nothing to add`);
  }
});

test('the order in which the scheduler is told of tasks does not matter', () => {
  for (let seed = 400; seed <= 460; seed++) {
    const site = drawnSite(seed);
    const { scheduler } = site.engine.state;
    const waiting = [...site.engine.state.workloads()].flatMap((workload) =>
      workload.steps.flatMap((step) => step.tasks.filter((task) => task.state === 'waiting')),
    );
    const want = drawnSite(seed).pass();
    for (const task of waiting) scheduler.withdraw(task);
    for (const task of waiting.reverse()) scheduler.enqueue(task);
    assert.deepEqual(site.pass(), want, `seed ${seed}`);
  }
});

/** The child of each queue that is due, found anew from all children: guarantees, then shares, then place. */
function slowlyDue(queue: QueueNode, capacity: Vector): QueueNode {
  if (queue.children.length === 0) return queue;
  const waits = (leaf: QueueNode): boolean => leaf.waiting > 0;
  const [due] = queue.children.filter(waits).sort((a, b) => {
    const guaranteed = Number(b.underGuarantee) - Number(a.underGuarantee);
    const shares = weightedShare(a, capacity, waits) - weightedShare(b, capacity, waits);
    return guaranteed || shares || a.index - b.index;
  });
  return slowlyDue(due!, capacity);
}

test('the queue that is due is the one that a comparison of all finds', () => {
  const child = fc.record({
    weight: fc.integer({ min: 1, max: 4 }),
    cpus: fc.nat(3),
    waiting: fc.nat(8),
  });
  const parents = fc.array(fc.array(child, { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(parents, (drawn) => {
      const children = drawn.map((leaves, i) =>
        queueConfig(`p${i}`, {
          weight: 1 + i,
          children: leaves.map(({ weight, cpus }, j) =>
            queueConfig(`p${i}-${j}`, { weight, guaranteed: guarantee({ cpu: cpus }) }),
          ),
        }),
      );
      const scheduling = config(children);
      let tree: QueueTree | undefined;
      const engine = new Engine(
        { tasksMax: 1000, endedMax: 5, scheduling },
        {
          scheduler: (deps) => {
            const made = new TreeScheduler(deps, bestFit, scheduling, () =>
              fifo.rule(defaultOrder),
            );
            tree = made.tree;
            return made;
          },
        },
      );
      const at = timeMs(0);
      engine.apply({ kind: 'node-joined', at, node: node('n', { cpu: 1_000_000 }) });
      drawn.forEach((leaves, i) => {
        leaves.forEach(({ waiting }, j) => {
          if (waiting === 0) return;
          const spec = specOf({ queue: `p${i}-${j}`, count: waiting });
          const tenant = 'ada' as TenantId;
          for (const e of engine.decide({ kind: 'submit', at, tenant, spec }).events)
            engine.apply(e);
        });
      });
      const capacity = siteCapacity(engine.state.table);
      while (tree!.root.waiting > 0) {
        const due = slowlyDue(tree!.root, capacity);
        const before = due.running;
        engine.apply(engine.next(at)!);
        assert.equal(due.running, before + 1, `${due.name} was due`);
      }
    }),
  );
});
