import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildTopology, type TopologyParts } from '../../src/inventory/build-topology.ts';
import { countIo, countTopology } from '../../src/inventory/count-topology.ts';
import {
  EMPTY_SET,
  idsOf,
  includes,
  intersects,
  setOf,
  union,
} from '../../src/inventory/cpu-set.ts';
import type { CpuThread } from '../../src/inventory/cpu-threads.ts';
import { fact, unknown } from '../../src/inventory/fact.ts';
import { bestGpuSet } from '../../src/inventory/gpu-sets.ts';
import { parsePciAddress } from '../../src/inventory/parsers/pci.ts';
import type { NumaNode } from '../../src/inventory/probes/numa.ts';
import type { OsDevice } from '../../src/inventory/probes/os-devices.ts';
import type { PciDevice } from '../../src/inventory/probes/pci.ts';
import type { GpuLink, Topology } from '../../src/inventory/topology.ts';
import {
  coresNearest,
  findDevice,
  linkBetween,
  localMemory,
  nodesNear,
  numaOf,
} from '../../src/inventory/topology-queries.ts';

function thread(id: number, sets: Partial<CpuThread>): CpuThread {
  const none = {
    coreNumber: undefined,
    packageNumber: undefined,
    core: undefined,
    cluster: undefined,
  };
  return {
    ...none,
    die: undefined,
    package: undefined,
    book: undefined,
    drawer: undefined,
    ...sets,
    id,
  };
}

function node(id: number, cpus: readonly number[], distances: readonly number[]): NumaNode {
  return {
    id,
    cpus: setOf(cpus),
    nearestCpus: setOf(cpus),
    totalBytes: fact(2 ** 30, 'kernel'),
    freeBytes: unknown('not-reported'),
    kind: cpus.length === 0 ? 'memory' : 'cpu',
    gpu: undefined,
    distances: fact(distances, 'kernel'),
    memorySideCaches: [],
  };
}

function pci(address: string, more: Partial<PciDevice> = {}): PciDevice {
  const none = unknown('not-reported');
  return {
    address,
    place: parsePciAddress(address)!,
    class: fact(0x030200, 'kernel'),
    vendorId: fact(0x10de, 'kernel'),
    deviceId: none,
    subsystemVendorId: none,
    subsystemDeviceId: none,
    driver: none,
    parent: undefined,
    bridge: undefined,
    isUnnumberedBridge: false,
    numaNode: none,
    localCpus: EMPTY_SET,
    link: none,
    maxLink: none,
    physicalFunction: undefined,
    virtualFunctions: none,
    ...more,
  };
}

const bridge = (address: string, secondary: number, subordinate: number, parent?: string) =>
  pci(address, { class: fact(0x060400, 'kernel'), bridge: { secondary, subordinate }, parent });

function build(parts: Partial<TopologyParts>): Topology {
  return buildTopology({
    threads: [],
    caches: [],
    nodes: [],
    allNodes: (parts.nodes ?? []).map((n) => n.id),
    memoryBytes: unknown('not-reported'),
    pci: [],
    devices: [],
    links: [],
    allowedCpus: undefined,
    allowedNodes: undefined,
    ...parts,
  });
}

/**
 * Two packages of two cores with two threads (0,4 · 1,5 | 2,6 · 3,7), a node each and one node without
 * CPUs near the second. GPUs a1, a2 behind one switch of package 0, b1 behind its own bridge there, c1
 * on package 1. Device `nic` hangs on c1's host bridge.
 */
