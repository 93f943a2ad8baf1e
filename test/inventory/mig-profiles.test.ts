import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type MigGeometry,
  maximalMigLayouts,
  migGeometries,
  migGeometryOf,
  migPlacementsFit,
  migProfileOf,
} from '../../src/inventory/mig-profiles.ts';

const geometry = (model: string, memoryGb: number): MigGeometry =>
  migGeometries.find((g) => g.model === model && g.memoryGb === memoryGb)!;

/** Without the media twins, and with or without the one-slice profile of double memory. */
function counts(g: MigGeometry, withDouble: boolean): readonly [number, number] {
  const profiles = g.profiles.filter(
    (p) => !p.name.endsWith('+me') && (withDouble || p.computeSlices !== 1 || p.memorySlices === 1),
  );
  const layouts = maximalMigLayouts(g, profiles);
  const sets = new Set(
    layouts.map((l) =>
      l
        .map((p) => p.profile.name)
        .sort()
        .join(),
    ),
  );
  return [layouts.length, sets.size];
}

// The reference enumeration (domain.md §2.1): 19 are the configurations that NVIDIA publishes.
for (const g of migGeometries) {
  test(`the ${g.model} of ${g.memoryGb} GB has the published number of layouts`, () => {
    if (g.computeSlices === 4) {
      assert.deepEqual(counts(g, true), [5, 4]);
      return;
    }
    assert.deepEqual(counts(g, false), [19, 14]);
    assert.deepEqual(counts(g, true), [78, 38]);
  });
}

test('profiles carry the names and SMs of the user guide', () => {
  const rows = (g: MigGeometry) =>
    g.profiles.map((p) => `${p.name} ${p.id} ${p.multiprocessors[1]}`);
  assert.deepEqual(rows(geometry('A100', 40)), [
    '1g.5gb 19 14',
    '1g.5gb+me 20 14',
    '1g.10gb 15 14',
    '2g.10gb 14 28',
    '3g.20gb 9 42',
    '4g.20gb 5 56',
    '7g.40gb 0 98',
  ]);
  assert.deepEqual(rows(geometry('B200', 180)).slice(4), [
    '3g.90gb 9 54',
    '4g.90gb 5 72',
    '7g.180gb 0 126',
  ]);
});

const layouts: Record<string, { at: readonly (readonly [string, number])[]; fits: boolean }> = {
  'a 4g and a 3g fill the part': {
    at: [
      ['4g.20gb', 0],
      ['3g.20gb', 4],
    ],
    fits: true,
  },
  'a second 4g has no place': {
    at: [
      ['4g.20gb', 0],
      ['4g.20gb', 0],
    ],
    fits: false,
  },
  'a 3g first leaves room for three 1g only': {
    at: [
      ['3g.20gb', 0],
      ['1g.5gb', 4],
      ['1g.5gb', 5],
      ['1g.5gb', 6],
    ],
    fits: true,
  },
  'a 3g at 4 leaves room for four': {
    at: [
      ['1g.5gb', 0],
      ['1g.5gb', 1],
      ['1g.5gb', 2],
      ['1g.5gb', 3],
      ['3g.20gb', 4],
    ],
    fits: true,
  },
  'a 2g starts on an even slice': { at: [['2g.10gb', 1]], fits: false },
  'media engines go to one instance': {
    at: [
      ['1g.5gb+me', 0],
      ['1g.5gb+me', 1],
    ],
    fits: false,
  },
};
for (const [name, tc] of Object.entries(layouts)) {
  test(`placements: ${name}`, () => {
    const g = geometry('A100', 40);
    const placements = tc.at.map(([profile, start]) => ({
      profile: g.profiles.find((p) => p.name === profile)!,
      start,
    }));
    assert.equal(migPlacementsFit(g, placements), tc.fits);
  });
}

test('the geometry is found by name and by the memory that a driver tells', () => {
  const found = (name: string, mib: number) => {
    const g = migGeometryOf(name, mib * 2 ** 20);
    return g === undefined ? undefined : [g.model, g.memoryGb];
  };
  assert.deepEqual(found('NVIDIA A100-SXM4-80GB', 81_920), ['A100', 80]);
  assert.deepEqual(found('NVIDIA A100-SXM4-40GB', 40_960), ['A100', 40]);
  assert.deepEqual(found('NVIDIA H100 80GB HBM3', 81_559), ['H100', 80]);
  assert.deepEqual(found('NVIDIA H100 NVL', 95_830), ['H100 NVL', 94]);
  assert.deepEqual(found('NVIDIA A30', 24_576), ['A30', 24]);
  assert.equal(found('NVIDIA L40S', 46_068), undefined);
  assert.equal(found('NVIDIA A100-SXM4-80GB', 1), undefined);
});

test('a profile is told by its size only where one fits', () => {
  const h100 = geometry('H100', 80);
  const mib = 2 ** 20;
  assert.equal(migProfileOf(h100, 60, 40_448 * mib)?.name, '3g.40gb');
  assert.equal(migProfileOf(h100, 32, 20_096 * mib)?.name, '2g.20gb');
  assert.equal(migProfileOf(h100, 16, 9984 * mib)?.name, '1g.10gb');
  assert.equal(migProfileOf(h100, 5, 9984 * mib), undefined);
});
