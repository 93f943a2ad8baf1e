import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../src/base/prng.ts';
import type { BitsPerSecond, Bytes, TimeMs } from '../../src/base/units.ts';
import { criticalLink } from '../../src/simulation/network/critical-link.ts';
import { FlowNetwork, type Transfer } from '../../src/simulation/network/flow-network.ts';
import { type Demand, maxMinRates } from '../../src/simulation/network/max-min.ts';
import { shortestWays } from '../../src/simulation/network/routes.ts';
import { fabricLinks, Topology } from '../../src/simulation/network/topology.ts';
import { node } from '../builders/workload.ts';

const at = (ms: number): TimeMs => ms as TimeMs;
const demand = (arcs: readonly number[], more: Partial<Demand> = {}): Demand => ({
  arcs,
  weight: 1,
  ...more,
});

const fair: Record<string, { capacities: number[]; demands: Demand[]; want: number[] }> = {
  // Bertsekas & Gallager, example 6.5.1 in spirit: the long one is held by the narrow link, the rest is for the other.
  'a long flow and one on each link': {
    capacities: [1, 2],
    demands: [demand([0, 1]), demand([0]), demand([1])],
    want: [0.5, 0.5, 1.5],
  },
  'three on a link of three, one of which may have half': {
    capacities: [3],
    demands: [demand([0]), demand([0]), demand([0], { cap: 0.5 })],
    want: [1.25, 1.25, 0.5],
  },
  'weights 4, 2 and 1': {
    capacities: [7],
    demands: [4, 2, 1].map((weight) => demand([0], { weight })),
    want: [4, 2, 1],
  },
  'what goes nowhere has its cap, or no bound': {
    capacities: [],
    demands: [demand([], { cap: 3 }), demand([])],
    want: [3, Number.POSITIVE_INFINITY],
  },
};
for (const [name, { capacities, demands, want }] of Object.entries(fair)) {
  test(`max-min: ${name}`, () => {
    assert.deepEqual([...maxMinRates((arc) => capacities[arc]!, demands)], want);
  });
}

const drawn = fc
  .record({
    capacities: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 }),
    demands: fc.array(
      fc.record({
        arcs: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 4 }),
        weight: fc.integer({ min: 1, max: 5 }),
        cap: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  })
  .map(({ capacities, demands }) => ({
    capacities,
    demands: demands.map(({ arcs, weight, cap }): Demand => {
      const there = [...new Set(arcs.map((arc) => arc % capacities.length))];
      return { arcs: there, weight, ...(cap !== undefined && { cap }) };
    }),
  }));

const NEAR = 1e-6;

test('max-min: no arc carries more than it can, and whoever could have more has a bottleneck', () => {
  fc.assert(
    fc.property(drawn, ({ capacities, demands }) => {
      const rates = maxMinRates((arc) => capacities[arc]!, demands);
      const used = capacities.map((_, arc) =>
        demands.reduce((sum, one, i) => sum + (one.arcs.includes(arc) ? rates[i]! : 0), 0),
      );
      used.forEach((sum, arc) => {
        assert.ok(sum <= capacities[arc]! * (1 + NEAR), `arc ${arc}: ${sum}`);
      });
      demands.forEach(({ arcs, weight, cap }, i) => {
        if (cap !== undefined && Math.abs(rates[i]! - cap) < NEAR) return;
        assert.ok(cap === undefined || rates[i]! < cap);
        const isHeld = arcs.some((arc) => {
          const isFull = used[arc]! >= capacities[arc]! * (1 - NEAR);
          const isLargest = demands.every(
            (other, j) =>
              !other.arcs.includes(arc) ||
              rates[j]! / other.weight <= (rates[i]! / weight) * (1 + NEAR),
          );
          return isFull && isLargest;
        });
        assert.ok(isHeld, `demand ${i} of ${JSON.stringify(demands)} has no bottleneck`);
      });
    }),
    { numRuns: 500 },
  );
});

/** Two racks of two nodes, two spines, and a storage. */
const four = ['a', 'b', 'c', 'd'].map((id, i) => ({
  ...node(id),
  labels: { rack: i < 2 ? 'r1' : 'r2' },
}));
const G = 1e9 as BitsPerSecond;
const fabric = (spines = 2): Topology =>
  new Topology(fabricLinks(four, { spines, nodeLink: G, uplink: G, storageLink: G }));

const transfer = (
  id: string,
  from: string,
  to: string,
  more: Partial<Transfer> = {},
): Transfer => ({
  id,
  from,
  to,
  size: 125_000_000 as Bytes,
  weight: 1,
  ...more,
});

