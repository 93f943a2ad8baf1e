import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MakeScheduler } from '../../src/engine/engine-options.ts';
import { takeSnapshot } from '../../src/engine/snapshot.ts';
import type { SchedulingConfig } from '../../src/model/scheduling-config.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import type { OrderRule } from '../../src/scheduling/order.ts';
import {
  type FilterPlugin,
  NO_PLUGINS,
  type OrderPlugin,
  type Plugins,
  type ScorerPlugin,
} from '../../src/scheduling/plugin.ts';
import { config, node, order, queueConfig, Site } from '../builders/site.ts';
import { resources, step, workload } from '../builders/workload.ts';

const what = 'Of a test.';
const scorer = (score: ScorerPlugin['score']): ScorerPlugin => ({ name: 'mine', what, score });
const filter = (passes: FilterPlugin['passes']): FilterPlugin => ({ name: 'mine', what, passes });
const orderOf = (rule: Partial<OrderRule>): OrderPlugin => ({
  name: 'mine',
  what,
  rule: () => ({ taskClass: () => 0, heapRank: () => 0, ...rule }),
});

/** What each was told of, and a site that has them. */
class PluginSite extends Site {
  static told: string[];
  static plugins: Plugins;

  override makeScheduler(): MakeScheduler {
    return makeScheduler(this.config, PluginSite.plugins);
  }
}

function site(
  parts: Partial<Plugins>,
  changes: Partial<SchedulingConfig> = {},
  ...nodes: ReturnType<typeof node>[]
): PluginSite {
  PluginSite.told = [];
  PluginSite.plugins = {
    ...NO_PLUGINS,
    ...parts,
    watch: {
      ...NO_PLUGINS.watch,
      setAside: (name, problem) => PluginSite.told.push(`${name}: ${problem}`),
    },
  };
  const used = {
    ...(parts.scorers && { scorers: [{ name: 'mine', weight: 1 }] }),
    ...(parts.filters && { filters: ['mine'] }),
  };
  const queue = queueConfig('default', parts.orders ? { order: order('mine') } : {});
  const three = ['a', 'b', 'c'].map((id) => node(id, { cpu: 4000, gpus: 2 }));
  return new PluginSite(
    config([queue], { ...used, ...changes }),
    ...(nodes.length > 0 ? nodes : three),
  );
}

const nodesOf = (of: Site): string[] =>
  of.pass().map((id) => of.engine.state.attempt(id)!.placement.node);

test('a scorer of the site chooses the node, alone and beside a built-in one', () => {
  const likes = (id: string) => scorer((table, row) => (table.node(row)!.id === id ? 10_000 : 0));
  const alone = site({ scorers: [likes('c')] });
  alone.submit({});
  assert.deepEqual(nodesOf(alone), ['c']);
  const weighed = site(
    { scorers: [likes('c')] },
    {
      scorers: [
        { name: 'first-fit', weight: 1 },
        { name: 'mine', weight: 5 },
      ],
    },
  );
  weighed.submit({});
  assert.deepEqual(nodesOf(weighed), ['c']);
});

test('beside a scorer that looks ahead, nodes that are alike in amounts still score apart', () => {
  const last = scorer((_, row) => row * 100);
  const ahead = site(
    { scorers: [last] },
    {
      scorers: [
        { name: 'fgd', weight: 1 },
        { name: 'mine', weight: 1_000 },
      ],
    },
  );
  ahead.submit({ gpu: 0.5 });
  assert.deepEqual(nodesOf(ahead), ['c']);
  const filtered = site(
    { filters: [filter((table, row) => table.node(row)!.id === 'b')] },
    { scorers: [{ name: 'fgd', weight: 1 }] },
  );
  filtered.submit({ gpu: 0.5 });
  assert.deepEqual(nodesOf(filtered), ['b']);
});

