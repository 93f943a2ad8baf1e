import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { formatIdList } from '../../src/inventory/cpu-set.ts';
import { type Fact, fact, unknown } from '../../src/inventory/fact.ts';
import { found } from '../../src/inventory/inventory.ts';
import { defineProbe, type Probe } from '../../src/inventory/probe.ts';
import { memoryProbe } from '../../src/inventory/probes/memory.ts';
import { registry } from '../../src/inventory/registry.ts';
import { takeInventory } from '../../src/inventory/take-inventory.ts';
import { memoryReserve, toNode } from '../../src/inventory/to-node.ts';
import type { NodeId } from '../../src/model/ids.ts';
import { type HostContent, memoryHost } from './memory-host.ts';

const id = 'here' as NodeId;
const GiB = 2 ** 30;

const outcome = (name: string, read: Probe['read']) => defineProbe({ name, cost: 'fast', read });

test('a probe that throws, rejects or fails does not hide the others', async () => {
  const probes = [
    outcome('throws', () => {
      throw new TypeError('boom');
    }),
    outcome('rejects', () => Promise.reject(new Error('later'))),
    outcome('fails', () => ({ kind: 'failed', problem: { kind: 'denied', detail: 'no' } })),
    memoryProbe,
  ];
  const host = memoryHost({ files: { '/proc/meminfo': 'MemTotal: 1024 kB\n' } });
  const inventory = await takeInventory(host, probes);
  const kinds = Object.entries(inventory.outcomes).map(([name, o]) => [name, o.kind]);
  assert.deepEqual(kinds, [
    ['throws', 'failed'],
    ['rejects', 'failed'],
    ['fails', 'failed'],
    ['memory', 'found'],
  ]);
  assert.deepEqual(inventory.confidence.failedProbes, ['fails', 'rejects', 'throws']);
  assert.deepEqual(found(inventory.outcomes.memory)?.totalBytes, fact(2 ** 20, 'kernel'));
});