/** `id at` of all that arrive, until none is left. */
function arrivals(network: FlowNetwork): string[] {
  const found: string[] = [];
  for (let due = network.nextEnd(); due !== undefined; due = network.nextEnd()) {
    found.push(`${due.id} ${due.at}`);
    network.stop(due.id, due.at);
  }
  return found;
}

test('a gigabit takes a second alone, and two on one link two', () => {
  const network = new FlowNetwork(fabric());
  network.start(transfer('x', 'a', 'b'), at(0));
  assert.equal(network.nextEnd()?.at, 1000);
  network.start(transfer('y', 'a', 'c'), at(500));
  // x has half a gigabit left, at half the rate; then y has the link for itself.
  assert.deepEqual(arrivals(network), ['x 1500', 'y 2000']);
});

test('who weighs three times as much gets three times as much of the link', () => {
  const network = new FlowNetwork(fabric());
  network.start(transfer('x', 'a', 'b', { weight: 3 }), at(0));
  network.start(transfer('y', 'a', 'b', { weight: 1 }), at(0));
  assert.deepEqual([network.rateOf('x'), network.rateOf('y')], [7.5e8, 2.5e8]);
  const capped = new FlowNetwork(fabric());
  capped.start(transfer('x', 'a', 'b', { cap: 1e8 }), at(0));
  capped.start(transfer('y', 'a', 'b'), at(0));
  assert.deepEqual([capped.rateOf('x'), capped.rateOf('y')], [1e8, 9e8]);
});

test('who is stopped and begins again under the same name begins anew', () => {
  const network = new FlowNetwork(fabric());
  network.start(transfer('x', 'a', 'b'), at(0));
  network.stop('x', at(600));
  network.start(transfer('x', 'a', 'b'), at(700));
  assert.deepEqual(arrivals(network), ['x 1700']);
});

test('transfers between racks are spread over the spines', () => {
  const network = new FlowNetwork(fabric());
  network.start(transfer('x', 'a', 'c'), at(0));
  network.start(transfer('y', 'b', 'd'), at(0));
  const over = ['x', 'y'].map((id) => network.wayOf(id)?.[2]);
  assert.deepEqual(over, ['spine/0', 'spine/1']);
  assert.deepEqual([network.rateOf('x'), network.rateOf('y')], [1e9, 1e9]);
});

test('a link that fails: what crossed it takes another way, waits where there is none, and comes back', () => {
  const topology = fabric();
  const linkBetween = (a: string, b: string): number =>
    topology.links.findIndex((link) => link.a === a && link.b === b);
  const network = new FlowNetwork(topology);
  network.start(transfer('x', 'a', 'c'), at(0));
  network.start(transfer('y', 'b', 'd'), at(0));
  network.fail(linkBetween('leaf/r1', 'spine/0'), at(500));
  assert.deepEqual(network.wayOf('x'), ['a', 'leaf/r1', 'spine/1', 'leaf/r2', 'c']);
  assert.deepEqual([network.rateOf('x'), network.rateOf('y')], [5e8, 5e8]);
  network.fail(linkBetween('leaf/r1', 'spine/1'), at(1000));
  assert.deepEqual([network.wayOf('x'), network.rateOf('x')], [undefined, 0]);
  assert.equal(network.nextEnd(), undefined);
  network.repair(linkBetween('leaf/r1', 'spine/0'), at(5000));
  // A quarter of each is left, and both share one spine.
  assert.deepEqual(arrivals(network), ['x 5500', 'y 5500']);
});

test('after a repair, who had to go a longer way goes the short one again', () => {
  const link = (a: string, b: string) => ({ a, b, capacity: G });
  const ring = new Topology([link('a', 'b'), link('b', 'c'), link('c', 'd'), link('d', 'a')]);
  const network = new FlowNetwork(ring);
  network.fail(0, at(0));
  network.start(transfer('x', 'a', 'b'), at(0));
  assert.deepEqual(network.wayOf('x'), ['a', 'd', 'c', 'b']);
  network.repair(0, at(100));
  assert.deepEqual(network.wayOf('x'), ['a', 'b']);
});

test('ways: none longer than the shortest, none twice, none over a link that is down', () => {
  const topology = fabric(3);
  const ways = shortestWays(topology, 'a', 'c', (link) => link === 4);
  assert.equal(ways.length, 2);
  assert.ok(ways.every((way) => way.length === 4));
  assert.deepEqual(
    shortestWays(topology, 'a', 'a', () => false),
    [[]],
  );
  assert.deepEqual(
    shortestWays(topology, 'a', 'nowhere', () => false),
    [],
  );
});

