import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { milliGpu } from '../../src/base/units.ts';
import { linkWorthOf } from '../../src/inventory/gpu-sets.ts';
import { linkKindOf } from '../../src/inventory/gpus.ts';
import { parseGpuTopology } from '../../src/inventory/parsers/nvidia-topo.ts';
import { LinkSets } from '../../src/scheduling/link-sets.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { node, resources } from '../builders/workload.ts';
import { noRecordings, recorded } from '../inventory/recorded.ts';

type Links = readonly (readonly number[])[];

/** All ways to choose so many of a list, the first devices first. */
function choices(from: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  return from.flatMap((first, i) =>
    choices(from.slice(i + 1), count - 1).map((rest) => [first, ...rest]),
  );
}

const sumOf = (links: Links, set: readonly number[]): number =>
  set.reduce((sum, a, i) => sum + set.slice(i + 1).reduce((s, b) => s + links[a]![b]!, 0), 0);

const drawn = fc
  .integer({ min: 2, max: 8 })
  .chain((count) =>
    fc.record({
      worths: fc.array(fc.constantFrom(8, 12, 14, 20, 25, 50), {
        minLength: count * count,
        maxLength: count * count,
      }),
      idle: fc.subarray([...Array(count).keys()], { minLength: 1 }),
      of: fc.nat(7),
      count: fc.constant(count),
    }),
  )
  .map(({ worths, idle, of, count }) => ({
    links: [...Array(count).keys()].map((a) =>
      [...Array(count).keys()].map((b) =>
        a === b ? 0 : worths[Math.min(a, b) * count + Math.max(a, b)]!,
      ),
    ),
    idle,
    wanted: 1 + (of % idle.length),
  }));

test('no set carries more, and of those that carry as much none leaves more behind', () => {
  fc.assert(
    fc.property(drawn, ({ links, idle, wanted }) => {
      const chosen = new LinkSets(links).best(idle, wanted);
      assert.equal(new Set(chosen).size, wanted);
      assert.ok(chosen.every((i) => idle.includes(i)));
      const all = choices(idle, wanted);
      const best = Math.max(...all.map((set) => sumOf(links, set)));
      assert.equal(sumOf(links, chosen), best);
      const leaves = (set: readonly number[]): number =>
        sumOf(
          links,
          idle.filter((i) => !set.includes(i)),
        );
      const equal = all.filter((set) => sumOf(links, set) === best);
      assert.equal(leaves(chosen), Math.max(...equal.map(leaves)));
    }),
    { numRuns: 300 },
  );
});

/** What each recorded machine gives for so many, with all its GPUs idle, and then again from the rest. */
const machines: Record<string, { take: number; first: number[]; next: number[] }[]> = {
  // Two quads in which everybody is linked; 0-3, 1-2 and 4-7, 5-6 by two NVLinks.
  'v100-sxm2-8gpu-hybrid-mesh.txt': [{ take: 4, first: [0, 1, 2, 3], next: [4, 5, 6, 7] }],
  // 1-2, 3-4 and 6-7 have a host bridge in common, and 6-7 are alone on their socket.
  'pcie-only-8gpu-2socket.txt': [
    { take: 4, first: [1, 2, 3, 4], next: [0, 5, 6, 7] },
    { take: 2, first: [6, 7], next: [1, 2] },
  ],
  'h100-8gpu-nvswitch-12nic.txt': [{ take: 2, first: [0, 1], next: [2, 3] }],
};
for (const [file, cases] of Object.entries(machines)) {
  test(`sets of GPUs of ${file}`, { skip: noRecordings }, () => {
    const links = linksIn(recorded(`nvidia-smi/topo/${file}`));
    for (const { take, first, next } of cases) {
      const table = new NodeTable();
      const row = table.join({ ...node('n', { gpus: links.length }), links });
      const gpu = milliGpu(take * 1000);
      for (const want of [first, next]) {
        const ids = table.chooseGpus(row, gpu).map(({ id }) => id);
        assert.deepEqual(
          ids,
          want.map((i) => `n-gpu${i}`),
        );
        table.take(row, resources({ gpu }), ids);
      }
    }
  });
}

test('the pair that is bridged goes to whoever needs two, and a third leaves the next pair whole', () => {
  const table = new NodeTable();
  const bridged = [
    [0, 3],
    [1, 2],
  ];
  const links = [0, 1, 2, 3].map((a) =>
    [0, 1, 2, 3].map((b) =>
      a === b ? 0 : bridged.some((pair) => pair.includes(a) && pair.includes(b)) ? 100 : 14,
    ),
  );
  const row = table.join({ ...node('n', { gpus: 4 }), links });
  const chosen = table.chooseGpus(row, milliGpu(2000)).map(({ id }) => id);
  table.take(row, resources({ gpu: 2000 }), chosen);
  const rest = table.chooseGpus(row, milliGpu(2000)).map(({ id }) => id);
  assert.deepEqual([chosen, rest].map((ids) => ids.join()).sort(), [
    'n-gpu0,n-gpu3',
    'n-gpu1,n-gpu2',
  ]);
});

function linksIn(text: string): number[][] {
  const { devices, pairs } = parseGpuTopology(text)!;
  const gpus = devices.filter(({ kind }) => kind === 'gpu').map(({ name }) => name);
  const links = gpus.map(() => gpus.map(() => 0));
  for (const { a, b, link } of pairs) {
    const [i, j] = [gpus.indexOf(a), gpus.indexOf(b)];
    if (i < 0 || j < 0) continue;
    const worth = linkWorthOf(linkKindOf(link));
    links[i]![j] = worth;
    links[j]![i] = worth;
  }
  return links;
}
