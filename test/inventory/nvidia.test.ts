import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gpu } from '../../src/inventory/gpu.ts';
import {
  gpusOfCsv,
  parseMonitorTable,
  parseNvidiaCsv,
} from '../../src/inventory/parsers/nvidia-csv.ts';
import {
  parseNvidiaListing,
  parseNvlinkStatus,
} from '../../src/inventory/parsers/nvidia-listing.ts';
import { parseNvidiaSmi } from '../../src/inventory/parsers/nvidia-smi.ts';
import { parseGpuTopology } from '../../src/inventory/parsers/nvidia-topo.ts';
import { captureSections, noRecordings, recorded, value } from './recorded.ts';

const MIB = 2 ** 20;

/** The values that were read off each file by eye. `no` stands for not reported. */
const no = 'not-reported';
interface Expected {
  readonly driver: string;
  readonly gpus: readonly Record<string, unknown>[];
  readonly problems?: readonly string[];
}

function main(gpu: Gpu): Record<string, unknown> {
  return {
    model: value(gpu.model),
    uuid: value(gpu.uuid),
    pci: value(gpu.pciAddress),
    id: value(gpu.pciId),
    total: value(gpu.memory.totalBytes),
    used: value(gpu.memory.usedBytes),
    celsius: value(gpu.temperature.currentMilliCelsius),
    draw: value(gpu.power.drawMilliwatts),
    limit: value(gpu.power.limitMilliwatts),
    gen: value(gpu.pcie.generation),
    genMax: value(gpu.pcie.generationMax),
    lanes: value(gpu.pcie.lanes),
    busy: value(gpu.utilization.computeBp),
    ecc: value(gpu.ecc.enabled),
    uncorrected: value(gpu.ecc.uncorrectedVolatile),
    mig: gpu.mig.devices.length,
  };
}

const rtx3080 = {
  model: 'NVIDIA GeForce RTX 3080',
  uuid: 'GPU-19d6d965-2acc-f646-00f8-4c76979aabb4',
  id: '10de:2216',
  total: 10_240 * MIB,
  gen: 4,
  genMax: 4,
  lanes: 16,
  ecc: no,
  uncorrected: no,
  mig: 0,
};

const reports: Record<string, Expected> = {
  'gtx-1070-ti.xml': {
    driver: no,
    gpus: [
      {
        model: 'GeForce GTX 1070 Ti',
        uuid: 'GPU-f9ba66fc-a7f5-94c5-da19-019ef2f9c665',
        pci: '0000:01:00.0',
        id: no,
        total: 4096 * MIB,
        used: 42 * MIB,
        celsius: 39_000,
        draw: no,
        limit: no,
        gen: 1,
        genMax: no,
        lanes: 16,
        busy: 0,
        ecc: no,
        uncorrected: no,
        mig: 0,
      },
    ],
  },
  'tesla-t4.xml': {
    driver: '515.105.01',
    gpus: [
      {
        model: 'Tesla T4',
        uuid: 'GPU-d37e67a5-91dd-3774-a5cb-99096249601a',
        pci: '0000:00:1e.0',
        id: '10de:1eb8',
        total: 15_360 * MIB,
        used: 1032 * MIB,
        celsius: 40_000,
        draw: 26_780,
        limit: 70_000,
        gen: 3,
        genMax: 3,
        lanes: 8,
        busy: 0,
        ecc: true,
        uncorrected: 0,
        mig: 0,
      },
    ],
  },
  'a100-sxm4-v12.xml': {
    driver: '535.54.03',
    problems: ['the driver counts 4 GPUs and describes 1'],
    gpus: [
      {
        model: 'NVIDIA A100-SXM4-80GB',
        uuid: 'GPU-513536b6-7d19-9063-b049-1e69664bb298',
        pci: '0000:01:00.0',
        id: '10de:20b2',
        total: 81_920 * MIB,
        used: 50 * MIB,
        celsius: 27_000,
        draw: 67_030,
        limit: 500_000,
        gen: 4,
        genMax: 4,
        lanes: 16,
        busy: no,
        ecc: true,
        uncorrected: 0,
        mig: 4,
      },
    ],
  },
  'rtx-3080-v12.xml': {
    driver: '536.40',
    gpus: [
      {
        ...rtx3080,
        pci: '0000:04:00.0',
        used: 1128 * MIB,
        celsius: 31_000,
        draw: 22_780,
        limit: 336_000,
        busy: 0,
      },
    ],
  },
  'rtx-3080-v13.xml': {
    driver: '595.58.03',
    gpus: [
      {
        ...rtx3080,
        pci: '0000:0c:00.0',
        used: 9184 * MIB,
        celsius: 27_000,
        draw: 142_330,
        limit: 320_000,
        busy: 6500,
      },
    ],
  },
  'dual_2070-v13.xml': {
    driver: '590.44.01',
    gpus: [
      {
        model: 'NVIDIA GeForce RTX 2070',
        uuid: 'GPU-12345678-aaaa-bbbb-cccc-0123456789ab',
        pci: '0000:01:00.0',
        id: '10de:1f02',
        total: 8192 * MIB,
        used: 1 * MIB,
        celsius: 14_000,
        draw: 9230,
        limit: 175_000,
        gen: 1,
        genMax: 3,
        lanes: 8,
        busy: 0,
        ecc: no,
        uncorrected: no,
        mig: 0,
      },
    ],
  },
};