function two(links: readonly GpuLink[] = []): Topology {
  const left = setOf([0, 1, 4, 5]);
  const right = setOf([2, 3, 6, 7]);
  const threads = Array.from({ length: 8 }, (_, id) =>
    thread(id, {
      core: setOf([id % 4, (id % 4) + 4]),
      package: includes(left, setOf([id])) ? left : right,
    }),
  );
  const nodes = [
    node(0, idsOf(left), [10, 21, 28]),
    node(1, idsOf(right), [21, 10, 17]),
    { ...node(4, [], [28, 17, 10]), nearestCpus: right },
  ];
  const far = { localCpus: right, numaNode: fact(1, 'kernel') } as const;
  const near = { localCpus: left, numaNode: fact(0, 'kernel') } as const;
  const devices: OsDevice[] = [
    {
      kind: 'net',
      name: 'nic',
      pci: '0000:80:02.0',
      numaNode: undefined,
      isUsb: false,
      path: '/x',
    },
  ];
  return build({
    threads,
    nodes,
    links,
    devices,
    pci: [
      { ...bridge('0000:00:01.0', 1, 5), ...near },
      { ...bridge('0000:01:00.0', 2, 5, '0000:00:01.0'), ...near },
      { ...bridge('0000:02:00.0', 3, 3, '0000:01:00.0'), ...near },
      { ...bridge('0000:02:01.0', 4, 4, '0000:01:00.0'), ...near },
      pci('0000:03:00.0', { parent: '0000:02:00.0', ...near }),
      pci('0000:04:00.0', { parent: '0000:02:01.0', ...near }),
      { ...bridge('0000:00:02.0', 6, 6), ...near },
      pci('0000:06:00.0', { parent: '0000:00:02.0', ...near }),
      pci('0000:80:01.0', far),
      pci('0000:80:02.0', { ...far, class: fact(0x020000, 'kernel') }),
    ],
  });
}
const [a1, a2, b1, c1] = ['0000:03:00.0', '0000:04:00.0', '0000:06:00.0', '0000:80:01.0'] as const;

test('every vertex is below its parent, and its CPUs are among the parent’s', () => {
  const { vertices } = two();
  for (const [place, v] of vertices.entries()) {
    if (v.parent === undefined) assert.equal(place, 0);
    else {
      assert.ok(v.parent < place);
      assert.ok(vertices[v.parent]!.children.includes(place));
      assert.ok(includes(vertices[0]!.cpus, v.cpus));
    }
  }
  assert.equal(new Set(vertices.map((v) => v.id)).size, vertices.length);
});

test('a device is found by its id, any spelling of its address, or its name', () => {
  const t = two();
  for (const name of ['pci:0000:03:00.0', '00000000:03:00.0', '0000:03:00.0', '03:00.0']) {
    assert.equal(findDevice(t, name)?.pci?.address, a1, name);
  }
  assert.equal(findDevice(t, 'nic')?.kind, 'os-device');
  assert.equal(findDevice(t, 'other'), undefined);
});

test('a device is on the node that the firmware says, also one known by its driver only', () => {
  const t = two();
  assert.deepEqual(
    [a1, c1, 'nic', 'other'].map((d) => numaOf(t, d)),
    [0, 1, 1, undefined],
  );
});

test('the nearest threads are those of the device’s node, whole cores first', () => {
  const t = two();
  assert.deepEqual(coresNearest(t, c1, 4), [2, 6, 3, 7]);
  assert.deepEqual(coresNearest(t, a1, 6), [0, 4, 1, 5, 2, 6]);
  assert.deepEqual(coresNearest(t, 'nic', 1), [2]);
  assert.deepEqual(coresNearest(t, 'other', 1), []);
});

test('memory is listed by distance; the node without CPUs comes after those with', () => {
  const t = two();
  const order = (cpus: readonly number[]) =>
    localMemory(t, setOf(cpus)).map((m) => [m.node, m.distance]);
  assert.deepEqual(order([2]), [
    [1, 10],
    [4, 17],
    [0, 21],
  ]);
  assert.deepEqual(order([0]), [
    [0, 10],
    [1, 21],
    [4, 28],
  ]);
  assert.deepEqual(order([0, 2]), [
    [0, 10],
    [1, 10],
    [4, 17],
  ]);
  assert.deepEqual(nodesNear(t, setOf([3])), [1, 4]);
});

const treeLinks: Record<string, { a: string; b: string; want: string | undefined }> = {
  'behind one switch': { a: a1, b: a2, want: 'PIX' },
  'under one host bridge': { a: a1, b: b1, want: 'PHB' },
  'on two packages': { a: a1, b: c1, want: 'SYS' },
  'two functions of one root bus': { a: c1, b: '0000:80:02.0', want: 'PHB' },
  itself: { a: a1, b: a1, want: undefined },
  'one that is not there': { a: a1, b: '0000:ff:00.0', want: undefined },
};
for (const [name, tc] of Object.entries(treeLinks)) {
  test(`the way between devices ${name}, from the PCI tree`, () => {
    assert.equal(linkBetween(two(), tc.a, tc.b)?.kind, tc.want);
  });
}