test('a filter of the site holds for every task, single or gang, and is named in the refusal', () => {
  const small = site({ filters: [filter((table, row) => table.node(row)!.id !== 'a')] });
  small.submit({ cpu: 4 });
  small.submitSpec(
    workload('gang', step('s', { count: 4, gangMin: 2, request: resources({ cpu: 1000 }) })),
  );
  small.submit({ cpu: 4 });
  assert.ok(!nodesOf(small).includes('a'));
  assert.deepEqual(small.why(3), { code: 'constraints', filters: ['mine'] });
});

test('a filter of the site holds for those for whom others stop', () => {
  const preemption = { minRunMs: 0 as never, perQueueHour: 100 };
  const only = site(
    { filters: [filter((table, row) => table.node(row)!.id !== 'a')] },
    { preemption },
    node('a', { cpu: 4000 }),
    node('b', { cpu: 4000 }),
  );
  only.submit({ cpu: 4, priority: 0 });
  only.pass();
  only.submit({ cpu: 4, priority: 5 });
  only.pass();
  const ordered = only.journal.find(({ kind }) => kind === 'preemption-ordered');
  assert.ok(ordered?.kind === 'preemption-ordered');
  assert.deepEqual(
    ordered.preemption.claims.map(({ node: id }) => id),
    ['b'],
  );
});

test('an order of the site sorts its queue', () => {
  const largest = orderOf({ heapRank: () => 0, taskClass: () => 0 });
  const rule: Partial<OrderRule> = {
    headRank: (task, _at, _tenant, queue) => -queue.sizeOf(task),
  };
  assert.equal(largest.name, 'mine');
  const one = site({ orders: [orderOf(rule)] }, {}, node('n', { cpu: 4000 }));
  one.submit({ tenant: 'small', cpu: 1 });
  one.submit({ tenant: 'large', cpu: 3 });
  one.submit({ tenant: 'middle', cpu: 2 });
  assert.deepEqual(one.placedBy('tenant'), ['large', 'small']);
});

const bad: Record<string, { answer: () => unknown; says: RegExp }> = {
  'that throws': {
    answer: () => {
      throw new TypeError('no such label');
    },
    says: /threw TypeError: no such label at \S+plugins\.test\.ts:\d+/,
  },
  'that throws what is no error': {
    answer: () => {
      throw 'no';
    },
    says: /threw "no"/,
  },
  'that answers NaN': { answer: () => Number.NaN, says: /returned NaN/ },
  'that answers a fraction': { answer: () => 0.5, says: /returned 0\.5/ },
  'that answers too much': { answer: () => 2 ** 60, says: /returned 11529215046068\d+/ },
  'that answers a promise': { answer: async () => 1, says: /returned a promise/ },
  'that answers nothing': { answer: () => undefined, says: /returned undefined/ },
  'that answers an object that throws when it is shown': {
    answer: () => ({
      toString() {
        throw new Error('again');
      },
    }),
    says: /returned an object/,
  },
};

