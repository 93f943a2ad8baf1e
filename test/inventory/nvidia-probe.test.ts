import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostReader, ReadProblem } from '../../src/inventory/host-reader.ts';
import { parseMigPlacements, parseMigProfiles } from '../../src/inventory/parsers/nvidia-mig.ts';
import { nvidiaProbe } from '../../src/inventory/probes/nvidia.ts';
import { memoryHost } from './memory-host.ts';
import { captureSections, noRecordings, recorded, value } from './recorded.ts';

const timedOut: ReadProblem = {
  kind: 'timed-out',
  detail: 'nvidia-smi -q -x: no answer in 5000 ms',
};
const silent: ReadProblem = { kind: 'absent', detail: 'nvidia-smi' };
const query = 'nvidia-smi --query-gpu=index,pci.bus_id,compute_cap,uuid --format=csv';

async function found(host: HostReader) {
  const outcome = await nvidiaProbe.read(host);
  assert.equal(outcome.kind, 'found');
  return outcome as Extract<typeof outcome, { kind: 'found' }>;
}

test('a host without the program and without the module has no such GPU', async () => {
  assert.deepEqual(await nvidiaProbe.read(memoryHost({})), { kind: 'absent' });
});

test('a driver without devices is an answer too', async () => {
  const host = memoryHost({ programs: { 'nvidia-smi': 'No devices were found\n' } });
  assert.deepEqual(await nvidiaProbe.read(host), { kind: 'absent' });
});

test('a driver that never answers is reported as such', async () => {
  const host = memoryHost({ programs: { 'nvidia-smi': timedOut } });
  assert.deepEqual(await nvidiaProbe.read(host), { kind: 'failed', problem: timedOut });
});

test('what the kernel module shows is there although the program hangs', async () => {
  const host = memoryHost({
    programs: { 'nvidia-smi': timedOut },
    files: {
      '/proc/driver/nvidia/gpus/0004:04:00.0/information':
        'Model: \t\t Tesla V100-SXM2-16GB\nIRQ:   \t\t 33\nGPU UUID: \t GPU-513536b6-7d19-9063-b049-1e69664bb298\nBus Type: \t PCIe\nDevice Minor: \t 2\n',
      '/proc/driver/nvidia/gpus/0004:05:00.0/information':
        'Model: \t\t Tesla V100-SXM2-16GB\nGPU UUID: \t GPU-????????-????-????-????-????????????\n',
    },
  });
  const { value: gpus, problems } = await found(host);
  assert.deepEqual(problems, [timedOut]);
  assert.deepEqual(
    gpus.gpus.map((g) => [
      value(g.model),
      value(g.uuid),
      value(g.index),
      value(g.memory.totalBytes),
    ]),
    [
      ['Tesla V100-SXM2-16GB', 'GPU-513536b6-7d19-9063-b049-1e69664bb298', 2, 'not-reported'],
      ['Tesla V100-SXM2-16GB', 'garbled', 'not-reported', 'not-reported'],
    ],
  );
});

test('garbage is a failure with its cause, never a GPU', async () => {
  const outcome = await nvidiaProbe.read(
    memoryHost({ programs: { 'nvidia-smi': '\0\u0001{}<<<' } }),
  );
  assert.equal(outcome.kind, 'failed');
});

test('a truncated report gives what was whole, and says so', { skip: noRecordings }, async () => {
  const xml = recorded('nvidia-smi/dual_2070-v13.xml');
  const cut = xml.slice(0, xml.indexOf('<total>', xml.lastIndexOf('<fb_memory_usage>')) + 10);
  const { value: gpus, problems } = await found(
    memoryHost({ programs: { 'nvidia-smi -q -x': cut, 'nvidia-smi': silent } }),
  );
  assert.equal(gpus.gpus.length, 2);
  assert.equal(value(gpus.gpus[0]!.memory.totalBytes), 8192 * 2 ** 20);
  assert.equal(value(gpus.gpus[1]!.memory.totalBytes), 'not-reported');
  assert.ok(problems.length > 0);
});