test('every probe is in the registry once, and the registry has no other', () => {
  const folder = join(import.meta.dirname, '../../src/inventory/probes');
  const files = globSync(`${folder}/*.ts`).filter((file) =>
    /defineProbe[<(]/.test(readFileSync(file, 'utf8')),
  );
  const names = registry.map((probe) => probe.name);
  assert.deepEqual([...names].sort(), files.map((file) => basename(file, '.ts')).sort());
});

test('an empty host has no topology, no GPUs and nothing invented', async () => {
  const host = memoryHost({});
  const inventory = await takeInventory(host, registry);
  assert.equal(inventory.topology, undefined);
  assert.deepEqual(inventory.gpus, []);
  assert.equal(inventory.limits.memoryBytes.known, false);
  assert.equal(inventory.limits.cpuMilli.known, false);
  assert.equal(inventory.outcomes.memory?.kind, 'failed');
  const node = toNode(inventory, id);
  assert.deepEqual([node.cpu, node.memory, node.gpus, node.labels], [0, 0, [], {}]);
  assert.ok(inventory.checks.every((check) => check.status === 'not-checked'));
});

test('fields are counted by where they are from; what the host does not have is in no share', async () => {
  const value: Record<string, Fact<number> | readonly Fact<number>[]> = {
    a: fact(1, 'measured'),
    b: [fact(2, 'kernel'), fact(3, 'driver'), fact(4, 'firmware')],
    c: fact(5, 'datasheet'),
    d: fact(6, 'estimated'),
    e: unknown('denied'),
    f: unknown('absent'),
  };
  const probe = outcome('fields', () => ({ kind: 'found', value: { deep: value }, problems: [] }));
  const { confidence } = await takeInventory(memoryHost({}), [probe]);
  assert.deepEqual(confidence, {
    measured: 1,
    told: 3,
    estimated: 2,
    unknown: 1,
    absent: 1,
    failedProbes: [],
    knownBp: 8571,
  });
});

const cpu = '/sys/devices/system/cpu';
/** Four CPUs of one package in two nodes, 8 GiB. */
const four: HostContent = {
  files: {
    '/proc/meminfo': `MemTotal: ${8 * 1024 * 1024} kB\n`,
    '/proc/self/status': 'Cpus_allowed_list:\t0-3\n',
    [`${cpu}/online`]: '0-3\n',
    ...Object.fromEntries(
      [0, 1, 2, 3].flatMap((n) => [
        [`${cpu}/cpu${n}/topology/core_cpus`, (1 << n).toString(16)],
        [`${cpu}/cpu${n}/topology/package_cpus`, 'f'],
      ]),
    ),
    '/sys/devices/system/node/online': '0-1\n',
    '/sys/devices/system/node/node0/cpumap': '3\n',
    '/sys/devices/system/node/node0/meminfo': `Node 0 MemTotal: ${6 * 1024 * 1024} kB\n`,
    '/sys/devices/system/node/node0/distance': '10 20\n',
    '/sys/devices/system/node/node1/cpumap': 'c\n',
    '/sys/devices/system/node/node1/meminfo': `Node 1 MemTotal: ${2 * 1024 * 1024} kB\n`,
    '/sys/devices/system/node/node1/distance': '20 10\n',
  },
};
const with_ = (files: Record<string, string>): HostContent => ({
  files: { ...four.files, ...files },
});
const v2 = {
  '/proc/self/mountinfo': '30 1 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n',
  '/proc/self/cgroup': '0::/a/b\n',
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu memory pids\n',
  '/sys/fs/cgroup/a/b/cgroup.procs': '',
};
const v1 = {
  '/proc/self/mountinfo':
    '30 1 0:27 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n31 1 0:28 / /cg/mem rw - cgroup cgroup rw,memory\n32 1 0:29 / /cg/set rw - cgroup cgroup rw,cpuset\n',
  '/proc/self/cgroup': '3:cpuset:/j\n2:cpu,cpuacct:/j\n1:memory:/j\n',
};

const limits: Record<
  string,
  { host: HostContent; milli: number; cpus: string; bytes: number; by: [string, string] }
> = {
  'nothing limits': { host: four, milli: 4000, cpus: '0-3', bytes: 8 * GiB, by: ['host', 'host'] },
  'a quota of our cgroup': {
    host: with_({ ...v2, '/sys/fs/cgroup/a/b/cpu.max': '150000 100000\n' }),
    milli: 1500,
    cpus: '0-3',
    bytes: 8 * GiB,
    by: ['quota', 'host'],
  },
  'a quota further up': {
    host: with_({
      ...v2,
      '/sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/a/cpu.max': '50000 100000\n',
    }),
    milli: 500,
    cpus: '0-3',
    bytes: 8 * GiB,
    by: ['quota', 'host'],
  },
  'a quota above what there is does not bind': {
    host: with_({ ...v2, '/sys/fs/cgroup/a/b/cpu.max': '900000 100000\n' }),
    milli: 4000,
    cpus: '0-3',
    bytes: 8 * GiB,
    by: ['host', 'host'],
  },
  'memory.max, the least on the way up': {
    host: with_({
      ...v2,
      '/sys/fs/cgroup/a/b/memory.max': `${4 * GiB}\n`,
      '/sys/fs/cgroup/a/memory.max': `${GiB}\n`,
    }),
    milli: 4000,
    cpus: '0-3',
    bytes: GiB,
    by: ['host', 'cgroup'],
  },
  'a cpuset, and with it the memory of its nodes': {
    host: with_({
      ...v2,
      '/sys/fs/cgroup/a/b/cpuset.cpus.effective': '2-3\n',
      '/sys/fs/cgroup/a/b/cpuset.mems.effective': '1\n',
    }),
    milli: 2000,
    cpus: '2-3',
    bytes: 2 * GiB,
    by: ['cpuset', 'memory-nodes'],
  },
  'an affinity': {
    host: with_({ '/proc/self/status': 'Cpus_allowed_list:\t1\n' }),
    milli: 1000,
    cpus: '1',
    bytes: 8 * GiB,
    by: ['affinity', 'host'],
  },
  'cgroup version 1': {
    host: with_({
      ...v1,
      '/cg/cpu/j/cpu.cfs_quota_us': '250000\n',
      '/cg/cpu/j/cpu.cfs_period_us': '100000\n',
      '/cg/mem/j/memory.limit_in_bytes': `${3 * GiB}\n`,
      '/cg/set/j/cpuset.cpus': '0-2\n',
    }),
    milli: 2500,
    cpus: '0-2',
    bytes: 3 * GiB,
    by: ['quota', 'cgroup'],
  },
  'version 1 writes no limit as a huge number and −1': {
    host: with_({
      ...v1,
      '/cg/cpu/j/cpu.cfs_quota_us': '-1\n',
      '/cg/cpu/j/cpu.cfs_period_us': '100000\n',
      '/cg/mem/j/memory.limit_in_bytes': '9223372036854771712\n',
    }),
    milli: 4000,
    cpus: '0-3',
    bytes: 8 * GiB,
    by: ['host', 'host'],
  },
  'a container that was given a part of the tree': {
    host: with_({
      ...v2,
      '/proc/self/mountinfo': '30 1 0:27 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
      '/proc/self/cgroup': '0::/docker/x\n',
      '/sys/fs/cgroup/memory.max': `${2 * GiB}\n`,
    }),
    milli: 4000,
    cpus: '0-3',
    bytes: 2 * GiB,
    by: ['host', 'cgroup'],
  },
};
for (const [name, tc] of Object.entries(limits)) {
  test(`what may be used when: ${name}`, async () => {
    const inventory = await takeInventory(memoryHost(tc.host), registry);
    const l = inventory.limits;
    assert.ok(l.cpus.known);
    assert.equal(formatIdList(l.cpus.value), tc.cpus);
    assert.deepEqual(l.cpuMilli, fact(tc.milli, 'kernel'));
    assert.deepEqual(l.memoryBytes, fact(tc.bytes, 'kernel'));
    assert.deepEqual([l.cpuBoundBy, l.memoryBoundBy], tc.by);
    const node = toNode(inventory, id);
    assert.equal(node.cpu, tc.milli);
    assert.equal(node.memory, tc.bytes - memoryReserve(tc.bytes));
  });
}

test('the reserve is a twentieth, at most 1 GiB', () => {
  assert.deepEqual([0, 20, 2 * GiB, 200 * GiB].map(memoryReserve), [
    0,
    1,
    Math.ceil((2 * GiB) / 20),
    GiB,
  ]);
});

const disagreements: Record<
  string,
  { files: Record<string, string>; name: RegExp; detail: RegExp }
> = {
  'nodes with less memory than the whole': {
    files: { '/sys/devices/system/node/node1/meminfo': 'Node 1 MemTotal: 1024 kB\n' },
    name: /memory of all NUMA nodes/,
    detail: /nodes 6443499520 bytes, total 8589934592 bytes/,
  },
  'more processors listed than online': {
    files: { '/proc/cpuinfo': 'processor : 0\n\nprocessor : 1\n' },
    name: /processors in \/proc\/cpuinfo/,
    detail: /\/sys 4, \/proc\/cpuinfo 2/,
  },
  'a CPU in no node': {
    files: { '/sys/devices/system/node/node1/cpumap': '4\n' },
    name: /CPUs of all NUMA nodes/,
    detail: /nodes 0-2, online 0-3/,
  },
  'huge pages that are on no node': {
    files: {
      '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': '9\n',
      '/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages': '4\n',
    },
    name: /huge pages/,
    detail: /2097152 bytes/,
  },
  'a node nearer to another than to itself': {
    files: { '/sys/devices/system/node/node0/distance': '20 10\n' },
    name: /nearest to itself/,
    detail: /not node 0/,
  },
};
for (const [name, tc] of Object.entries(disagreements)) {
  test(`sources disagree: ${name}`, async () => {
    const { checks } = await takeInventory(memoryHost(with_(tc.files)), registry);
    const wrong = checks.filter((check) => check.status === 'disagrees');
    assert.equal(wrong.length, 1, JSON.stringify(wrong));
    assert.match(wrong[0]!.name, tc.name);
    assert.match(wrong[0]!.detail, tc.detail);
  });
}

test('sources agree on a sound host', async () => {
  const { checks } = await takeInventory(memoryHost(four), registry);
  assert.deepEqual(
    checks.filter((check) => check.status === 'disagrees'),
    [],
  );
  assert.ok(checks.filter((check) => check.status === 'agrees').length >= 4);
});