for (const [name, { answer, says }] of Object.entries(bad)) {
  test(`a scorer ${name} is set aside, and ties break as ever`, () => {
    let calls = 0;
    const broken = site({
      scorers: [scorer((_, row) => (++calls === 5 ? (answer() as number) : row * 10))],
    });
    broken.submit({ cpu: 1 });
    assert.deepEqual(nodesOf(broken), ['c']);
    broken.submit({ cpu: 2 });
    assert.deepEqual(nodesOf(broken), ['a'], 'the first of equals, whatever was said before');
    assert.equal(PluginSite.told.length, 1);
    assert.match(PluginSite.told[0]!, says);
    broken.submit({ cpu: 1 });
    assert.deepEqual(nodesOf(broken), ['a']);
    assert.equal(calls, 5, 'it is not asked again');
  });

  test(`a filter ${name} is set aside, and nothing is placed without it`, () => {
    let calls = 0;
    const broken = site({
      filters: [filter(() => (++calls > 3 ? (answer() as boolean) : true))],
    });
    broken.submit({ cpu: 1 });
    assert.equal(broken.pass().length, 1);
    broken.submit({ cpu: 2 });
    assert.deepEqual(broken.pass(), []);
    const why = broken.why(2);
    assert.ok(why?.code === 'plugin-failed' && why.plugin === 'mine');
    assert.match(why.problem, says);
    assert.equal(PluginSite.told.length, 1);
    broken.endAll();
    assert.deepEqual(broken.pass(), [], 'it stays closed');
    broken.submit({ cpu: 1 });
    assert.deepEqual(broken.pass(), [], 'for what it let pass before, too');
  });

  for (const part of ['heapRank', 'taskClass', 'headRank', 'tenantRank', 'draw'] as const) {
    if (name === 'that answers too much') continue;
    test(`an order whose ${part} ${name.slice(5)} is set aside, and priority decides`, () => {
      let calls = 0;
      const rank = (): number => (++calls > 4 ? (answer() as number) : 7);
      const rules = {
        [part]:
          part === 'draw'
            ? (tenants: readonly unknown[]) => (++calls > 1 ? answer() : tenants[0])
            : rank,
      };
      const broken = site({ orders: [orderOf(rules)] }, {}, node('n', { cpu: 1000 }));
      for (let i = 0; i < 12; i++) broken.submit({ tenant: `t${i}`, priority: i });
      const started: string[] = [];
      for (let i = 0; i < 12; i++) {
        started.push(...broken.placedBy('tenant'));
        broken.endAll();
      }
      assert.equal(new Set(started).size, 12, 'all have their turn');
      assert.equal(PluginSite.told.length, 1, PluginSite.told.join());
      assert.match(PluginSite.told[0]!, says);
      const late = started.slice(4).map((tenant) => Number(tenant.slice(1)));
      assert.deepEqual(
        late,
        late.toSorted((a, b) => b - a),
        'the most urgent first, once it is set aside',
      );
    });
  }
}

test('an order without a rule is set aside before anything waits', () => {
  const none = { name: 'mine', what, rule: () => ({}) as unknown as OrderRule };
  const broken = site({ orders: [none] }, {}, node('n', { cpu: 1000 }));
  assert.match(PluginSite.told[0]!, /rule returned an object/);
  broken.submit({ tenant: 'idle' });
  broken.submit({ tenant: 'urgent', priority: 3 });
  assert.deepEqual(broken.placedBy('tenant'), ['urgent']);
});

test('a scorer that fails in the middle of a look has no say in that look either', () => {
  const broken = site({
    scorers: [scorer((_, row) => (row === 2 ? Number.NaN : row * 9_000))],
  });
  broken.submit({});
  assert.deepEqual(nodesOf(broken), ['a'], 'not b, which it preferred before it failed');
});

test('a gang that a failed filter keeps out is told so', () => {
  const broken = site({ filters: [filter(() => undefined as unknown as boolean)] });
  const pair = step('s', { count: 2, gangMin: 2, request: resources({ cpu: 1000 }) });
  broken.submitSpec(workload('gang', pair));
  broken.pass();
  assert.equal(broken.why(1)?.code, 'plugin-failed');
});

test('tasks that waited under an order that fails go on by priority, without those that left', () => {
  let fails = false;
  const lowest = orderOf({
    heapRank: (task) => {
      if (fails) throw new Error('no');
      return task.priority;
    },
  });
  const one = site({ orders: [lowest] }, {}, node('n', { cpu: 1000 }));
  for (let priority = 0; priority < 8; priority++) one.submit({ priority });
  const next = (): (number | undefined)[] => {
    const placed = one.pass().map((id) => one.asked(id).priority);
    one.endAll();
    return placed;
  };
  assert.deepEqual(next(), [0], 'the order of the site');
  one.cancel(8);
  fails = true;
  one.submit({ priority: 3 });
  const rest = Array.from({ length: 7 }, () => next()[0]);
  assert.deepEqual(rest, [6, 5, 4, 3, 3, 2, 1]);
  assert.deepEqual(next(), []);
});