test('several switches in a row are PXB, and host bridges of one node are NODE', () => {
  const threads = [thread(0, {})];
  const t = build({
    threads,
    nodes: [node(0, [0], [10])],
    pci: [
      bridge('0000:00:01.0', 1, 9),
      bridge('0000:01:00.0', 2, 9, '0000:00:01.0'),
      bridge('0000:02:00.0', 3, 5, '0000:01:00.0'),
      bridge('0000:03:00.0', 4, 5, '0000:02:00.0'),
      bridge('0000:04:00.0', 5, 5, '0000:03:00.0'),
      pci('0000:05:00.0', { parent: '0000:04:00.0' }),
      bridge('0000:02:01.0', 6, 6, '0000:01:00.0'),
      pci('0000:06:00.0', { parent: '0000:02:01.0' }),
      pci('0000:80:00.0'),
    ],
  });
  assert.equal(linkBetween(t, '0000:05:00.0', '0000:06:00.0')?.kind, 'PXB');
  assert.equal(linkBetween(t, '0000:05:00.0', '0000:80:00.0')?.kind, 'NODE');
});

test('what the driver tells goes before the tree, whichever end is named first', () => {
  const t = two([{ between: [c1, a1], kind: 'NV', lanes: 12 }]);
  assert.deepEqual(linkBetween(t, a1, c1), { between: [c1, a1], kind: 'NV', lanes: 12 });
});

test('the best GPUs are behind one switch, then near, and NVLink beats all', () => {
  const all = [c1, a1, b1, a2];
  assert.deepEqual(bestGpuSet(two(), all, 2), [a1, a2]);
  assert.deepEqual(bestGpuSet(two(), all, 3), [a1, b1, a2]);
  assert.deepEqual(bestGpuSet(two([{ between: [a1, c1], kind: 'NV', lanes: 4 }]), all, 2), [
    c1,
    a1,
  ]);
  assert.deepEqual(bestGpuSet(two(), all, 1), [c1]);
  assert.equal(bestGpuSet(two(), all, 5), undefined);
  assert.equal(bestGpuSet(two(), all, 0), undefined);
});

test('no other set has a better weakest pair than the chosen one, and the greedy choice has k different', () => {
  const worth = { NV: 25, PIX: 20, PXB: 18, PHB: 14, NODE: 12, SYS: 8 };
  const kinds = ['NV', 'PIX', 'PXB', 'PHB', 'NODE', 'SYS'] as const;
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom(...kinds), { minLength: 15, maxLength: 15 }),
      (n, k, drawn) => {
        const names = Array.from({ length: n }, (_, i) => `0000:0${i}:00.0`);
        const links: GpuLink[] = [];
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < i; j++) {
            links.push({ between: [names[i]!, names[j]!], kind: drawn[links.length]!, lanes: 1 });
          }
        }
        const t = build({ threads: [thread(0, {})], pci: names.map((name) => pci(name)), links });
        const chosen = bestGpuSet(t, names, k);
        if (k > n) return assert.equal(chosen, undefined);
        const weakest = (set: readonly string[]) =>
          Math.min(
            ...set.flatMap((a, i) =>
              set.slice(i + 1).map((b) => worth[linkBetween(t, a, b)!.kind]),
            ),
          );
        const subsets = (from: number, size: number): string[][] =>
          size === 0
            ? [[]]
            : names
                .slice(from)
                .flatMap((name, i) =>
                  subsets(from + i + 1, size - 1).map((rest) => [name, ...rest]),
                );
        assert.equal(weakest(chosen!), Math.max(...subsets(0, k).map(weakest)));
      },
    ),
    { numRuns: 60 },
  );
});

