import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { countTopology } from '../../src/inventory/count-topology.ts';
import { fact, unknown } from '../../src/inventory/fact.ts';
import type { Gpu } from '../../src/inventory/gpu.ts';
import type { Inventory } from '../../src/inventory/inventory.ts';
import { inventoryDocument } from '../../src/inventory/inventory-document.ts';
import { inventoryJsonSchema, inventorySchema } from '../../src/inventory/inventory-schema.ts';
import { openHostReader } from '../../src/inventory/io/host-reader.ts';
import { plain, snakeCase } from '../../src/inventory/plain-document.ts';
import { gpuTier, poolsOf } from '../../src/inventory/pools.ts';
import { registry } from '../../src/inventory/registry.ts';
import { renderInventory } from '../../src/inventory/render-inventory.ts';
import { takeInventory } from '../../src/inventory/take-inventory.ts';
import { drawTree, line } from '../../src/inventory/text-tree.ts';
import { toDot } from '../../src/inventory/to-dot.ts';
import { toNode } from '../../src/inventory/to-node.ts';
import { unknownGpu } from '../../src/inventory/unknown-gpu.ts';
import type { NodeId } from '../../src/model/ids.ts';
import { dataFolder, unpackTree } from './fixtures.ts';
import { memoryHost } from './memory-host.ts';

const folder = dataFolder('hosts/hwloc');
const archives = folder === undefined ? [] : globSync(`${folder}/*.tar.gz`).sort();
const archive = (name: string) => archives.find((a) => basename(a, '.tar.gz') === name)!;
const skip = folder === undefined && 'no data folder';

const taken = new Map<string, Promise<Inventory>>();
function inventoryOf(file: string): Promise<Inventory> {
  const known = taken.get(file);
  if (known !== undefined) return known;
  const made = takeInventory(openHostReader({ sysroot: unpackTree(file) }), registry);
  taken.set(file, made);
  return made;
}

for (const file of archives) {
  test(`${basename(file, '.tar.gz')}: the document fits its schema and the counts`, {
    timeout: 60_000,
  }, async () => {
    const inventory = await inventoryOf(file);
    const document = inventorySchema.parse(inventoryDocument(inventory));
    const counts = countTopology(inventory.topology!);
    assert.equal(document.cpu!.packages, counts.packages);
    assert.equal(document.cpu!.threads, counts.threads);
    assert.equal(document.cpu!.numa_nodes.length, counts.numaNodes);
    assert.equal(
      document.cpu!.caches.length,
      counts.caches.reduce((sum, cache) => sum + cache.count, 0),
    );
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document, 'nothing is lost in JSON');
    assert.ok(renderInventory(inventory).split('\n').length > 5);
    assert.ok(toDot(inventory).startsWith('graph inventory {'));
  });
}

test('the document is a JSON Schema too', () => {
  const schema = inventoryJsonSchema() as {
    properties: Record<string, unknown>;
    required: string[];
  };
  assert.deepEqual(schema.required.sort(), [
    'confidence',
    'cpu',
    'devices',
    'gpus',
    'host',
    'limits',
    'memory',
    'network',
    'pools',
    'probes',
    'storage',
    'topology',
  ]);
});

test('an empty host has a document: nothing known, nothing invented', async () => {
  const document = inventorySchema.parse(
    inventoryDocument(await takeInventory(memoryHost({}), registry)),
  );
  assert.equal(document.cpu, null);
  assert.equal(document.memory, null);
  assert.equal(document.topology, null);
  assert.deepEqual(document.gpus, []);
  assert.deepEqual(document.pools, []);
  assert.equal(document.limits.memory_bytes, null);
});

test('hybrid cores are told apart, slowest first', { skip }, async () => {
  const intel = inventoryDocument(await inventoryOf(archive('20em64t-hybrid-1p6c2t+2ca4co1t')))
    .cpu!;
  assert.deepEqual(
    intel.kinds.map((k) => [k.cpus.length, k.base_hertz, k.max_hertz]),
    [
      [8, 1_400_000_000, 3_900_000_000],
      [12, 1_900_000_000, 5_000_000_000],
    ],
  );
  assert.equal(intel.isa_level, 'x86-64-v3');
  assert.equal(intel.smt_active, true);
  const arm = inventoryDocument(await inventoryOf(archive('nvidia-dgx-gb10'))).cpu!;
  assert.deepEqual(
    arm.kinds.map((k) => [k.name, k.capacity, k.cpus]),
    [
      ['part 0xd87', 718, [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]],
      ['part 0xd85', 997, [5, 6, 7, 8, 9, 15, 16, 17, 18, 19]],
    ],
  );
  assert.equal(arm.isa_level, null);
});

