import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import { type CompanyRule, noConstraints } from '../../src/model/constraints.ts';
import type { AttemptId, TenantId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import type { Node } from '../../src/model/node.ts';
import { defaultScheduling } from '../../src/model/scheduling-config.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { node, resources, step, workload } from '../builders/workload.ts';

const make = makeScheduler({ ...defaultScheduling, scorers: [{ name: 'first-fit', weight: 1 }] });

/** An engine with gangs and queues; everything placed is kept by attempt. */
class World {
  readonly engine = new Engine({ tasksMax: 10_000, endedMax: 10 }, { scheduler: make });
  readonly on = new Map<string, string>();
  readonly events: Event[] = [];

  constructor(...nodes: Node[]) {
    for (const one of nodes) this.send({ kind: 'join-node', at: timeMs(0), node: one });
  }

  /** The nodes that tasks were placed on, in order. */
  send(command: Command): string[] {
    const placed: string[] = [];
    const apply = (event: Event): void => {
      this.engine.apply(event);
      this.events.push(event);
      if (event.kind === 'task-ended') this.on.delete(event.attempt);
      if (event.kind !== 'task-placed') return;
      this.on.set(event.attempt, event.placement.node);
      placed.push(event.placement.node);
    };
    for (const event of this.engine.decide(command).events) apply(event);
    for (let e = this.engine.next(timeMs(0)); e !== undefined; e = this.engine.next(timeMs(0))) {
      apply(e);
    }
    return placed;
  }

  submit(spec: WorkloadSpec): string[] {
    return this.send({ kind: 'submit', at: timeMs(0), tenant: 'ada' as TenantId, spec });
  }

  end(attempt: string): string[] {
    const end = endedBy('succeeded');
    return this.send({
      kind: 'report-ended',
      at: timeMs(0),
      attempt: attempt as AttemptId,
      end,
    });
  }

  why(id: string): string[] {
    const task = this.engine.state.task(id as never)!;
    const refusal = this.engine.state.scheduler.refusal(task);
    return refusal?.code === 'constraints' ? [...refusal.filters] : [refusal?.code ?? 'none'];
  }
}

const rule = (kind: CompanyRule['kind'], changes: Partial<CompanyRule> = {}): CompanyRule => ({
  kind,
  values: [],
  topology: 'node',
  maxSkew: 1,
  weight: 0,
  ...changes,
});

/** `a1`, `a2` in rack a; each holds four tasks. */
function racks(...names: string[]): Node[] {
  return names.map((name) => ({ ...node(name, { cpu: 4000 }), labels: { rack: name[0]! } }));
}

const tasks = (
  count: number,
  company: readonly CompanyRule[],
  changes: Partial<Omit<StepSpec, 'id' | 'needs'>> = {},
): StepSpec => {
  const constraints = { ...noConstraints, company };
  return step('s', { count, request: resources({ memory: 0 }), constraints, ...changes });
};

const labelled = (labels: Record<string, string>, ...steps: StepSpec[]): WorkloadSpec => ({
  ...workload('w', ...steps),
  labels,
});
const plain = (count: number): StepSpec => step('s', { count, request: resources({ memory: 0 }) });

test('tasks of a workload apart from each other: one on each node, the others wait and say why', () => {
  const world = new World(...racks('a1', 'a2', 'b1'));
  assert.deepEqual(world.submit(workload('w', tasks(4, [rule('apart')]))), ['a1', 'a2', 'b1']);
  assert.deepEqual(world.why('1.s.3'), ['anti-affinity']);
  assert.deepEqual(world.end('1.s.1.1'), ['a2'], 'the place of the one that ended');
});

test('apart by rack: a task that ends on one node makes room on another of its rack', () => {
  const world = new World(...racks('a1', 'a2'));
  // a1 is full but for one; the rule is what keeps the second out of both.
  assert.deepEqual(world.submit(workload('w', tasks(2, [rule('apart', { topology: 'rack' })]))), [
    'a1',
  ]);
  world.submit(workload('filler', plain(3)));
  assert.deepEqual(world.end('1.s.0.1'), ['a1']);
});

test('apart from tasks with a label, whatever its value; its own workload has no such label', () => {
  const world = new World(...racks('a1', 'a2'));
  world.submit(labelled({ noisy: 'yes' }, plain(1)));
  const quiet = rule('apart', { label: 'noisy' });
  assert.deepEqual(world.submit(workload('w', tasks(2, [quiet]))), ['a2', 'a2']);
});

test('near tasks with the same value of a label: waits until one of them runs', () => {
  const world = new World(...racks('a1', 'b1', 'b2'));
  const near = rule('near', { label: 'serves', values: ['db'], topology: 'rack' });
  assert.deepEqual(world.submit(workload('web', tasks(2, [near]))), []);
  assert.deepEqual(world.why('1.s.0'), ['affinity']);
  world.submit(workload('filler', plain(4)));
  const db = world.submit(labelled({ serves: 'db' }, plain(1)));
  assert.deepEqual(db, ['b1', 'b1', 'b1'], 'the two that waited follow the database to its rack');
});

test('near each other: the first goes anywhere, the others where it went', () => {
  const world = new World(...racks('a1', 'b1', 'b2'));
  world.submit(workload('filler', plain(3)));
  const together = rule('near', { topology: 'rack' });
  assert.deepEqual(world.submit(workload('w', tasks(3, [together]))), ['a1']);
  assert.deepEqual(world.why('2.s.1'), ['affinity']);
});

test('spread over racks: never more than one more than in the rack with fewest', () => {
  const world = new World(...racks('a1', 'a2', 'b1'));
  const spread = rule('spread', { topology: 'rack' });
  assert.deepEqual(world.submit(workload('w', tasks(12, [spread]))), [
    'a1',
    'b1',
    'a1',
    'b1',
    'a1',
    'b1',
    'a1',
    'b1',
    'a2',
  ]);
  assert.deepEqual(world.why('1.s.9'), ['topology-spread']);
});

test('spread over the racks that its labels allow: others do not hold it back', () => {
  const world = new World(...racks('a1', 'b1', 'c1'));
  const spread = rule('spread', { topology: 'rack' });
  const labels = [{ operator: 'not-in', key: 'rack', values: ['c'] } as const];
  const constraints = { ...noConstraints, labels, company: [spread] };
  const placed = world.submit(workload('w', tasks(4, [], { constraints })));
  assert.deepEqual(placed, ['a1', 'b1', 'a1', 'b1']);
});

test('nodes without the label are no place to spread over, and no place to be near', () => {
  const world = new World(node('x', { cpu: 4000 }), ...racks('a1'));
  const spread = rule('spread', { topology: 'rack' });
  assert.deepEqual(world.submit(workload('w', tasks(1, [spread]))), ['a1']);
  const apart = rule('apart', { topology: 'rack' });
  assert.deepEqual(world.submit(workload('w', tasks(1, [apart]))), ['x']);
});

test('a gang whose members are apart finds a node for each, or holds nothing', () => {
  const world = new World(...racks('a1', 'a2', 'b1'));
  const gang = (members: number) =>
    workload('w', tasks(members, [rule('apart')], { gangMin: members }));
  assert.deepEqual(world.submit(gang(4)), []);
  assert.equal(world.on.size, 0);
  assert.deepEqual(world.why('1.s.0'), ['gang-no-room']);
  assert.deepEqual(world.submit(gang(3)).toSorted(), ['a1', 'a2', 'b1']);
});

test('a gang in one rack, its members on different nodes of it', () => {
  const world = new World(...racks('a1', 'b1', 'b2'));
  const spec = tasks(2, [rule('apart')], {
    gangMin: 2,
    topology: { label: 'rack', required: true },
  });
  assert.deepEqual(world.submit(workload('w', spec)), ['b1', 'b2']);
});

test('a gang near others sleeps until one of them starts', () => {
  const world = new World(...racks('a1', 'b1'));
  const near = rule('near', { label: 'serves', values: ['db'], topology: 'rack' });
  assert.deepEqual(world.submit(workload('web', tasks(2, [near], { gangMin: 2 }))), []);
  world.submit(workload('filler', plain(4)));
  assert.deepEqual(world.submit(labelled({ serves: 'db' }, plain(1))), ['b1', 'b1', 'b1']);
});

test('who runs where is known again after a snapshot', () => {
  const world = new World(...racks('a1', 'a2'));
  world.submit(workload('w', tasks(2, [rule('apart')])));
  const fresh = new Engine({ tasksMax: 10_000, endedMax: 10 }, { scheduler: make });
  restoreSnapshot(fresh.state, takeSnapshot(world.engine.state));
  const [first, second] = [0, 1].map((row) => fresh.state.table.residents.on(row).length);
  assert.deepEqual([first, second], [1, 1]);
});

/** The rules read word by word, over what runs now. */
function keeps(world: World, nodes: Map<string, Node>, attempt: string, company: CompanyRule) {
  const place = (id: string) =>
    company.topology === 'node' ? id : nodes.get(id)!.labels[company.topology];
  const mine = place(world.on.get(attempt)!);
  const workloadOf = (id: string) => id.split('.')[0];
  const meant = [...world.on].filter(([other]) => workloadOf(other) === workloadOf(attempt));
  const here = meant.filter(([, where]) => place(where) === mine).length;
  if (company.kind === 'apart') return here === 1;
  if (company.kind === 'near') return here === meant.length;
  return true;
}

test('whatever comes and goes, those apart are apart and those near are near, and nobody waits in vain', () => {
  const op = fc.record({
    kind: fc.constantFrom('submit', 'submit', 'end'),
    company: fc.constantFrom<CompanyRule['kind']>('near', 'apart', 'spread'),
    topology: fc.constantFrom('node', 'rack'),
    count: fc.integer({ min: 1, max: 4 }),
    pick: fc.nat(100),
    gang: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(op, { maxLength: 25 }), (ops) => {
      const all = racks('a1', 'a2', 'b1', 'b2', 'c1');
      const nodes = new Map(all.map((one) => [one.id as string, one]));
      const world = new World(...all);
      const rules = new Map<string, CompanyRule>();
      let workloads = 0;
      for (const { kind, company, topology, count, pick, gang } of ops) {
        if (kind === 'end' && world.on.size > 0) {
          world.end([...world.on.keys()][pick % world.on.size]!);
        } else if (kind === 'submit') {
          const one = rule(company, { topology });
          const spec = tasks(count, [one], gang ? { gangMin: count } : {});
          const before = world.events.length;
          world.submit(workload('w', spec));
          // A gang that never fits on empty nodes is refused and gets no number.
          if (world.events.length > before) rules.set(String(++workloads), one);
        }
        for (const attempt of world.on.keys()) {
          const company = rules.get(attempt.split('.')[0]!)!;
          assert.ok(keeps(world, nodes, attempt, company), `${attempt} breaks ${company.kind}`);
        }
        assertNobodyWaitsInVain(world, all, rules);
      }
    }),
    { numRuns: 150 },
  );
});

/** A single task that waits has no node with room where its rule would hold. */
function assertNobodyWaitsInVain(
  world: World,
  all: readonly Node[],
  rules: Map<string, CompanyRule>,
) {
  const waiting = [...world.engine.state.workloads()].flatMap((one) =>
    one.steps.flatMap(({ tasks: list, gang }) =>
      gang === undefined ? list.filter(({ state }) => state === 'waiting') : [],
    ),
  );
  const nodes = new Map(all.map((one) => [one.id as string, one]));
  const counts = (id: string, topology: string): Map<string, number> => {
    const found = new Map<string, number>();
    for (const [attempt, where] of world.on) {
      if (attempt.split('.')[0] !== id) continue;
      const place = topology === 'node' ? where : nodes.get(where)!.labels[topology]!;
      found.set(place, (found.get(place) ?? 0) + 1);
    }
    return found;
  };
  for (const task of waiting) {
    const id = task.id.split('.')[0]!;
    const { kind, topology } = rules.get(id)!;
    const here = counts(id, topology);
    const places = all.map((one) => (topology === 'node' ? one.id : one.labels[topology]!));
    const least = Math.min(...places.map((place) => here.get(place) ?? 0));
    all.forEach((one, row) => {
      if (world.engine.state.table.freeCpu(row) < 1000) return;
      const count = here.get(places[row]!) ?? 0;
      const holds =
        kind === 'apart'
          ? count === 0
          : kind === 'near'
            ? count > 0 || here.size === 0
            : count + 1 - least <= 1;
      assert.ok(!holds, `${task.id} waits, though ${one.id} would do`);
    });
  }
}
