import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planGang } from '../../src/scheduling/gang.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Trial } from '../../src/scheduling/trial.ts';
import { config, queueConfig, Site } from '../builders/site.ts';
import { GIB, node, resources } from '../builders/workload.ts';

const cpus = (count: number) => resources({ cpu: count * 1000, memory: 0 });

function table(...sizes: readonly (readonly [cpu: number, rack?: string])[]): NodeTable {
  const made = new NodeTable();
  sizes.forEach(([cpu, rack], i) => {
    const labels: Record<string, string> = rack === undefined ? {} : { rack };
    made.join({ ...node(`n${i}`, { cpu: cpu * 1000 }), labels });
  });
  return made;
}

const rack = (required: boolean) => ({ label: 'rack', required });
const cases: Record<
  string,
  { table: NodeTable; members: number; topology?: object; want: unknown }
> = {
  'the fewest nodes, and the last one where it leaves least': {
    table: table([4], [8], [3]),
    members: 10,
    want: [
      [1, 8],
      [2, 2],
    ],
  },
  'all on one node when that is enough': {
    table: table([2], [5], [4]),
    members: 4,
    want: [[2, 4]],
  },
  'nothing when one is missing': { table: table([2], [3]), members: 6, want: 5 },
  'one rack, the tightest': {
    table: table([4, 'a'], [4, 'a'], [3, 'b'], [3, 'b']),
    members: 6,
    topology: rack(true),
    want: [
      [2, 3],
      [3, 3],
    ],
  },
  'a required rack is not left': {
    table: table([4, 'a'], [4, 'b']),
    members: 6,
    topology: rack(true),
    want: 4,
  },
  'a preferred one is, with most of the gang in one': {
    table: table([2, 'a'], [4, 'b'], [1, 'b']),
    members: 6,
    topology: rack(false),
    want: [
      [1, 4],
      [2, 1],
      [0, 1],
    ],
  },
  'the same node': {
    table: table([4], [6], [5]),
    members: 5,
    topology: { label: 'node', required: true },
    want: [[2, 5]],
  },
  'nodes without the label are in no rack': {
    table: table([8], [8]),
    members: 2,
    topology: rack(true),
    want: 0,
  },
};
for (const [name, tc] of Object.entries(cases)) {
  test(`a gang gets ${name}`, () => {
    const plan = planGang(tc.table, {
      ask: cpus(1),
      members: tc.members,
      topology: tc.topology as never,
    });
    const got = plan.kind === 'fits' ? plan.seats.map((s) => [s.row, s.members]) : plan.room;
    assert.deepEqual(got, tc.want);
  });
}

test('what is set aside is left alone, and a trial leaves no trace', () => {
  const one = table([4]);
  one.setAside(0, cpus(2));
  assert.deepEqual(planGang(one, { ask: cpus(1), members: 3 }), { kind: 'short', room: 2 });
  assert.ok(one.fits(0, cpus(2)) && !one.fits(0, cpus(3)));
  one.setAside(0, undefined);
  const trial = new Trial(one);
  trial.place(0, cpus(3));
  assert.ok(!one.fits(0, cpus(2)));
  trial.undo();
  assert.ok(one.fits(0, cpus(4)));
});

const gib = (count: number) => resources({ cpu: 0, memory: count * GIB });
const memories = (...sizes: readonly number[]): NodeTable => {
  const made = new NodeTable();
  sizes.forEach((size, i) => {
    made.join(node(`n${i}`, { memory: size * GIB }));
  });
  return made;
};

test('a member that grew gets a seat of its size, and the others of theirs', () => {
  const grown = { ask: gib(6), members: 1, smaller: [{ ask: gib(3), members: 2 }] };
  assert.deepEqual(planGang(memories(3, 6, 4), grown), {
    kind: 'fits',
    seats: [
      { row: 1, members: 1 },
      { row: 0, members: 1 },
      { row: 2, members: 1 },
    ],
  });
  assert.equal(planGang(memories(3, 5, 6), grown).kind, 'fits');
  assert.equal(planGang(memories(2, 6, 4), grown).kind, 'short');
  const rack = { ...grown, topology: { label: 'node', required: true } };
  assert.equal(planGang(memories(6, 6, 6), rack).kind, 'short');
  assert.equal(planGang(memories(6, 13, 6), rack).kind, 'fits');
});

test('members that grew apart get seats whenever one order of trying finds them, and hold them all', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }),
      (nodes, asks) => {
        const sorted = asks.toSorted((a, b) => b - a);
        const parts = sorted.map((size) => ({ ask: gib(size), members: 1 }));
        const [first, ...smaller] = parts;
        const plan = planGang(memories(...nodes), { ...first!, smaller });
        const alike = nodes.reduce((sum, size) => sum + Math.floor(size / sorted[0]!), 0);
        if (plan.kind === 'short') {
          assert.ok(alike < asks.length, 'as if all had grown is enough');
          assert.ok(!fitsSomehow(nodes, sorted) || smaller.length > 0);
          return;
        }
        const left = [...nodes];
        const rows = plan.seats.flatMap(({ row, members }) => Array<number>(members).fill(row));
        sorted.forEach((size, i) => {
          left[rows[i]!]! -= size;
        });
        assert.ok(
          left.every((free) => free >= 0),
          `${nodes} for ${sorted}: ${rows}`,
        );
      },
    ),
    { numRuns: 300 },
  );
});

function fitsSomehow(nodes: readonly number[], asks: readonly number[]): boolean {
  const [first, ...rest] = asks;
  if (first === undefined) return true;
  return nodes.some((free, i) => free >= first && fitsSomehow(nodes.with(i, free - first), rest));
}

test('a gang of which one grew starts with the others, or says that it never will', () => {
  const site = new Site(
    config([queueConfig('default')]),
    node('n', { cpu: 8000, memory: 6 * GIB }),
    node('m', { cpu: 8000, memory: 3 * GIB }),
  );
  const start = (name: string) => {
    site.submit({ gib: 3, count: 2, gang: 2, retries: 3 });
    const placed = site.pass();
    assert.equal(placed.length, 2, name);
    const large = placed.find((id) => site.engine.state.attempt(id)!.placement.node === 'n')!;
    const small = placed.find((id) => id !== large) ?? placed[1]!;
    return [large, small] as const;
  };
  const [one, other] = start('both of 3 GiB');
  site.end(one, 'oom-killed');
  site.pass();
  site.end(other, 'preempted');
  site.now += 600_000;
  const again = site.pass();
  assert.equal(again.length, 2, 'one of 6 GiB and one of 3');
  for (const id of again) site.end(id, 'oom-killed');
  site.now += 600_000;
  site.pass();
  assert.equal(site.why(1)?.code, 'gang-never-fits', 'now both would need 6');
});

test('a member beyond the minimum joins the others, also where nobody is stopped for others or kept seats', () => {
  const { keepAfterMs: _, ...never } = config([queueConfig('default')]);
  for (const scheduling of [never, config([queueConfig('default')])]) {
    const site = new Site(scheduling, node('n', { cpu: 2000 }), node('m', { cpu: 3000 }));
    site.submit({ cpu: 1 });
    site.submit({ cpu: 1, count: 3, gang: 1, same: 'node' });
    const placed = site.pass();
    const rows = placed.slice(1).map((id) => site.engine.state.attempt(id)!.placement.node);
    assert.equal(new Set(rows).size, 1, placed.join());
  }
});
