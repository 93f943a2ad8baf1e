import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type MigGeometry,
  type MigPlacement,
  type MigProfile,
  maximalMigLayouts,
  migGeometries,
  migPlacementsFit,
} from '../../src/inventory/mig-profiles.ts';
import { fitsOneGpu, migMixes, packMig, placeMig } from '../../src/scheduling/mig.ts';
import { type MigGpu, migCommands, planRepartition } from '../../src/scheduling/mig-repartition.ts';

const a100 = migGeometries.find(({ model, memoryGb }) => model === 'A100' && memoryGb === 40)!;
const a30 = migGeometries.find(({ model }) => model === 'A30')!;
const named = (geometry: MigGeometry, names: readonly string[]): MigProfile[] =>
  names.map((name) => geometry.profiles.find((profile) => profile.name === name)!);
const short: Record<string, string> = {
  '1': '1g.5gb',
  '1m': '1g.5gb+me',
  '1d': '1g.10gb',
  '2': '2g.10gb',
  '3': '3g.20gb',
  '4': '4g.20gb',
  '7': '7g.40gb',
};
const mix = (text: string): MigProfile[] =>
  named(
    a100,
    text
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => short[word]!),
  );
const shown = (placements: readonly MigPlacement[] | undefined): string | undefined =>
  placements?.map(({ profile, start }) => `${profile.computeSlices}@${start}`).join(' ');

const places: Record<string, { wanted: string; held?: [string, number][]; want?: string }> = {
  'a first 3g goes where it strands no compute': { wanted: '3', want: '3@4' },
  'a second 3g goes before the first': { wanted: '3', held: [['3', 4]], want: '3@0' },
  '4g and 3g share a GPU': { wanted: '3 4', want: '4@0 3@4' },
  'two 4g do not': { wanted: '4 4' },
  '3g and four 1g': { wanted: '3 1 1 1 1', want: '3@4 1@0 1@1 1@2 1@3' },
  'a 3g at 0 leaves room for three 1g only': { wanted: '1 1 1 1', held: [['3', 0]] },
  'seven 1g': { wanted: '1 1 1 1 1 1 1', want: '1@0 1@1 1@2 1@3 1@4 1@5 1@6' },
  'eight 1g': { wanted: '1 1 1 1 1 1 1 1' },
  'one instance has the media engines': { wanted: '1m 1m' },
  'three 2g and a 1g': { wanted: '2 2 2 1', want: '2@0 2@2 2@4 1@6' },
  'four 1g of twice the memory': { wanted: '1d 1d 1d 1d', want: '1@0 1@2 1@4 1@6' },
  'a 7g beside anything': { wanted: '7', held: [['1', 3]] },
  'nothing wanted': { wanted: '', held: [['7', 0]], want: '' },
};
for (const [name, { wanted, held = [], want }] of Object.entries(places)) {
  test(`MIG placement: ${name}`, () => {
    const there = held.map(([word, start]) => ({ profile: mix(word)[0]!, start }));
    assert.equal(shown(placeMig(a100, there, mix(wanted))), want);
  });
}

const multisets = (geometry: MigGeometry, profiles: readonly MigProfile[]): Set<string> =>
  new Set(
    maximalMigLayouts(geometry, profiles).map((layout) =>
      profiles.map((p) => layout.filter(({ profile }) => profile === p).length).join(),
    ),
  );