test('of many GPUs a good set is found without looking at all', { timeout: 20_000 }, () => {
  const names = Array.from(
    { length: 40 },
    (_, i) => `0000:${i.toString(16).padStart(2, '0')}:00.0`,
  );
  const links: GpuLink[] = [];
  for (let i = 32; i < 40; i++) {
    for (let j = 32; j < i; j++)
      links.push({ between: [names[i]!, names[j]!], kind: 'NV', lanes: 18 });
  }
  const t = build({ threads: [thread(0, {})], pci: names.map((name) => pci(name)), links });
  assert.deepEqual(bestGpuSet(t, names, 8), names.slice(32));
});

test('sets that overlap without inclusion leave the later one out, and say so', () => {
  const t = build({
    threads: [
      thread(0, { package: setOf([0, 1]) }),
      thread(1, { package: setOf([1, 2]) }),
      thread(2, { package: setOf([1, 2]) }),
    ],
  });
  assert.deepEqual(countTopology(t), {
    packages: 1,
    numaNodes: 1,
    cores: 0,
    threads: 3,
    caches: [],
  });
  assert.match(t.problems.join(), /package of CPU 1 is left out/);
});

test('a node that spans two packages of four hangs on a group of its own', () => {
  const threads = [0, 1, 2, 3].map((id) => thread(id, { package: setOf([id]) }));
  const t = build({ threads, nodes: [node(0, [0, 1], [10, 20]), node(1, [2, 3], [20, 10])] });
  const parents = t.vertices
    .filter((v) => v.kind === 'memory')
    .map((v) => t.vertices[v.parent!]!.kind);
  assert.deepEqual(parents, ['group', 'group']);
});

test('a cpuset that leaves nothing is a misreading, and is passed over', () => {
  const t = build({ threads: [thread(0, {})], allowedCpus: setOf([7]), allowedNodes: setOf([9]) });
  assert.equal(countTopology(t).threads, 1);
  assert.equal(countTopology(t).numaNodes, 1);
});

test('I/O that nobody places work by is not counted as important', () => {
  const device = (kind: OsDevice['kind'], name: string, isUsb = false): OsDevice => ({
    kind,
    name,
    pci: undefined,
    numaNode: undefined,
    isUsb,
    path: '/x',
  });
  const t = build({
    threads: [thread(0, {})],
    pci: [
      bridge('0000:00:01.0', 1, 1),
      pci('0000:01:00.0', { parent: '0000:00:01.0', class: fact(0x0c0330, 'kernel') }),
      pci('0000:00:02.0', { class: fact(0x010802, 'kernel') }),
      pci('0000:00:03.0', { class: unknown('denied') }),
    ],
    devices: [
      device('net', 'eth0'),
      device('gpu', 'card0'),
      device('dma', 'd'),
      device('block', 'sda', true),
    ],
  });
  assert.deepEqual(countIo(t, 'all'), { bridges: 2, pciDevices: 3, osDevices: 4 });
  assert.deepEqual(countIo(t, 'important'), { bridges: 1, pciDevices: 2, osDevices: 1 });
});

test('whatever the sets, threads are kept, sets nest, and nothing throws', () => {
  const some = fc.uniqueArray(fc.nat(15), { minLength: 1, maxLength: 16 }).map(setOf);
  const parts = fc.array(
    fc.record({ core: some, package: some, die: some, cluster: some }, { requiredKeys: [] }),
    { minLength: 16, maxLength: 16 },
  );
  fc.assert(
    fc.property(parts, fc.array(some, { maxLength: 4 }), (sets, nodes) => {
      const threads = sets.map((s, id) => thread(id, s));
      const t = build({ threads, nodes: nodes.map((cpus, i) => node(i, idsOf(cpus), [])) });
      const counts = countTopology(t);
      assert.equal(counts.threads, 16);
      assert.equal(counts.numaNodes, Math.max(1, nodes.length));
      for (const v of t.vertices) {
        const below = v.children.map((i) => t.vertices[i]!).filter((c) => c.kind !== 'memory');
        let seen = EMPTY_SET;
        for (const child of below) {
          assert.ok(includes(v.cpus, child.cpus));
          assert.ok(!intersects(seen, child.cpus));
          seen = union(seen, child.cpus);
        }
      }
    }),
  );
});
