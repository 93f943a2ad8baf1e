import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Box, boxesOf } from '../../web/src/topology-boxes.ts';
import { machines, noMachines, smallMachine } from '../api/machines.ts';

const cellsIn = (box: Box): number =>
  box.cells.length + box.boxes.reduce((sum, inner) => sum + cellsIn(inner), 0);
const deviceNames = (box: Box): string[] => [
  ...box.devices.map(({ kind, name }) => `${kind} ${name}`),
  ...box.boxes.flatMap(deviceNames),
];

test('what spans the same CPUs is one box', async () => {
  const box = boxesOf(await smallMachine())!;
  assert.deepEqual([box.title, box.cpus, box.boxes.length], ['Machine · Package 0', '0-1', 0]);
  assert.deepEqual(
    box.cells.map(({ threads }) => threads),
    [[0], [1]],
  );
  assert.deepEqual(
    box.memories.map(({ number }) => number),
    [0],
  );
});

test('a machine whose processors could not be read has no picture', async () => {
  assert.equal(boxesOf({ ...(await smallMachine()), topology: null }), undefined);
});

const recorded: Record<
  keyof typeof machines,
  { titles: string[]; cells: number; devices: string[] }
> = {
  'eight-gpus': {
    titles: ['Package 0 · L3 20 MiB', 'Package 1 · L3 20 MiB'],
    cells: 16,
    devices: ['gpu GPU 0', 'gpu GPU 7', 'network eth0', 'network ib0, mlx4_0', 'disk nvme0n1'],
  },
  mig: {
    // One core of package 1 is online: the L3 that it shares with no other belongs to its cell.
    titles: ['Package 0 · L3 4 MiB', 'Package 1', 'Package 3 · L3 4 MiB', 'Package 2 · L3 4 MiB'],
    cells: 7,
    devices: [],
  },
  'four-sockets': {
    titles: ['Package 0', 'Package 1', 'Package 2', 'Package 3'],
    cells: 64,
    devices: [],
  },
  'dgx-gb10': {
    titles: ['Cluster · L3 8 MiB', 'Cluster · L3 16 MiB'],
    cells: 20,
    devices: [],
  },
  hybrid: { titles: ['Cluster · L2 2 MiB', 'Cluster · L2 2 MiB'], cells: 14, devices: [] },
};
for (const [name, { titles, cells, devices }] of Object.entries(recorded)) {
  test(`${name} is drawn whole`, { skip: noMachines }, async () => {
    const document = await machines[name as keyof typeof machines]();
    const box = boxesOf(document)!;
    assert.deepEqual(
      box.boxes.map(({ title }) => title),
      titles,
    );
    assert.equal(cellsIn(box), cells);
    assert.equal(cells, document.cpu?.cores, 'a cell for each core');
    const drawn = deviceNames(box);
    for (const device of devices) assert.ok(drawn.includes(device), `${device} in ${drawn}`);
    assert.equal(drawn.filter((d) => d.startsWith('gpu ')).length, document.gpus.length);
  });
}

test('GPUs stand beside their NUMA node', { skip: noMachines }, async () => {
  const box = boxesOf(await machines['eight-gpus']())!;
  const gpus = box.boxes.map(({ devices }) => devices.filter(({ kind }) => kind === 'gpu').length);
  assert.deepEqual(gpus, [4, 4]);
});

test('the caches of a core that shares them with no other are in its cell', {
  skip: noMachines,
}, async () => {
  const box = boxesOf(await machines.mig())!.boxes[1]!;
  assert.deepEqual(
    box.cells.map(({ caches }) => caches.map(({ label }) => label)),
    [['L3 4 MiB', 'L2 1 MiB', 'L1d 16 KiB']],
  );
});