for (const [file, want] of Object.entries(reports)) {
  test(`nvidia-smi -q -x of ${file}`, { skip: noRecordings }, () => {
    const report = parseNvidiaSmi(recorded(`nvidia-smi/${file}`));
    assert.ok(report);
    assert.equal(value(report.driverVersion), want.driver);
    assert.deepEqual(report.problems, want.problems ?? []);
    assert.deepEqual(report.gpus.slice(0, want.gpus.length).map(main), want.gpus);
  });
}

test('two GPUs of one report have their own addresses', { skip: noRecordings }, () => {
  const report = parseNvidiaSmi(recorded('nvidia-smi/dual_2070-v13.xml'));
  assert.deepEqual(
    report!.gpus.map((gpu) => [value(gpu.pciAddress), value(gpu.index)]),
    [
      ['0000:01:00.0', 0],
      ['0000:02:00.0', 1],
    ],
  );
});

test('MIG devices of the A100 report', { skip: noRecordings }, () => {
  const [gpu] = parseNvidiaSmi(recorded('nvidia-smi/a100-sxm4-v12.xml'))!.gpus;
  assert.equal(value(gpu!.mig.enabled), true);
  assert.deepEqual(
    gpu!.mig.devices.map((d) => [
      value(d.index),
      value(d.gpuInstance),
      value(d.computeInstance),
      value(d.multiprocessors),
      value(d.memory.totalBytes),
      value(d.memory.usedBytes),
    ]),
    [3, 4, 5, 6].map((instance, i) => [i, instance, 0, 14, 19_968 * MIB, 12 * MIB]),
  );
});

test('processes of a report, in both forms', { skip: noRecordings }, () => {
  const xml = parseNvidiaSmi(recorded('nvidia-smi/rtx-3080-v12.xml'))!.gpus[0]!.processes;
  assert.ok(xml.known);
  assert.deepEqual(
    xml.value.slice(0, 2).map((p) => [p.pid, value(p.name), value(p.usedBytes), value(p.type)]),
    [
      [835, '/usr/lib/Xorg', 550 * MIB, 'G'],
      [1481, '/usr/bin/gnome-shell', 18 * MIB, 'G'],
    ],
  );
  assert.equal(xml.value.length, 5);
});

/** Main values of the `-q` sections, read off the captures by eye. */
const captures: Record<string, Record<string, unknown>> = {
  'linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01.txt': {
    model: 'NVIDIA H100 80GB HBM3',
    id: '10de:2330',
    pci: '0000:00:09.0',
    total: 81_559 * MIB,
    used: 19_818 * MIB,
    celsius: 59_000,
    draw: 588_390,
    limit: 700_000,
    gen: 5,
    busy: 10_000,
    mig: 0,
    processes: [
      [11327, no, 2566],
      [11328, no, 1542],
      [11345, no, 15_690],
    ],
  },
  'linux-x86_64__nvidia-h100-mig__590.48.01.txt': {
    model: 'NVIDIA H100 80GB HBM3',
    id: '10de:2330',
    pci: '0000:00:09.0',
    total: 81_559 * MIB,
    used: 11_125 * MIB,
    celsius: 53_000,
    draw: 444_720,
    limit: 700_000,
    gen: 5,
    busy: no,
    mig: 4,
    processes: [
      [21180, 2, 2296],
      [21181, 2, 1272],
      [21198, 2, 7484],
    ],
  },
  'linux-x86_64__nvidia-l40s__595.80.txt': {
    model: 'NVIDIA L40S',
    id: '10de:26b9',
    pci: '0000:01:00.0',
    total: 46_068 * MIB,
    used: 1235 * MIB,
    celsius: 54_000,
    draw: 110_010,
    limit: 350_000,
    gen: 4,
    busy: 900,
    mig: 0,
    processes: [
      [20037, no, 538],
      [20038, no, 681],
    ],
  },
};