test('offline CPUs, restricted cgroups and node distances are in it', { skip }, async () => {
  const offline = inventoryDocument(await inventoryOf(archive('16em64t-4s2c2t-offlines')));
  assert.deepEqual(offline.cpu!.offline, [2, 5, 13, 14]);
  assert.equal(offline.memory, null, 'the tree has no /proc/meminfo');
  assert.equal(offline.cpu!.numa_nodes[0]!.memory_bytes, 17_174_994_944);
  const grouped = inventoryDocument(await inventoryOf(archive('32amd64-4s2n4c-cgroup2')));
  assert.deepEqual(grouped.limits.cpus, [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(
    [grouped.limits.cpu_bound_by, grouped.limits.memory_bound_by],
    ['cpuset', 'memory-nodes'],
  );
  assert.equal(grouped.limits.cgroup_version, 'hybrid');
  assert.deepEqual(grouped.topology!.numa_distances![0], [10, 16, 16, 22, 16, 22]);
  assert.deepEqual(
    grouped.cpu!.numa_nodes.map((n) => n.cpus.length),
    [4, 2, 0, 0, 0, 0],
  );
});

test('the memory of GPUs is not given out as memory on POWER', { skip }, async () => {
  const inventory = await inventoryOf(archive('nvidiagpunumanodes'));
  const document = inventoryDocument(inventory);
  assert.deepEqual(
    document.cpu!.numa_nodes.map((n) => n.id),
    [0, 8],
  );
  const own = document.cpu!.numa_nodes.reduce((sum, n) => sum + n.memory_bytes!, 0);
  assert.equal(document.limits.memory_bytes, own);
  assert.ok(document.memory!.total_bytes! > own + 80 * 2 ** 30);
  assert.deepEqual(document.topology!.numa_distances, [
    [10, 40],
    [40, 10],
  ]);
});

test('facts become values with their source beside them, sets become lists', () => {
  assert.deepEqual(
    plain({
      aName: fact(1, 'kernel'),
      b: fact('x', 'kernel'),
      c: fact(5n, 'driver'),
      d: unknown('denied'),
      e: 3,
      f: [fact(true, 'measured')],
      g: undefined,
      h: Number.NaN,
    }),
    {
      a_name: 1,
      b: 'x',
      c: [0, 2],
      d: null,
      e: 3,
      f: [true],
      h: null,
      source: 'kernel',
      sources: { c: 'driver' },
      unknown: { d: 'denied' },
    },
  );
  assert.equal(snakeCase('block-devices'), 'block_devices');
});

const told = (gpu: Partial<Gpu>): Gpu => ({ ...unknownGpu('nvidia'), ...gpu });
const memoryOf = (bytes: number): Gpu['memory'] => ({
  ...unknownGpu('nvidia').memory,
  totalBytes: fact(bytes, 'driver'),
});

test('a node has the links between its GPUs, where all are whole and three or more', async () => {
  const empty = await takeInventory(memoryHost({}), registry);
  const addresses = ['0000:01:00.0', '0000:02:00.0', '0000:03:00.0'];
  const gpus = addresses.map((address, i) =>
    told({
      model: fact('A', 'driver'),
      uuid: fact(`GPU-${i}`, 'driver'),
      memory: memoryOf(80e9),
      pciAddress: fact(address, 'driver'),
    }),
  );
  const [a, b] = addresses as [string, string];
  const topology = {
    vertices: [],
    distances: undefined,
    problems: [],
    links: [{ between: [b, a] as const, kind: 'NV' as const, lanes: 4 }],
  };
  const linked = { ...empty, gpus, topology };
  assert.deepEqual(toNode(linked, 'n' as NodeId).links, [
    [0, 100, 0],
    [100, 0, 0],
    [0, 0, 0],
  ]);
  assert.equal(toNode({ ...linked, gpus: gpus.slice(1) }, 'n' as NodeId).links, undefined);
  const unplaced = [...gpus.slice(1), told({ ...gpus[0], pciAddress: unknown('not-reported') })];
  assert.equal(toNode({ ...linked, gpus: unplaced }, 'n' as NodeId).links, undefined);
});

test('GPUs that may be given out: whole ones, and the instances of those that are cut', async () => {
  const empty = await takeInventory(memoryHost({}), registry);
  const instance = {
    index: fact(0, 'driver'),
    gpuInstance: fact(1, 'driver'),
    computeInstance: fact(0, 'driver'),
    uuid: fact('MIG-1', 'driver'),
    profile: fact('3g.40gb', 'driver'),
    multiprocessors: unknown('not-reported'),
    memory: memoryOf(40e9),
    placement: fact({ start: 0, size: 4 }, 'driver'),
  } as const;
  const inventory: Inventory = {
    ...empty,
    gpus: [
      told({ model: fact('A', 'driver'), uuid: fact('GPU-1', 'driver'), memory: memoryOf(80e9) }),
      told({
        model: fact('B', 'driver'),
        uuid: fact('GPU-2', 'driver'),
        memory: memoryOf(80e9),
        mig: { enabled: fact(true, 'driver'), pending: fact(true, 'driver'), devices: [instance] },
      }),
      told({ model: fact('C', 'driver'), index: fact(2, 'driver'), memory: memoryOf(6e9) }),
      told({ model: fact('D', 'driver'), uuid: fact('GPU-4', 'driver') }),
    ],
  };
  assert.deepEqual(toNode(inventory, 'n' as NodeId).gpus, [
    { id: 'GPU-1', model: 'A', memory: 80e9 },
    {
      id: 'MIG-1',
      model: 'B MIG 3g.40gb',
      memory: 40e9,
      mig: { kind: 'instance', profile: '3g.40gb' },
    },
    { id: '2', model: 'C', memory: 6e9 },
  ]);
  assert.deepEqual(
    poolsOf(inventory).map((p) => (p.kind === 'gpu' ? [p.tier, p.gpus, p.sharing] : p.kind)),
    [
      ['training-high-end', ['GPU-1', 'MIG-1'], 'exclusive'],
      ['inference', ['2'], 'shared'],
    ],
  );
  const document = inventorySchema.parse(inventoryDocument(inventory));
  assert.deepEqual(document.gpus[1]!.mig, [
    {
      id: 'MIG-1',
      profile: '3g.40gb',
      memory_bytes: 40e9,
      gpu_instance: 1,
      compute_instance: 0,
      placement: { start: 0, size: 4 },
    },
  ]);
  assert.equal(document.gpus[0]!.source, 'driver');
  assert.equal(document.gpus[3]!.unknown!['memory_bytes'], 'not-reported');
});

test('tiers are by the makers’ gigabytes', () => {
  const MiB = 2 ** 20;
  assert.deepEqual([32510 * MiB, 15360 * MiB, 8192 * MiB, 6144 * MiB, 0].map(gpuTier), [
    'training-high-end',
    'training-mid-range',
    'training-entry',
    'inference',
    'inference',
  ]);
});

test('the tree for people of a machine with hybrid cores', { skip }, async () => {
  const text = renderInventory(await inventoryOf(archive('20em64t-hybrid-1p6c2t+2ca4co1t')));
  assert.match(
    text,
    /^vesubie · Linux 6\.1\.0-13-amd64\n├─ CPU: 13th Gen .* · 1 package, 14 cores, 20 threads, 1 NUMA node, x86-64-v3\n/,
  );
  assert.match(text, /│ {5}└─ Die \+ L3 24 MiB: CPUs 0-19\n/);
  assert.match(
    text,
    /├─ 6 × Cluster \+ L2 1\.3 MiB \+ L1d 48 KiB \+ L1i 32 KiB \+ core with 2 threads: CPUs 0-11\n/,
  );
  assert.match(text, /├─ GPUs: none that a driver tells\n/);
});

test('devices stand below the package that they are near to', { skip }, async () => {
  const text = renderInventory(await inventoryOf(archive('32em64t-2n8c+dax+nvme+mic+dimms')));
  const second = text.slice(text.indexOf('Package 1'));
  assert.match(second, /0000:82:00\.0 network 15b3:1003: net ib0, infiniband mlx4_0\n/);
  assert.match(
    text.slice(0, text.indexOf('Package 1')),
    /0000:00:02\.0 NVMe 8086:0953: block nvme0n1\n/,
  );
});

test('names from files cannot move the cursor or break the graph', async () => {
  assert.equal(drawTree(line('a\u001b[2J\n', [line('b\u202e')])), 'a\ufffd[2J\ufffd\n└─ b\ufffd\n');
  const host = memoryHost({
    files: {
      '/proc/cpuinfo': 'processor : 0\nvendor_id : X\nmodel name : Evil\u001b]0;x\u0007\n',
      '/sys/devices/system/cpu/online': '0',
      '/sys/devices/system/cpu/cpu0/topology/core_cpus': '1',
      '/sys/devices/pci0000:00/0000:00:01.0/net/a"b\\/x': '',
    },
    links: { '/sys/class/net/a"b\\': '/sys/devices/pci0000:00/0000:00:01.0/net/a"b\\' },
  });
  const inventory = await takeInventory(host, registry);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  assert.doesNotMatch(renderInventory(inventory), /[\u0000-\u0009\u000b-\u001f]/);
  assert.match(toDot(inventory), /"net:a\\"b\\\\" \[label="net a\\"b\\\\"/);
});
