import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planGang } from '../../src/scheduling/gang.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { Trial } from '../../src/scheduling/trial.ts';
import { node, resources } from '../builders/workload.ts';

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