for (const [file, want] of Object.entries(captures)) {
  test(`the capture ${file}`, { skip: noRecordings }, () => {
    const sections = captureSections(recorded(`nvidia-smi/${file}`));
    const report = parseNvidiaSmi(sections.get('load :: query (-q)')!);
    assert.deepEqual(report!.problems, []);
    const gpu = report!.gpus[0]!;
    const found: Record<string, unknown> = {
      ...main(gpu),
      processes: gpu.processes.known
        ? gpu.processes.value.map((p) => [
            p.pid,
            value(p.gpuInstance),
            Number(value(p.usedBytes)) / MIB,
          ])
        : no,
    };
    for (const [key, expected] of Object.entries(want)) {
      assert.deepEqual(found[key], expected, key);
    }
    // The table of --query-gpu, taken in the same minute, tells the same device.
    const table = parseNvidiaCsv(
      sections.get('load :: query-gpu (csv, what the exporter parses)')!,
    );
    assert.deepEqual(table!.problems, []);
    const [row] = gpusOfCsv(table!);
    for (const key of ['model', 'uuid', 'pci', 'id', 'total', 'limit', 'gen', 'ecc'] as const) {
      assert.deepEqual(main(row!)[key], main(gpu)[key], key);
    }
    const [listed] = parseNvidiaListing(sections.get('capabilities :: list (-L)')!);
    assert.deepEqual([listed!.gpu, listed!.model], [0, want['model']]);
    assert.equal(listed!.mig.length, want['mig']);
    const matrix = parseGpuTopology(sections.get('capabilities :: topo -m')!);
    assert.deepEqual(
      matrix!.devices.map((d) => [d.name, d.kind, d.numaNodes, d.gpuNumaNode]),
      [['GPU0', 'gpu', '0', undefined]],
    );
    const processes = parseNvidiaCsv(sections.get('load :: query-compute-apps (per-process)')!);
    assert.equal(processes!.rows.length, (want['processes'] as unknown[]).length);
    const monitored = parseMonitorTable(
      sections.get('load :: dmon (per-device monitor, incl. PCIe rx/tx)')!,
    );
    assert.equal(monitored.length, 5);
    assert.equal(monitored[0]!['gpu'], '0');
  });
}

test('single figures of the captures', { skip: noRecordings }, () => {
  const h100 = captureSections(
    recorded('nvidia-smi/linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01.txt'),
  );
  const links = parseNvlinkStatus(h100.get('capabilities :: nvlink -s')!);
  assert.deepEqual(links, [{ gpu: 0, links: new Array(18).fill(26.562) }]);
  const csv = parseNvidiaCsv(h100.get('load :: query-gpu (csv, what the exporter parses)')!)!;
  assert.equal(csv.rows[0]!['compute_cap'], '9.0');
  assert.equal(value(gpusOfCsv(csv)[0]!.computeCapability), '9.0');
  assert.equal(value(gpusOfCsv(csv)[0]!.power.drawMilliwatts), 625_680);
  const idle = parseNvidiaSmi(h100.get('idle :: query (-q)')!)!.gpus[0]!;
  assert.deepEqual(value(idle.throttledBy), []);
  assert.equal(value(idle.pcie.replays), 9);
  assert.equal(value(idle.temperature.marginMilliCelsius), 46_000);
  const pmon = parseMonitorTable(h100.get('load :: pmon (per-process monitor)')!);
  assert.deepEqual(
    { ...pmon[2] },
    {
      gpu: '0',
      pid: '11345',
      type: 'C',
      sm: '99',
      mem: '10',
      command: 'gpu_burn',
    },
  );
  const mig = captureSections(recorded('nvidia-smi/linux-x86_64__nvidia-h100-mig__590.48.01.txt'));
  assert.deepEqual(
    parseNvidiaListing(mig.get('capabilities :: list (-L)')!)[0]!.mig.map((d) => d.profile),
    ['3g.40gb', '2g.20gb', '1g.10gb', '1g.10gb'],
  );
  assert.deepEqual(parseNvlinkStatus(mig.get('capabilities :: nvlink -s')!), [
    { gpu: 0, links: [] },
  ]);
  const parts = parseNvidiaSmi(mig.get('load :: query (-q)')!)!.gpus[0]!.mig.devices;
  assert.deepEqual(
    parts.map((d) => [value(d.gpuInstance), value(d.multiprocessors), value(d.memory.totalBytes)]),
    [
      [2, 60, 40_448 * MIB],
      [3, 32, 20_096 * MIB],
      [9, 16, 9984 * MIB],
      [10, 16, 9984 * MIB],
    ],
  );
  assert.equal(value(parts[0]!.memory.usedBytes), 11_091 * MIB);
});