// domain.md §2.1: 19 layouts and 14 mixes of an A100, 78 and 38 with 1g.10gb, 5 and 4 of an A30.
const golden: [string, MigGeometry, string[], number, number][] = [
  ['A100', a100, ['7g.40gb', '4g.20gb', '3g.20gb', '2g.10gb', '1g.5gb'], 19, 14],
  [
    'A100 with 1g.10gb',
    a100,
    ['7g.40gb', '4g.20gb', '3g.20gb', '2g.10gb', '1g.10gb', '1g.5gb'],
    78,
    38,
  ],
  ['A30', a30, ['4g.24gb', '2g.12gb', '1g.6gb'], 5, 4],
];
for (const [name, geometry, names, layouts, kinds] of golden) {
  test(`golden counts of MIG layouts: ${name}`, () => {
    const profiles = named(geometry, names);
    assert.equal(maximalMigLayouts(geometry, profiles).length, layouts);
    const maximal = multisets(geometry, profiles);
    assert.equal(maximal.size, kinds);
    const mixes = new Set(migMixes(geometry, profiles).map((counts) => counts.join()));
    for (const layout of maximal) assert.ok(mixes.has(layout), `${layout} fits one GPU`);
    const within = (counts: string): boolean =>
      [...maximal].some((layout) => {
        const most = layout.split(',').map(Number);
        return counts.split(',').every((count, i) => Number(count) <= most[i]!);
      });
    for (const counts of mixes) assert.ok(within(counts), `${counts} is part of a layout`);
  });
}

const anyGeometry = fc.constantFrom(a100, a30, ...migGeometries);
const drawn = fc
  .tuple(anyGeometry, fc.array(fc.nat(6), { maxLength: 9 }))
  .map(([geometry, picks]) => ({
    geometry,
    wanted: picks.map((i) => geometry.profiles[i % geometry.profiles.length]!),
  }));

/** All ways to give each a start, in any order. */
function fitsSomehow(
  geometry: MigGeometry,
  held: readonly MigPlacement[],
  wanted: readonly MigProfile[],
): boolean {
  if (!migPlacementsFit(geometry, held)) return false;
  const [profile, ...rest] = wanted;
  if (profile === undefined) return true;
  return profile.starts.some((start) => fitsSomehow(geometry, [...held, { profile, start }], rest));
}

test('a set is placed exactly when some placement of it is valid', () => {
  fc.assert(
    fc.property(drawn, ({ geometry, wanted }) => {
      const few = wanted.slice(0, 5);
      const placed = placeMig(geometry, [], few);
      assert.equal(placed !== undefined, fitsSomehow(geometry, [], few));
      assert.equal(fitsOneGpu(geometry, few), placed !== undefined);
      if (placed !== undefined) assert.ok(migPlacementsFit(geometry, placed));
    }),
    { numRuns: 150 },
  );
});

/** Every way to share the instances out over GPUs. */
function fewestGpus(geometry: MigGeometry, wanted: readonly MigProfile[]): number {
  let best = wanted.length;
  const share = (i: number, gpus: readonly (readonly MigProfile[])[]): void => {
    if (gpus.length >= best) return;
    const profile = wanted[i];
    if (profile === undefined) {
      best = gpus.length;
      return;
    }
    gpus.forEach((on, g) => {
      if (fitsOneGpu(geometry, [...on, profile])) share(i + 1, gpus.with(g, [...on, profile]));
    });
    share(i + 1, [...gpus, [profile]]);
  };
  share(0, []);
  return best;
}

test('packing uses the fewest GPUs', () => {
  fc.assert(
    fc.property(drawn, ({ geometry, wanted }) => {
      const few = wanted.slice(0, 7);
      const packed = packMig(geometry, few)!;
      assert.equal(packed.length, fewestGpus(geometry, few));
      for (const layout of packed) assert.ok(migPlacementsFit(geometry, layout));
      const ids = (profiles: readonly MigProfile[]): number[] =>
        profiles.map(({ id }) => id).sort((a, b) => a - b);
      assert.deepEqual(ids(packed.flatMap((layout) => layout.map((p) => p.profile))), ids(few));
    }),
    { numRuns: 60 },
  );
});

test('sixty instances are packed in the least number of GPUs that the slices allow', () => {
  const wanted = mix(`${'3 4 '.repeat(10)}${'2 2 2 1 '.repeat(10)}`);
  assert.equal(packMig(a100, wanted)!.length, 20);
});

function gpu(id: string, ...instances: [word: string, start: number, cost: number][]): MigGpu {
  return {
    id,
    geometry: a100,
    instances: instances.map(([word, start, cost], gi) => ({
      profile: mix(word)[0]!,
      start,
      cost,
      gi,
    })),
  };
}