test('MIG devices get their names, UUIDs and places from the driver', {
  skip: noRecordings,
}, async () => {
  const sections = captureSections(
    recorded('nvidia-smi/linux-x86_64__nvidia-h100-mig__590.48.01.txt'),
  );
  const host = memoryHost({
    files: { '/sys/bus/pci/devices/0000:00:09.0/numa_node': '1\n' },
    programs: {
      'nvidia-smi -q -x': sections.get('load :: query (-q)')!,
      'nvidia-smi topo -m': sections.get('capabilities :: topo -m')!,
      'nvidia-smi -L': sections.get('capabilities :: list (-L)')!,
      [query]:
        'index, pci.bus_id, compute_cap, uuid\n0, 00000000:00:09.0, 9.0, GPU-00000000-0000-0000-0000-000000000000\n',
      'nvidia-smi mig -lgi': [
        '+-------------------------------------------------------+',
        '| GPU instances:                                        |',
        '| GPU   Name             Profile  Instance   Placement  |',
        '|                          ID       ID       Start:Size |',
        '|=======================================================|',
        '|   0  MIG 3g.40gb          9        2          0:4     |',
        '+-------------------------------------------------------+',
        '|   0  MIG 2g.20gb         14        3          4:2     |',
        '+-------------------------------------------------------+',
      ].join('\n'),
    },
  });
  const { value: gpus, problems } = await found(host);
  assert.deepEqual(problems, []);
  const [gpu] = gpus.gpus;
  assert.equal(value(gpu!.numaNode), 1);
  assert.deepEqual(gpu!.computeCapability, { known: true, value: '9.0', source: 'driver' });
  assert.deepEqual(gpu!.specs.memoryBytesPerSecond, {
    known: true,
    value: 3.35e12,
    source: 'datasheet',
  });
  assert.deepEqual(
    gpu!.mig.devices.map((d) => [value(d.profile), value(d.placement), value(d.uuid)]),
    [
      ['3g.40gb', { start: 0, size: 4 }, 'MIG-00000000-0000-0000-0000-000000000000'],
      ['2g.20gb', { start: 4, size: 2 }, 'MIG-00000001-0000-0000-0000-000000000001'],
      ['1g.10gb', 'not-reported', 'MIG-00000002-0000-0000-0000-000000000002'],
      ['1g.10gb', 'not-reported', 'MIG-00000003-0000-0000-0000-000000000003'],
    ],
  );
  assert.equal(host.started.length, 5);
});

test('a MIG profile that the driver does not name is estimated', {
  skip: noRecordings,
}, async () => {
  const host = memoryHost({
    programs: {
      'nvidia-smi -q -x': recorded('nvidia-smi/a100-sxm4-v12.xml'),
      'nvidia-smi': silent,
    },
  });
  const { value: gpus } = await found(host);
  assert.deepEqual(
    gpus.gpus[0]!.mig.devices.map((d) => d.profile),
    new Array(4).fill({ known: true, value: '1g.20gb', source: 'estimated' }),
  );
});

test('profiles and placements that the driver offers', () => {
  const offers = parseMigProfiles(
    [
      '|   0  MIG 1g.5gb        19     7/7        4.75       No     14     0     0   |',
      '|                                                             1     0     0   |',
      '|   0  MIG 7g.94gb        0     1/1        93.12      No     132    7     0   |',
    ].join('\n'),
  );
  assert.deepEqual(
    offers.map((o) => [
      o.profile,
      o.profileId,
      o.free,
      o.total,
      o.memoryBytes / 2 ** 20,
      o.multiprocessors,
    ]),
    [
      ['1g.5gb', 19, 7, 7, 4864, 14],
      ['7g.94gb', 0, 1, 1, 95_360, 132],
    ],
  );
  assert.deepEqual(
    parseMigPlacements(
      'GPU  0 Profile ID 15 Placements: {0,2,4,6}:2\nGPU  0 Profile ID  5 Placement : {0}:4\n',
    ),
    [
      { gpu: 0, profileId: 15, starts: [0, 2, 4, 6], size: 2 },
      { gpu: 0, profileId: 5, starts: [0], size: 4 },
    ],
  );
});