const topologies: Record<
  string,
  {
    gpus: number;
    nics: number;
    pairs: number;
    some: readonly [string, string, object][];
    cpus?: string;
  }
> = {
  'h100-8gpu-nvswitch-12nic.txt': {
    gpus: 8,
    nics: 12,
    // The file has no rows of NICs, so their own pairs are not told.
    pairs: 28 + 8 * 12,
    some: [
      ['GPU0', 'GPU7', { kind: 'nvlink', links: 18 }],
      ['GPU0', 'NIC0', { kind: 'pxb' }],
      ['GPU1', 'NIC0', { kind: 'node' }],
      ['GPU4', 'NIC0', { kind: 'sys' }],
    ],
    cpus: '0-55,112-167',
  },
  'h200-8gpu-nvswitch-8nic.txt': {
    gpus: 8,
    nics: 8,
    pairs: 28 + 64,
    some: [
      ['GPU0', 'NIC4', { kind: 'pix' }],
      ['GPU7', 'NIC2', { kind: 'pix' }],
    ],
    cpus: '0-63,128-191',
  },
  'pcie-only-8gpu-2socket.txt': {
    gpus: 8,
    nics: 0,
    pairs: 28,
    some: [
      ['GPU1', 'GPU2', { kind: 'phb' }],
      ['GPU5', 'GPU6', { kind: 'sys' }],
    ],
    cpus: '0-15,32-47',
  },
  'v100-sxm2-8gpu-hybrid-mesh.txt': {
    gpus: 8,
    nics: 0,
    pairs: 28,
    some: [
      ['GPU0', 'GPU3', { kind: 'nvlink', links: 1 }],
      ['GPU0', 'GPU7', { kind: 'nvlink', links: 2 }],
      ['GPU0', 'GPU4', { kind: 'sys' }],
    ],
  },
};

for (const [file, want] of Object.entries(topologies)) {
  test(`the matrix ${file}`, { skip: noRecordings }, () => {
    const found = parseGpuTopology(recorded(`nvidia-smi/topo/${file}`))!;
    assert.equal(found.devices.filter((d) => d.kind === 'gpu').length, want.gpus);
    assert.equal(found.devices.filter((d) => d.kind === 'nic').length, want.nics);
    assert.equal(found.pairs.length, want.pairs);
    assert.equal(found.devices[0]!.cpus, want.cpus);
    for (const [a, b, link] of want.some) {
      assert.deepEqual(found.pairs.find((p) => p.a === a && p.b === b)?.link, link, `${a} ${b}`);
    }
  });
}

test('the legend of a matrix names the NICs, and rows of NICs add their pairs', () => {
  const found = parseGpuTopology(
    [
      '\t\u001b[4mGPU0\tNIC0\tNIC1\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\u001b[0m',
      'GPU0\t X \tPIX\tSYS\t0-7\t0\t\t1',
      'NIC0\tPIX\t X \tSYS\t\t\t\t',
      'NIC1\tSYS\tSYS\t X \t\t\t\t',
      '',
      'NIC Legend:',
      '',
      '  NIC0: mlx5_0',
      '  NIC1: mlx5_bond_1',
    ].join('\n'),
  )!;
  assert.deepEqual(found.problems, []);
  assert.deepEqual(
    found.devices.map((d) => d.alias),
    [undefined, 'mlx5_0', 'mlx5_bond_1'],
  );
  assert.equal(found.devices[0]!.gpuNumaNode, '1');
  assert.equal(found.pairs.length, 3);
});