test('a plan destroys what is idle before it ends what runs', () => {
  const gpus = [gpu('0', ['3', 0, 0], ['3', 4, 50]), gpu('1', ['7', 0, 80])];
  const plan = planRepartition(gpus, ['4g.20gb'])!;
  assert.equal(plan.cost, 0);
  assert.deepEqual(migCommands(plan), [
    ['mig', '-i', '0', '-dci', '-gi', '0'],
    ['mig', '-i', '0', '-dgi', '-gi', '0'],
    ['mig', '-i', '0', '-cgi', '5:0', '-C'],
  ]);
});

test('what is wanted goes to several GPUs when that ends less', () => {
  const gpus = [gpu('0', ['4', 0, 9], ['2', 4, 1]), gpu('1', ['3', 0, 2], ['3', 4, 9])];
  const plan = planRepartition(gpus, ['3g.20gb', '3g.20gb'])!;
  assert.equal(plan.cost, 3);
  assert.deepEqual(
    plan.gpus.map(({ gpu: id, create }) => [id, shown(create)]),
    [
      ['0', '3@4'],
      ['1', '3@0'],
    ],
  );
});

test('there is no plan for what no GPU can hold', () => {
  assert.equal(planRepartition([gpu('0')], ['4g.20gb', '4g.20gb']), undefined);
  assert.equal(planRepartition([gpu('0')], ['5g.30gb']), undefined);
});

/** Every assignment of the wanted to GPUs and every set of instances to destroy. */
function leastCost(gpus: readonly MigGpu[], wanted: readonly MigProfile[]): number {
  let best = Number.POSITIVE_INFINITY;
  for (let code = 0; code < gpus.length ** wanted.length; code++) {
    let cost = 0;
    gpus.forEach((on, g) => {
      const here = wanted.filter((_, i) => Math.floor(code / gpus.length ** i) % gpus.length === g);
      let least = Number.POSITIVE_INFINITY;
      for (let bits = 0; bits < 1 << on.instances.length; bits++) {
        const kept = on.instances.filter((_, i) => (bits & (1 << i)) === 0);
        const ended = on.instances.filter((_, i) => (bits & (1 << i)) !== 0);
        if (!fitsSomehow(on.geometry, kept, here)) continue;
        least = Math.min(
          least,
          ended.reduce((sum, { cost: one }) => sum + one, 0),
        );
      }
      cost += least;
    });
    best = Math.min(best, cost);
  }
  return best;
}

test('a re-partition plan ends the least that any plan could', () => {
  const layouts = maximalMigLayouts(a100, mix('7 4 3 2 1'));
  const drawnGpu = fc
    .tuple(fc.nat(layouts.length - 1), fc.array(fc.nat(5), { minLength: 7, maxLength: 7 }))
    .map(([layout, costs]) =>
      layouts[layout]!.map((placement, gi) => ({ ...placement, gi, cost: costs[gi]! })),
    );
  fc.assert(
    fc.property(
      fc.array(drawnGpu, { minLength: 1, maxLength: 2 }),
      fc.array(fc.constantFrom('1', '2', '3', '4', '7'), { minLength: 1, maxLength: 3 }),
      (instances, words) => {
        const gpus = instances.map((on, i) => ({
          id: String(i),
          geometry: a100,
          instances: on,
        }));
        const wanted = mix(words.join(' '));
        const plan = planRepartition(
          gpus,
          wanted.map(({ name }) => name),
        );
        assert.equal(plan?.cost ?? Number.POSITIVE_INFINITY, leastCost(gpus, wanted));
        for (const { gpu: id, destroy, create } of plan?.gpus ?? []) {
          const kept = gpus[Number(id)]!.instances.filter((one) => !destroy.includes(one));
          assert.ok(migPlacementsFit(a100, [...kept, ...create]));
        }
      },
    ),
    { numRuns: 60 },
  );
});