test('an order that fails in one queue is set aside in all', () => {
  const fails = orderOf({
    heapRank: (task) => {
      if (task.queue === 'b') throw new Error('no');
      return task.priority;
    },
  });
  const queues = ['default', 'b'].map((name) => queueConfig(name, { order: order('mine') }));
  const two = site(
    { orders: [fails] },
    { root: queueConfig('root', { children: queues }) },
    node('n', { cpu: 1000 }),
  );
  two.submit({ tenant: 'low', priority: 0 });
  two.submit({ tenant: 'high', priority: 9 });
  two.submit({ queue: 'b', tenant: 'b' });
  two.submit({ queue: 'b', tenant: 'b' });
  const first = two.placedBy('tenant');
  assert.equal(PluginSite.told.length, 1);
  assert.deepEqual(first, ['high'], 'by priority, not by the order that put the low one first');
});

test('a plug-in cannot write what it reads', () => {
  const writes = scorer((table, row) => {
    const free = table.freeGpu(row) as number[];
    free.fill(0);
    (table as unknown as { take(row: number): void }).take(row);
    return 0;
  });
  const guarded = site({ scorers: [writes] });
  guarded.submit({ gpu: 1 });
  assert.equal(guarded.pass().length, 1);
  assert.match(PluginSite.told[0]!, /threw TypeError/);
  assert.deepEqual(guarded.engine.state.table.freeGpu(0), [0, 1000]);
});

test('a rank that changes while a task waits is taken as it was at first', () => {
  let calls = 0;
  const fickle = orderOf({ heapRank: () => ++calls });
  const one = site({ orders: [fickle] }, {}, node('n', { cpu: 1000 }));
  for (let i = 0; i < 6; i++) one.submit({});
  let started = 0;
  for (let i = 0; i < 6; i++) {
    started += one.pass().length;
    one.endAll();
  }
  assert.equal(started, 6);
  assert.ok(calls <= 6, `${calls} calls for six tasks`);
  assert.deepEqual(PluginSite.told, []);
});

test('a journal that was written under plug-ins replays without them: events are facts', () => {
  const asks = fc.array(
    fc.record({ cpu: fc.integer({ min: 1, max: 4 }), priority: fc.integer({ min: 0, max: 3 }) }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(asks, fc.nat(40), (list, failsAt) => {
      // Reads a clock of its own, so that the same site would not decide the same again.
      let clock = 0;
      const tick = (): number => {
        clock++;
        if (clock === failsAt) throw new Error('no');
        return (clock * 7919) % 10_000;
      };
      const lived = site({
        scorers: [scorer(tick)],
        filters: [filter((_, row) => row !== 1)],
        orders: [orderOf({ headRank: tick })],
      });
      for (const ask of list) {
        lived.submit(ask);
        lived.pass();
        const [first] = lived.running.keys();
        if (first !== undefined && ask.priority === 0) lived.end(first);
      }
      const plain = new Site(config([queueConfig('default')]));
      for (const event of lived.journal) plain.engine.apply(event);
      const bare = (of: Site) => {
        const { memory: _, ...rest } = JSON.parse(takeSnapshot(of.engine.state)) as {
          memory: unknown;
        };
        return rest;
      };
      assert.deepEqual(bare(plain), bare(lived));
      assert.deepEqual(
        [...plain.engine.state.runningAttempts()].map(({ id }) => id),
        [...lived.engine.state.runningAttempts()].map(({ id }) => id),
      );
    }),
    { numRuns: 100 },
  );
});

test('time that plug-ins take is told by name, and decides nothing', () => {
  let now = 0;
  const spent = new Map<string, number>();
  const slow = site({ scorers: [scorer(() => 0)] });
  PluginSite.plugins = {
    ...PluginSite.plugins,
    watch: {
      now: () => (now += 5),
      spent: (name, ms) => void spent.set(name, (spent.get(name) ?? 0) + ms),
      setAside: () => {},
    },
  };
  slow.restart();
  slow.submit({});
  slow.pass();
  assert.equal(spent.get('mine'), 15, 'three nodes at 5 ms each');
});
