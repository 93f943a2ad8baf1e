import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gpu } from '../../src/inventory/gpu.ts';
import { parseAmdSmi } from '../../src/inventory/parsers/amd-smi.ts';
import { parseRocmSmi } from '../../src/inventory/parsers/rocm-smi.ts';
import { catalogued, pciCatalogue } from '../../src/inventory/pci-catalogue.ts';
import { acceleratorsProbe } from '../../src/inventory/probes/accelerators.ts';
import { amdProbe } from '../../src/inventory/probes/amd.ts';
import { intelGpuProbe } from '../../src/inventory/probes/intel-gpu.ts';
import { memoryHost } from './memory-host.ts';
import { noRecordings, recorded, tarMembers, value } from './recorded.ts';
import { unpackTtar } from './ttar.ts';

const no = 'not-reported';
const amd = (gpu: Gpu) => [
  value(gpu.index),
  value(gpu.model),
  value(gpu.pciAddress),
  value(gpu.pciId),
  value(gpu.memory.totalBytes),
  value(gpu.memory.usedBytes),
  value(gpu.temperature.currentMilliCelsius),
  value(gpu.power.drawMilliwatts),
  value(gpu.power.limitMilliwatts),
  value(gpu.pcie.generation),
  value(gpu.pcie.lanes),
  value(gpu.numaNode),
];

test('rocm-smi of ROCm 6.0: four MI100', { skip: noRecordings }, () => {
  const report = parseRocmSmi(recorded('rocm-smi/mi100_rocm602.json'))!;
  assert.equal(report.gpus.length, 4);
  assert.deepEqual(amd(report.gpus[0]!), [
    0,
    'Arcturus GL-XL [Instinct MI100]',
    '0000:83:00.0',
    '1002:738c',
    34_342_961_152,
    6_750_208,
    55_000,
    36_000,
    290_000,
    4,
    16,
    1,
  ]);
  assert.deepEqual(report.gpus.map((gpu) => [value(gpu.uuid), value(gpu.pciAddress)])[3], [
    '0x1b9dd972253c3736',
    '0000:e3:00.0',
  ]);
});

test('rocm-smi of ROCm 4.3: a card whose names are only ids', { skip: noRecordings }, () => {
  const report = parseRocmSmi(recorded('rocm-smi/rx6700xt_rocm430.json'))!;
  assert.equal(value(report.driverVersion), '6.3.6');
  assert.deepEqual(amd(report.gpus[0]!), [
    0,
    'garbled',
    '0000:07:00.0',
    '1002:73df',
    12_868_124_672,
    1_622_728_704,
    47_000,
    6000,
    211_000,
    4,
    16,
    // The tool writes −1 as an unsigned number.
    'garbled',
  ]);
  assert.equal(value(report.gpus[0]!.uuid), no);
});

const amdStatic = {
  gpu: 0,
  asic: {
    market_name: 'AMD Instinct MI300X',
    device_id: '0x74a1',
    asic_serial: '0x1234',
    target_graphics_version: 'gfx942',
  },
  bus: { bdf: '0000:0c:00.0', max_pcie_width: 16, pcie_interface_version: 'Gen 5' },
  limit: { max_power: { value: 750, unit: 'W' }, socket_power: { value: 750, unit: 'W' } },
  vram: { type: 'HBM3', size: { value: 196_592, unit: 'MB' } },
  numa: { node: 0, affinity: 0 },
};
test('amd-smi, as a list and inside gpu_data', () => {
  const metric = JSON.stringify([
    {
      gpu: 0,
      usage: { gfx_activity: { value: 45, unit: '%' } },
      power: { socket_power: { value: 133, unit: 'W' } },
      temperature: { hotspot: { value: 35, unit: 'C' }, mem: 'N/A' },
    },
  ]);
  const plain = parseAmdSmi(JSON.stringify([amdStatic]), metric)!;
  assert.deepEqual(parseAmdSmi(JSON.stringify({ gpu_data: [amdStatic] }), metric), plain);
  const [gpu] = plain;
  assert.deepEqual(
    [
      value(gpu!.model),
      value(gpu!.memory.totalBytes),
      value(gpu!.computeCapability),
      value(gpu!.pcie.generationMax),
    ],
    ['AMD Instinct MI300X', 196_592 * 2 ** 20, 'gfx942', 5],
  );
  assert.deepEqual(
    [
      value(gpu!.utilization.computeBp),
      value(gpu!.power.drawMilliwatts),
      value(gpu!.temperature.memoryMilliCelsius),
    ],
    [4500, 133_000, no],
  );
  assert.equal(parseAmdSmi('{}', undefined), undefined);
});

test('recorded amdgpu files, completed by the tool where both tell of one card', {
  skip: noRecordings,
}, async () => {
  const tree = unpackTtar(recorded('procfs/fixtures.ttar'), 'fixtures/');
  const outcome = await amdProbe.read(memoryHost(tree));
  assert.equal(outcome.kind, 'found');
  const [card] = outcome.kind === 'found' ? outcome.value.gpus : [];
  assert.deepEqual(
    [
      value(card!.memory.totalBytes),
      value(card!.memory.usedBytes),
      value(card!.utilization.computeBp),
      value(card!.pcie.generation),
      value(card!.pcie.lanes),
      value(card!.clocks.graphicsMhz),
      value(card!.uuid),
    ],
    [8_573_157_376, 1_490_378_752, 400, 3, 16, 852, '0123456789abcdef'],
  );
  const told = await amdProbe.read(
    memoryHost({ programs: { 'rocm-smi': recorded('rocm-smi/mi100_rocm602.json') } }),
  );
  const gpus = told.kind === 'found' ? told.value.gpus : [];
  assert.equal(gpus.length, 4);
  assert.deepEqual(gpus[0]!.specs.fp16Tflops, { known: true, value: 184.6, source: 'datasheet' });
});

