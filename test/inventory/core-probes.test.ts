import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatIdList, idsOf } from '../../src/inventory/cpu-set.ts';
import { fact, unknown } from '../../src/inventory/fact.ts';
import type { HostReader } from '../../src/inventory/host-reader.ts';
import { found } from '../../src/inventory/inventory.ts';
import { openHostReader } from '../../src/inventory/io/host-reader.ts';
import { plain } from '../../src/inventory/plain-document.ts';
import { registry } from '../../src/inventory/registry.ts';
import { takeInventory } from '../../src/inventory/take-inventory.ts';
import { dataFolder, unpackTree } from './fixtures.ts';
import { type HostContent, memoryHost } from './memory-host.ts';
import { unpackTtar } from './ttar.ts';

const data = dataFolder('hosts');
const skip = data === undefined && 'no data folder';
const outcomesOf = async (host: HostReader) => (await takeInventory(host, registry)).outcomes;
const tree = (name: string) =>
  openHostReader({ sysroot: unpackTree(`${data}/hwloc/${name}.tar.gz`) });
const under = (folder: string, prefix: string): Record<string, string> =>
  Object.fromEntries(
    globSync(`${folder}/**/*`, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`)
      .map((file) => [`${prefix}${file.slice(folder.length)}`, readFileSync(file, 'latin1')]),
  );
const ttar = (file: string, prefix: string): HostContent =>
  unpackTtar(readFileSync(`${data}/${file}`, 'latin1'), prefix);

test('huge pages by size and by node', { skip }, async () => {
  const valid = `${data}/misc/hugepages/testdata/valid`;
  const host = memoryHost({
    files: {
      ...under(`${valid}/node`, '/sys/devices/system/node'),
      ...under(`${valid}/mm/hugepages`, '/sys/kernel/mm/hugepages'),
      '/sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never\n',
      '/sys/kernel/mm/transparent_hugepage/defrag': 'always defer defer+madvise [never]',
    },
  });
  const pages = found((await outcomesOf(host)).hugepages)!;
  const table = (pools: typeof pages.pools) =>
    pools.map((p) => [p.pageBytes, p.total.known && p.total.value, p.free.known && p.free.value]);
  assert.deepEqual(table(pages.pools), [
    [2 ** 21, 2048, 883],
    [2 ** 30, 8, 0],
  ]);
  assert.deepEqual(
    pages.byNode.map((n) => n.node),
    [0, 1],
  );
  assert.deepEqual(
    table(pages.byNode[1]!.pools).map(([size, total]) => [size, total]),
    [
      [2 ** 21, 1024],
      [2 ** 30, 4],
    ],
  );
  assert.deepEqual(
    [pages.transparent, pages.transparentDefrag],
    [fact('madvise', 'kernel'), fact('never', 'kernel')],
  );
});

test('a cgroup of version 2', { skip }, async () => {
  const host = memoryHost({
    files: {
      ...under(`${data}/misc/cgroup/testdata/v2`, '/sys/fs/cgroup/x'),
      '/proc/self/mountinfo': '30 1 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
      '/proc/self/cgroup': '0::/x\n',
      '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu memory pids\n',
    },
  });
  const { source: _source, ...facts } = plain(found((await outcomesOf(host)).cgroup)) as Record<
    string,
    unknown
  >;
  const text = (file: string) =>
    readFileSync(`${data}/misc/cgroup/testdata/v2/${file}`, 'utf8').trim();
  assert.equal(facts['version'], 'v2');
  assert.equal(facts['path'], '/sys/fs/cgroup/x');
  assert.equal(String(facts['memory_bytes']), text('memory.max').replace('max', 'unlimited'));
  assert.equal(String(facts['swap_bytes']), text('memory.swap.max').replace('max', 'unlimited'));
  assert.equal(
    facts['cpu_milli'],
    Math.floor(
      (Number(text('cpu.max').split(' ')[0]) * 1000) / Number(text('cpu.max').split(' ')[1]),
    ),
  );
});

test('frequencies by policy, and by CPU on old kernels', { skip }, async () => {
  const spark = found((await outcomesOf(tree('nvidia-dgx-gb10'))).cpufreq)!;
  assert.equal(spark.policies.length, 20);
  const first = spark.policies[0]!;
  assert.deepEqual(
    [first.driver, first.governor, first.minHertz, first.maxHertz, first.baseHertz],
    [
      fact('cppc_cpufreq', 'kernel'),
      fact('performance', 'kernel'),
      fact(338_000_000, 'kernel'),
      fact(2_808_000_000, 'kernel'),
      unknown('absent'),
    ],
  );
  assert.deepEqual(spark.boost, fact(false, 'kernel'));
  const laptop = found((await outcomesOf(tree('20em64t-hybrid-1p6c2t+2ca4co1t'))).cpufreq)!;
  assert.deepEqual(laptop.policies[19]!.baseHertz, fact(1_400_000_000, 'kernel'));
  assert.deepEqual(laptop.policies[19]!.energyPreference, fact('balance_performance', 'kernel'));
  const old = found((await outcomesOf(tree('32amd64-4s2n4c-cgroup2'))).cpufreq)!;
  assert.equal(old.policies.length, 32);
  assert.deepEqual(idsOf(old.policies[31]!.cpus), [31]);
  assert.deepEqual(old.policies[31]!.driver, fact('powernow-k8', 'kernel'));
});

test('names of the machine and its kernel, and no hypervisor where the CPU has none', {
  skip,
}, async () => {
  const kernel = found((await outcomesOf(tree('20em64t-hybrid-1p6c2t+2ca4co1t'))).kernel)!;
  assert.deepEqual(kernel.hostName, fact('vesubie', 'kernel'));
  assert.deepEqual(kernel.kernelRelease, fact('6.1.0-13-amd64', 'kernel'));
  assert.deepEqual(kernel.product, fact('HP EliteBook 840 14 inch G10 Notebook PC', 'firmware'));
  assert.deepEqual(kernel.hypervisor, fact('none', 'kernel'));
  assert.deepEqual(kernel.container, unknown('not-reported'));
});

test('POWER9 with GPUs whose memory is NUMA nodes', { skip }, async () => {
  const nodes = found((await outcomesOf(tree('nvidiagpunumanodes'))).numa)!;
  assert.deepEqual(
    nodes.map((n) => [n.id, n.kind]),
    [
      [0, 'cpu'],
      [8, 'cpu'],
      [250, 'gpu'],
      [251, 'gpu'],
      [252, 'gpu'],
      [253, 'gpu'],
      [254, 'gpu'],
      [255, 'gpu'],
    ],
  );
  assert.equal(nodes[7]!.gpu, '0004:05:00.0');
  assert.deepEqual(nodes[0]!.totalBytes.known, true);
});

test('hosts of node_exporter: cores by their numbers, nodes by their lists', { skip }, async () => {
  const outcomes = await outcomesOf(memoryHost(ttar('node_exporter/sys.ttar', '')));
  const cpu = found(outcomes.cpu)!;
  assert.deepEqual(
    cpu.threads.map((t) => [t.id, t.coreNumber, t.packageNumber]),
    [
      [0, 0, 0],
      [1, 1, 0],
      [2, 0, 1],
      [3, 1, 1],
    ],
  );
  assert.equal(formatIdList(cpu.threads[3]!.package!), '2-3');
  assert.ok(cpu.isolated.known && formatIdList(cpu.isolated.value) === '1,3-5,9');
  const nodes = found(outcomes.numa)!;
  assert.deepEqual(
    nodes.map((n) => formatIdList(n.cpus)),
    ['0-1', '2-3', ''],
  );
  assert.equal(found(outcomes.pci)!.length, 3);
  const behind = found(outcomes.pci)!.find((d) => d.address === '0000:01:00.0')!;
  assert.equal(behind.parent, '0000:00:02.1');
  assert.deepEqual(behind.link, fact({ speed: 8e9, width: 4 }, 'kernel'));
  assert.deepEqual(behind.maxLink, fact({ speed: 16e9, width: 4 }, 'kernel'));
});

test('hosts of procfs: memory, limits, frequencies', { skip }, async () => {
  const content = ttar('procfs/fixtures.ttar', 'fixtures/');
  const limits = content.files!['/proc/26231/limits'];
  const outcomes = await outcomesOf(
    memoryHost({ ...content, files: { ...content.files, '/proc/self/limits': limits! } }),
  );
  const memory = found(outcomes.memory)!;
  assert.deepEqual(memory.totalBytes, fact(15_666_184 * 1024, 'kernel'));
  assert.deepEqual(memory.availableBytes, unknown('not-reported'));
  assert.deepEqual(found(outcomes.rlimits)!.openFiles, fact(2048, 'kernel'));
  assert.deepEqual(found(outcomes.rlimits)!.cpuSeconds, fact('unlimited', 'kernel'));
  assert.ok(found(outcomes.cpufreq)!.policies.length >= 1);
});

test('shares of cache and bandwidth that can be given out', async () => {
  const info = '/sys/fs/resctrl/info';
  const host = memoryHost({
    files: {
      [`${info}/L3/cbm_mask`]: 'fffff\n',
      [`${info}/L3/min_cbm_bits`]: '1\n',
      [`${info}/L3/num_closids`]: '16\n',
      [`${info}/MB/min_bandwidth`]: '10\n',
      [`${info}/MB/bandwidth_gran`]: '10\n',
      [`${info}/MB/num_closids`]: '8\n',
      [`${info}/L3_MON/num_rmids`]: '176\n',
      [`${info}/L3_MON/mon_features`]: 'llc_occupancy\nmbm_total_bytes\n',
      [`${info}/last_cmd_status`]: 'ok\n',
    },
  });
  const resctrl = found((await outcomesOf(host)).resctrl)!;
  assert.deepEqual(
    resctrl.resources.map((r) => [r.name, r.groupsMax]),
    [
      ['L3', fact(16, 'kernel')],
      ['MB', fact(8, 'kernel')],
    ],
  );
  assert.deepEqual(resctrl.resources[0]!.cacheMask, fact(0xfffff, 'kernel'));
  assert.deepEqual(resctrl.monitorFeatures, fact(['llc_occupancy', 'mbm_total_bytes'], 'kernel'));
});

test('idle states, shallowest first', async () => {
  const at = '/sys/devices/system/cpu/cpu0/cpuidle';
  const host = memoryHost({
    files: {
      '/sys/devices/system/cpu/cpuidle/current_driver': 'intel_idle\n',
      '/sys/devices/system/cpu/cpuidle/current_governor_ro': 'menu\n',
      ...Object.fromEntries(
        ['POLL', 'C1', 'C10'].flatMap((name, n) => [
          [`${at}/state${n}/name`, `${name}\n`],
          [`${at}/state${n}/latency`, `${n * 10}\n`],
          [`${at}/state${n}/disable`, n === 2 ? '1\n' : '0\n'],
        ]),
      ),
    },
  });
  const idle = found((await outcomesOf(host)).cpuidle)!;
  assert.deepEqual(
    idle.states.map((s) => [s.name, s.latencyMicroseconds, s.isDisabled, s.residencyMicroseconds]),
    [
      [fact('POLL', 'kernel'), fact(0, 'kernel'), fact(false, 'kernel'), unknown('absent')],
      [fact('C1', 'kernel'), fact(10, 'kernel'), fact(false, 'kernel'), unknown('absent')],
      [fact('C10', 'kernel'), fact(20, 'kernel'), fact(true, 'kernel'), unknown('absent')],
    ],
  );
});

const containers: Record<
  string,
  {
    files: Record<string, string>;
    want: ReturnType<typeof fact<string>> | ReturnType<typeof unknown>;
  }
> = {
  podman: { files: { '/run/.containerenv': '' }, want: fact('podman', 'kernel') },
  'what process 1 was told': {
    files: { '/proc/1/environ': 'a=b\0container=lxc\0' },
    want: fact('lxc', 'kernel'),
  },
  'a pod by its cgroup': {
    files: { '/proc/self/cgroup': '0::/kubepods.slice/pod1\n' },
    want: fact('kubernetes', 'kernel'),
  },
  'none, where process 1 can be seen': {
    files: { '/proc/1/environ': 'a=b\0' },
    want: fact('none', 'kernel'),
  },
  'not known where it cannot': { files: {}, want: unknown('not-reported') },
};
for (const [name, tc] of Object.entries(containers)) {
  test(`the container is ${name}`, async () => {
    assert.deepEqual(found((await outcomesOf(memoryHost(tc))).kernel)!.container, tc.want);
  });
}

const hypervisors: Record<string, { files: Record<string, string>; want: string }> = {
  'KVM by its firmware': { files: { '/sys/class/dmi/id/sys_vendor': 'QEMU\n' }, want: 'kvm' },
  'Xen by the kernel': { files: { '/sys/hypervisor/type': 'xen\n' }, want: 'xen' },
  'a bare machine of a cloud': {
    files: {
      '/sys/class/dmi/id/sys_vendor': 'Amazon EC2\n',
      '/sys/class/dmi/id/product_name': 'm5.metal\n',
      '/proc/cpuinfo': 'flags : fpu\n',
    },
    want: 'none',
  },
  'one that only the flag betrays': {
    files: { '/proc/cpuinfo': 'flags : fpu hypervisor\n' },
    want: 'unnamed',
  },
};
for (const [name, tc] of Object.entries(hypervisors)) {
  test(`the hypervisor is ${name}`, async () => {
    const { hypervisor } = found((await outcomesOf(memoryHost(tc))).kernel)!;
    assert.equal(hypervisor.known && hypervisor.value, tc.want);
  });
}

test('a node without CPUs is near to the initiators that firmware names, else to the nearest nodes', async () => {
  const node = '/sys/devices/system/node';
  const files = (extra: Record<string, string>) => ({
    [`${node}/online`]: '0-2\n',
    [`${node}/node0/cpumap`]: '3\n',
    [`${node}/node0/distance`]: '10 20 17\n',
    [`${node}/node1/cpumap`]: 'c\n',
    [`${node}/node1/distance`]: '20 10 28\n',
    [`${node}/node2/cpumap`]: '0\n',
    [`${node}/node2/distance`]: '17 28 10\n',
    ...extra,
  });
  const near = async (extra: Record<string, string>) =>
    formatIdList(
      found((await outcomesOf(memoryHost({ files: files(extra) }))).numa)![2]!.nearestCpus,
    );
  assert.equal(await near({}), '0-1');
  assert.equal(await near({ [`${node}/node2/access1/initiators/node1`]: '' }), '2-3');
  assert.equal(await near({ [`${node}/node2/distance`]: '17 17 10\n' }), '', 'all equally far');
  assert.equal(await near({ [`${node}/node2/distance`]: 'garbage\n' }), '');
});
