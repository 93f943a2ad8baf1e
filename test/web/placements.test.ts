import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coresText, holdersOf, placementsOf } from '../../web/src/placements.ts';
import { busyLab } from '../api/scenarios.ts';

test('what runs is placed, those with cells first, then by number', () => {
  const site = busyLab();
  const documents = ['3', '4', '9', '1'].map((id) => site.workload(id as never)!);
  Object.assign(documents[1]!.steps[1]!.attempts[2]!, { cores: [4, 5] });
  const placements = placementsOf(documents);
  assert.deepEqual(
    placements.map(({ attempt }) => attempt),
    [
      '4.train.2.1',
      '3.train.0.1',
      '4.train.0.1',
      '4.train.1.1',
      '4.train.3.1',
      ...placements.map(({ attempt }) => attempt).filter((id) => id.startsWith('9.')),
    ],
  );
  assert.equal(placements[0]!.cpuMilli, 4_000);
  assert.deepEqual(
    [...holdersOf(placements)],
    [
      [4, ['4.train.2.1']],
      [5, ['4.train.2.1']],
    ],
  );
});

test('CPUs are told in runs', () => {
  const table = [
    [[], ''],
    [[3], '3'],
    [[0, 1, 2, 3], '0–3'],
    [[8, 1, 0, 10, 9], '0–1, 8–10'],
    [[5, 5], '5'],
  ] as const;
  for (const [cores, text] of table) assert.equal(coresText(cores), text);
});