test('the kernel fills in what amd-smi left open', async () => {
  const at = '/sys/devices/pci0000:00/0000:0c:00.0';
  const outcome = await amdProbe.read(
    memoryHost({
      programs: { 'amd-smi static --json': JSON.stringify([amdStatic]) },
      files: {
        [`${at}/vendor`]: '0x1002',
        [`${at}/device`]: '0x74a1',
        [`${at}/gpu_busy_percent`]: '7',
        [`${at}/numa_node`]: '-1',
        [`${at}/drm/card3/dev`]: '226:3',
      },
      links: {
        '/sys/class/drm/card3': '../../devices/pci0000:00/0000:0c:00.0/drm/card3',
        [`${at}/drm/card3/device`]: '../../../0000:0c:00.0',
      },
    }),
  );
  const gpus = outcome.kind === 'found' ? outcome.value.gpus : [];
  assert.equal(gpus.length, 1);
  assert.deepEqual(
    [
      value(gpus[0]!.utilization.computeBp),
      value(gpus[0]!.memory.totalBytes),
      value(gpus[0]!.numaNode),
    ],
    [700, 196_592 * 2 ** 20, 0],
  );
});

test('no AMD and no Intel GPU', async () => {
  assert.deepEqual(await amdProbe.read(memoryHost({})), { kind: 'absent' });
  assert.deepEqual(await intelGpuProbe.read(memoryHost({})), { kind: 'absent' });
});

test('an Intel GPU by its id', async () => {
  const outcome = await intelGpuProbe.read(
    memoryHost({
      files: {
        '/sys/class/drm/card0/device/vendor': '0x8086\n',
        '/sys/class/drm/card0/device/device': '0x0bda\n',
        '/sys/class/drm/card0/lmem_total_bytes': '51539607552\n',
        '/sys/class/drm/card0-DP-1/status': 'connected\n',
        '/sys/class/drm/card1/device/vendor': '0x10de\n',
      },
    }),
  );
  const gpus = outcome.kind === 'found' ? outcome.value : [];
  assert.deepEqual(
    gpus.map((g) => [value(g.model), value(g.memory.totalBytes), value(g.pciId)]),
    [['Data Center GPU Max 1100', 51_539_607_552, '8086:0bda']],
  );
});

const pci = (address: string, vendor: string, device: string, classCode: string) => ({
  [`/sys/bus/pci/devices/${address}/vendor`]: `0x${vendor}\n`,
  [`/sys/bus/pci/devices/${address}/device`]: `0x${device}\n`,
  [`/sys/bus/pci/devices/${address}/class`]: `0x${classCode}\n`,
  [`/sys/bus/pci/devices/${address}/numa_node`]: '-1\n',
});
test('accelerators by catalogue and by class', async () => {
  const host = memoryHost({
    files: {
      ...pci('0000:01:00.0', '1ae0', '0062', '120000'),
      ...pci('0000:02:00.0', '1da3', '1060', '120000'),
      ...pci('0000:03:00.0', '15b3', 'a2dc', '020000'),
      ...pci('0000:04:00.0', '10de', '2330', '030200'),
      // A console of the board, a bridge, a drive and an Ethernet card are none.
      ...pci('0000:05:00.0', '1a03', '2000', '030000'),
      ...pci('0000:06:00.0', '8086', '2030', '060400'),
      ...pci('0000:07:00.0', '144d', 'a80a', '010802'),
      ...pci('0000:08:00.0', '8086', '1592', '020000'),
      // Nobody's catalogue has it, but its class says what it is.
      ...pci('0000:09:00.0', 'dead', 'beef', '120000'),
      '/sys/bus/pci/devices/0000:0a:00.0/class': 'garbage',
    },
    links: { '/sys/bus/pci/devices/0000:04:00.0/driver': '../../../../bus/pci/drivers/nvidia' },
  });
  const outcome = await acceleratorsProbe.read(host);
  const found = outcome.kind === 'found' ? outcome.value : [];
  assert.deepEqual(
    found.map((a) => [
      a.pciAddress.slice(5, 7),
      a.kind,
      value(a.vendor),
      value(a.model),
      value(a.driver),
    ]),
    [
      ['01', 'tpu', 'Google', 'TPU v5p', 'absent'],
      ['02', 'npu', 'Intel Habana', 'Gaudi 3', 'absent'],
      ['03', 'dpu', 'NVIDIA Mellanox', 'BlueField-3', 'absent'],
      ['04', 'gpu', 'NVIDIA', no, 'nvidia'],
      ['09', 'npu', no, no, 'absent'],
    ],
  );
  assert.equal(value(found[0]!.numaNode), no);
  assert.ok(found[2]!.offloads.known && found[2]!.offloads.value.includes('tcp_termination'));
});

test('a recorded Xeon Phi', { skip: noRecordings }, async () => {
  const tree = tarMembers('hwloc/32em64t-2n8c+dax+nvme+mic+dimms.tar.gz', '/');
  const outcome = await acceleratorsProbe.read(memoryHost(tree));
  const found = outcome.kind === 'found' ? outcome.value : [];
  assert.deepEqual(
    found.map((a) => [a.kind, a.pciId]),
    [['coprocessor', '8086:225c']],
  );
});

test('the catalogue has each id once, with a source', () => {
  assert.equal(new Set(pciCatalogue.map((e) => e.id)).size, pciCatalogue.length);
  for (const entry of pciCatalogue) {
    assert.match(entry.id, /^[0-9a-f]{4}:[0-9a-f]{4}$/);
    assert.match(entry.source, /20\d\d/);
  }
  assert.equal(catalogued('1DA3:1020')?.model, 'Gaudi 2');
});