test('the critical link bounds when all can be there', () => {
  const topology = fabric(1);
  const all = [
    transfer('x', 'storage', 'a'),
    transfer('y', 'storage', 'c'),
    transfer('z', 'a', 'b', { size: 500_000_000 as Bytes }),
  ];
  const critical = criticalLink(topology, all);
  assert.deepEqual(critical, { from: 'a', to: 'leaf/r1', leastMs: 4000, transfers: ['z'] });
  assert.deepEqual(criticalLink(topology, all.slice(0, 2))?.transfers, ['x', 'y']);
  assert.equal(criticalLink(topology, []), undefined);
});

test('what a transfer would cost: nothing on the spot, more to a full link, no end without a way', () => {
  const network = new FlowNetwork(fabric(1));
  const cost = (from: string, to: string) =>
    network.expectedMs({ from, to, size: 125_000_000 as Bytes, weight: 1 });
  assert.equal(cost('a', 'a'), 0);
  assert.equal(cost('a', 'b'), 1000);
  network.start(transfer('x', 'a', 'c'), at(0));
  assert.equal(cost('a', 'b'), 2000);
  assert.equal(cost('b', 'd'), 2000, 'they share the spine');
  network.fail(0, at(0));
  assert.equal(cost('a', 'b'), Number.POSITIVE_INFINITY);
});

/** Every flow's rate as one allocation over all flows gives it. */
function fullRates(network: FlowNetwork, live: readonly Transfer[]): Map<string, number> {
  const { arcs } = network.topology;
  const indexOf = (from: string, to: string): number =>
    arcs.findIndex((arc) => arc.from === from && arc.to === to);
  const moving = live.filter(({ id }) => network.wayOf(id) !== undefined);
  const demands = moving.map(({ id, weight }) => {
    const way = network.wayOf(id)!;
    return { weight, arcs: way.slice(1).map((to, i) => indexOf(way[i]!, to)) };
  });
  const rates = maxMinRates((arc) => arcs[arc]!.capacity, demands);
  return new Map(moving.map(({ id }, i) => [id, rates[i]!]));
}

test('rates that are kept up little by little are those of all at once, and every byte arrives', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const prng = new Prng(seed);
    const many = Array.from({ length: 12 }, (_, i) => ({
      ...node(`n${i}`),
      labels: { rack: `r${i % 4}` },
    }));
    const links = fabricLinks(many, {
      spines: 2,
      nodeLink: 1e9 as BitsPerSecond,
      uplink: 2e9 as BitsPerSecond,
    });
    const network = new FlowNetwork(new Topology(links));
    const live = new Map<string, Transfer>();
    const carried = new Map<string, number>();
    let now = 0;
    /** Bits by the rates that hold until then. */
    const pass = (until: number): void => {
      for (const id of live.keys()) {
        const rate = network.rateOf(id)!;
        if (rate === Number.POSITIVE_INFINITY) carried.set(id, Number.POSITIVE_INFINITY);
        else carried.set(id, (carried.get(id) ?? 0) + (rate * (until - now)) / 1000);
      }
      now = until;
    };
    const check = (): void => {
      const want = fullRates(network, [...live.values()]);
      for (const id of live.keys()) {
        const [rate, full] = [network.rateOf(id)!, want.get(id) ?? 0];
        const isSame = rate === full || Math.abs(rate - full) <= 1e-6 * full;
        assert.ok(isSame, `seed ${seed}: ${id} has ${rate}, not ${full}`);
      }
    };
    for (let i = 0; i < 60; i++) {
      const due = network.nextEnd();
      const next = now + prng.below(400);
      if (due !== undefined && due.at <= next) {
        pass(Math.max(now, due.at));
        const bits = live.get(due.id)!.size * 8;
        assert.ok(carried.get(due.id)! >= bits * (1 - 1e-6), `seed ${seed}: ${due.id} is early`);
        live.delete(due.id);
        network.stop(due.id, at(now));
      } else {
        pass(next);
        const link = prng.below(links.length);
        const kind = prng.below(10);
        if (kind === 0) network.fail(link, at(now));
        else if (kind < 3) network.repair(link, at(now));
        else {
          const size = prng.between(1, 200) * 1_000_000;
          const one = transfer(`t${i}`, `n${prng.below(12)}`, `n${prng.below(12)}`, {
            size: size as Bytes,
            weight: prng.between(1, 3),
          });
          live.set(one.id, one);
          network.start(one, at(now));
        }
      }
      check();
    }
    for (let link = 0; link < links.length; link++) network.repair(link, at(now));
    assert.equal(arrivals(network).length, live.size, `seed ${seed}: all arrive`);
  }
});
