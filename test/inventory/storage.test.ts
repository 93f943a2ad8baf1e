import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diskRates, parseDiskstats } from '../../src/inventory/parsers/diskstats.ts';
import { parseMdadmDetail } from '../../src/inventory/parsers/mdadm.ts';
import { parseMdstat } from '../../src/inventory/parsers/mdstat.ts';
import { parseMountinfo } from '../../src/inventory/parsers/mountinfo.ts';
import { parseSmartctl, type SmartReport } from '../../src/inventory/parsers/smartctl.ts';
import { blockDevicesProbe } from '../../src/inventory/probes/block-devices.ts';
import { fileSystemsProbe } from '../../src/inventory/probes/file-systems.ts';
import { nvmeProbe } from '../../src/inventory/probes/nvme.ts';
import { raidProbe } from '../../src/inventory/probes/raid.ts';
import { smartProbe } from '../../src/inventory/probes/smart.ts';
import { type HostContent, memoryHost } from './memory-host.ts';
import { noRecordings, recorded, value } from './recorded.ts';
import { unpackTtar } from './ttar.ts';

const no = 'not-reported';

test('diskstats of kernels with 11, 15 and 17 figures', { skip: noRecordings }, () => {
  const disks = parseDiskstats(recorded('node_exporter/proc/diskstats'));
  assert.deepEqual(
    disks.find((d) => d.name === 'sda'),
    {
      name: 'sda',
      device: '8:0',
      reads: 25_354_637,
      readSectors: 1_003_346_126,
      readMs: 18_492_372,
      writes: 28_444_756,
      writtenSectors: 505_697_032,
      writeMs: 63_877_960,
      inFlight: 0,
      busyMs: 9_653_880,
      weightedMs: 82_621_804,
      discards: undefined,
      flushes: undefined,
    },
  );
  const newer = unpackTtar(recorded('procfs/fixtures.ttar'), 'fixtures/');
  const all = parseDiskstats(String(newer.files!['/proc/diskstats']));
  const pick = (name: string) =>
    all.filter((d) => d.name === name).map((d) => [d.discards, d.flushes]);
  assert.deepEqual(pick('sdb'), [[68_851, undefined]]);
  assert.deepEqual(pick('sdc'), [[0, 127]]);
  assert.equal(parseDiskstats(recorded('misc/proc/diskstats')).length, 15);
});

const counters = (over: object) => ({
  ...parseDiskstats('8 0 sda 100 0 1000 50 200 0 4000 100 0 60 150')[0]!,
  ...over,
});
test('disk rates are differences of two readings', () => {
  const after = counters({
    reads: 110,
    readSectors: 3000,
    readMs: 70,
    busyMs: 560,
    weightedMs: 1150,
  });
  assert.deepEqual(diskRates(counters({}), after, 2000), {
    readBytesPerSecond: 512_000,
    writtenBytesPerSecond: 0,
    readsPerSecond: 5,
    writesPerSecond: 0,
    readMeanMs: 2,
    writeMeanMs: undefined,
    busyBp: 2500,
    meanQueueLength: 0.5,
  });
});
test('a counter that went back, another device or no time gives no rate', () => {
  assert.equal(diskRates(counters({}), counters({ reads: 1 }), 1000), undefined);
  assert.equal(diskRates(counters({}), counters({ name: 'sdb' }), 1000), undefined);
  assert.equal(diskRates(counters({}), counters({}), 0), undefined);
});

test('arrays of mdstat', { skip: noRecordings }, () => {
  const arrays = new Map(
    parseMdstat(recorded('node_exporter/proc/mdstat')).map((a) => [a.name, a]),
  );
  assert.equal(arrays.size, 17);
  const summary = (name: string) => {
    const a = arrays.get(name)!;
    return [
      a.level,
      a.active,
      (a.sizeBytes ?? -1024) / 1024,
      a.members.length,
      a.disksTotal,
      a.disksActive,
      a.degraded,
    ];
  };
  assert.deepEqual(summary('md3'), ['raid6', true, 5_853_468_288, 10, 8, 8, false]);
  assert.deepEqual(summary('md4'), ['raid1', false, 4_883_648, 2, 2, 2, false]);
  assert.deepEqual(summary('md6'), ['raid1', true, 195_310_144, 3, 2, 1, true]);
  assert.deepEqual(summary('md7'), ['raid6', true, 7_813_735_424, 4, 4, 3, true]);
  assert.deepEqual(summary('md10'), [
    'raid0',
    true,
    314_159_265,
    2,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(summary('md219'), [undefined, false, 7932, 3, undefined, undefined, undefined]);
  assert.deepEqual(summary('md120'), [
    'linear',
    true,
    2_095_104,
    2,
    undefined,
    undefined,
    undefined,
  ]);
  assert.equal(arrays.get('md11')!.readOnly, true);
  assert.equal(arrays.get('md101')!.readOnly, true);
  assert.deepEqual(
    arrays.get('md6')!.members.map((m) => [m.device, m.slot, m.state]),
    [
      ['sdb2', 2, 'faulty'],
      ['sdc', 1, 'spare'],
      ['sda2', 0, 'active'],
    ],
  );
  assert.deepEqual(arrays.get('md6')!.sync, {
    action: 'recovery',
    progressBp: 850,
    bytesPerSecond: 259_783 * 1024,
    waiting: false,
  });
  assert.deepEqual(arrays.get('md9')!.sync, {
    action: 'resync',
    progressBp: undefined,
    bytesPerSecond: undefined,
    waiting: true,
  });
  assert.equal(arrays.get('md201')!.sync?.action, 'check');
  assert.equal(arrays.get('md3')!.sync, undefined);
  const reshaped = String(
    unpackTtar(recorded('procfs/fixtures.ttar'), 'fixtures/').files!['/proc/mdstat'],
  );
  const md42 = parseMdstat(reshaped).find((a) => a.name === 'md42')!;
  assert.deepEqual(
    [md42.sync?.action, md42.sync?.progressBp, md42.degraded],
    ['reshape', 5610, true],
  );
});

const mdadm: Record<string, object> = {
  'mdadm-query-raid1-faulty.out': {
    device: '/dev/md126',
    level: 'raid1',
    sizeBytes: 101_376 * 1024,
    degraded: true,
    raidDevices: 2,
    activeDevices: 1,
    failedDevices: 1,
    chunkBytes: undefined,
  },
  'mdadm-query-raid1-ok.out': {
    device: '/dev/md126',
    level: 'raid1',
    sizeBytes: 101_376 * 1024,
    degraded: false,
    raidDevices: 2,
    activeDevices: 2,
    failedDevices: 0,
    chunkBytes: undefined,
  },
  'mdadm-query-raid5-ok.out': {
    device: '/dev/md0',
    level: 'raid5',
    sizeBytes: 405_504 * 1024,
    degraded: false,
    raidDevices: 3,
    activeDevices: 3,
    failedDevices: 0,
    chunkBytes: 512 * 1024,
  },
};
for (const [file, want] of Object.entries(mdadm)) {
  test(`mdadm --detail of ${file}`, { skip: noRecordings }, () => {
    const [detail, ...more] = parseMdadmDetail(recorded(`misc/mdadm/${file}`));
    assert.deepEqual(more, []);
    for (const [key, expected] of Object.entries(want)) {
      assert.deepEqual(Reflect.get(detail!, key), expected, key);
    }
  });
}
test('members that mdadm names, and those that it only counts', { skip: noRecordings }, () => {
  const [faulty] = parseMdadmDetail(recorded('misc/mdadm/mdadm-query-raid1-faulty.out'));
  assert.deepEqual(faulty!.members, [
    { device: '/dev/vda1', state: 'active sync' },
    { device: undefined, state: 'removed' },
    { device: '/dev/vda2', state: 'faulty' },
  ]);
});

test('arrays of a recorded host, from mdstat and from sysfs', { skip: noRecordings }, async () => {
  const tree = unpackTtar(recorded('procfs/fixtures.ttar'), 'fixtures/');
  const outcome = await raidProbe.read(memoryHost({ ...tree, programs: {} }));
  assert.equal(outcome.kind, 'found');
  const arrays = new Map((outcome.kind === 'found' ? outcome.value : []).map((a) => [a.name, a]));
  // md1 and md5 have no line in this mdstat, only folders.
  const md1 = arrays.get('md1')!;
  assert.deepEqual(
    [
      value(md1.level),
      value(md1.degraded),
      value(md1.disks),
      value(md1.syncAction),
      value(md1.chunkBytes),
    ],
    ['raid1', false, 2, 'idle', no],
  );
  const md8 = arrays.get('md8')!;
  assert.equal(value(md8.disks), 2);
});

test('mountinfo: optional fields, escapes and lines that are none', () => {
  const { mounts, garbled } = parseMountinfo(
    [
      '21 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro',
      '30 21 0:25 / /mnt/a\\040b\\134c rw - tmpfs none rw',
      '31 21 8:17 /sub /srv rw shared:3 master:1 propagate_from:2 - xfs /dev/sdb1 rw',
      'nonsense',
      '32 21 8:17 / /no/hyphen rw ext4 /dev/sdb1 rw',
    ].join('\n'),
  );
  assert.equal(garbled, 2);
  assert.deepEqual(
    mounts.map((m) => [m.mountPoint, m.root, m.type, m.source]),
    [
      ['/', '/', 'ext4', '/dev/sda1'],
      ['/mnt/a b\\c', '/', 'tmpfs', 'none'],
      ['/srv', '/sub', 'xfs', '/dev/sdb1'],
    ],
  );
});

test('recorded mountinfo', { skip: noRecordings }, () => {
  const counts = (path: string) => {
    const { mounts, garbled } = parseMountinfo(recorded(path));
    return [mounts.length, garbled];
  };
  assert.deepEqual(counts('node_exporter/proc/self/mountinfo'), [7, 0]);
  assert.deepEqual(counts('node_exporter/proc/10/mountinfo'), [7, 0]);
  assert.deepEqual(counts('node_exporter/proc/1/mountinfo'), [32, 0]);
});

test('mounts of one file system are one, hidden ones are none, servers are not waited for', async () => {
  const mountinfo = [
    '1 0 0:5 / /proc rw - proc proc rw',
    '21 0 8:1 / / rw - ext4 /dev/sda1 rw',
    '22 21 8:1 /home /srv/home rw - ext4 /dev/sda1 rw',
    '23 21 8:2 / /data rw - ext4 /dev/sda2 rw',
    '24 21 8:3 / /data ro - ext4 /dev/sda3 ro',
    '25 21 0:40 / /nfs rw - nfs4 server:/x rw',
    '26 21 0:41 /@ /btrfs rw - btrfs /dev/sdb rw',
    '27 21 0:42 /@home /btrfs/home rw - btrfs /dev/sdb rw',
  ].join('\n');
  const outcome = await fileSystemsProbe.read(
    memoryHost({
      files: { '/proc/self/mountinfo': mountinfo, '/sys/devices/x/block/sda/sda1/dev': '8:1' },
      links: { '/sys/dev/block/8:1': '../../devices/x/block/sda/sda1' },
      statfs: { '/': 1000, '/data': 500, '/btrfs': 700 },
    }),
  );
  assert.equal(outcome.kind, 'found');
  const found = outcome.kind === 'found' ? outcome.value : [];
  assert.deepEqual(
    found.map((f) => [f.mountPoints, value(f.block), value(f.totalBytes), f.readOnly, f.remote]),
    [
      [['/', '/srv/home'], 'sda1', 1000, false, false],
      [['/data'], 'sda3', 500, true, false],
      [['/nfs'], 'absent', no, false, true],
      [['/btrfs', '/btrfs/home'], 'sdb', 700, false, false],
    ],
  );
});

async function blockDevices(content: HostContent) {
  const outcome = await blockDevicesProbe.read(memoryHost(content));
  assert.equal(outcome.kind, 'found');
  return new Map((outcome.kind === 'found' ? outcome.value : []).map((d) => [d.name, d]));
}

test('the recorded sda', { skip: noRecordings }, async () => {
  const disks = await blockDevices(unpackTtar(recorded('node_exporter/sys.ttar'), ''));
  const sda = disks.get('sda')!;
  assert.deepEqual(
    [
      value(sda.medium),
      value(sda.rotational),
      value(sda.scheduler),
      value(sda.schedulers),
      value(sda.queueRequests),
      value(sda.readAheadBytes),
      value(sda.writeCache),
      value(sda.sizeBytes),
    ],
    ['hdd', true, 'bfq', ['mq-deadline', 'kyber', 'bfq', 'none'], 64, 131_072, 'write back', no],
  );
  const dm = disks.get('dm-5')!;
  assert.deepEqual(
    [value(dm.stackName), value(dm.stackType), value(dm.sizeBytes), value(dm.medium)],
    ['mpathA', 'mpath', 104_857_600 * 512, no],
  );
  assert.equal(value(disks.get('md6')!.stackType), 'raid6');
});

const disk = (name: string, real: string, more: Record<string, string>): HostContent => ({
  files: Object.fromEntries(
    Object.entries({ dev: '8:0\n', size: '2048\n', ...more }).map(([k, v]) => [`${real}/${k}`, v]),
  ),
  links: {
    [`/sys/block/${name}`]: `../..${real}`
      .replace('/../../sys', '/../..')
      .replace('../../sys', '..'),
  },
});
const media: Record<string, { content: HostContent; name: string; want: readonly unknown[] }> = {
  'a SATA disk that spins': {
    name: 'sda',
    content: disk(
      'sda',
      '/sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda',
      {
        'queue/rotational': '1\n',
        'device/model': 'ST10000NM0016   \n',
      },
    ),
    want: ['hdd', 'sata', true, '0000:00:17.0'],
  },
  'a SAS SSD': {
    name: 'sdb',
    content: disk(
      'sdb',
      '/sys/devices/pci0000:00/0000:3b:00.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/sdb',
      {
        'queue/rotational': '0\n',
      },
    ),
    want: ['ssd', 'sas', false, '0000:3b:00.0'],
  },
  'an NVMe drive': {
    name: 'nvme0n1',
    content: disk('nvme0n1', '/sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1', {
      'queue/rotational': '0\n',
    }),
    want: ['nvme', 'nvme', false, '0000:01:00.0'],
  },
  'a virtio disk, whose flag means nothing': {
    name: 'vda',
    content: disk('vda', '/sys/devices/pci0000:00/0000:00:04.0/virtio1/block/vda', {
      'queue/rotational': '1\n',
    }),
    want: ['virtual', 'virtio', no, '0000:00:04.0'],
  },
  'a disk of a hypervisor': {
    name: 'sda',
    content: disk(
      'sda',
      '/sys/devices/pci0000:00/0000:00:10.0/host2/target2:0:0/2:0:0:0/block/sda',
      {
        'queue/rotational': '1\n',
        'device/vendor': 'VMware  \n',
        'device/model': 'Virtual disk    \n',
      },
    ),
    want: ['virtual', 'scsi', no, '0000:00:10.0'],
  },
  'network storage behind an NVMe controller': {
    name: 'nvme1n1',
    content: disk('nvme1n1', '/sys/devices/pci0000:00/0000:00:1f.0/nvme/nvme1/nvme1n1', {
      'queue/rotational': '0\n',
      'device/model': 'Amazon Elastic Block Store              \n',
    }),
    want: ['virtual', 'nvme', no, '0000:00:1f.0'],
  },
  'a disk that says nothing': {
    name: 'sdz',
    content: disk('sdz', '/sys/devices/pci0000:00/0000:00:17.0/sdz', {}),
    want: [no, 'scsi', no, '0000:00:17.0'],
  },
};
for (const [name, tc] of Object.entries(media)) {
  test(`medium: ${name}`, async () => {
    const found = (await blockDevices(tc.content)).get(tc.name)!;
    assert.deepEqual(
      [
        value(found.medium),
        value(found.interface),
        value(found.rotational),
        value(found.pciAddress),
      ],
      tc.want,
    );
    assert.equal(value(found.sizeBytes), 2048 * 512);
  });
}

test('partitions, unused loops and stacks', async () => {
  const files: Record<string, string> = {
    '/sys/block/sda/size': '4096',
    '/sys/block/sda/queue/rotational': '0',
    '/sys/block/sda/sda1/partition': '1',
    '/sys/block/sda/sda1/start': '2048',
    '/sys/block/sda/sda1/size': '1024',
    '/sys/block/sda/sda1/dev': '8:1',
    '/sys/block/sda/sda1/holders/md0/dev': '9:0',
    '/sys/block/sdb/size': '4096',
    '/sys/block/sdb/queue/rotational': '1',
    '/sys/block/loop0/size': '0',
    '/sys/block/loop1/size': '8',
    '/sys/block/ram0/size': '8',
    '/sys/block/md0/slaves/sda1/dev': '8:1',
    '/sys/block/md0/size': '1024',
    '/sys/block/dm-0/slaves/md0/dev': '9:0',
    '/sys/block/dm-0/dm/uuid': 'CRYPT-LUKS2-xyz',
    '/sys/block/dm-1/slaves/sda/dev': '8:0',
    '/sys/block/dm-1/slaves/sdb/dev': '8:16',
    '/sys/block/dm-2/slaves/dm-2/dev': '252:2',
  };
  const disks = await blockDevices({ files });
  assert.deepEqual([...disks.keys()], ['dm-0', 'dm-1', 'dm-2', 'loop1', 'md0', 'sda', 'sdb']);
  const [part] = disks.get('sda')!.partitions;
  assert.deepEqual(
    [
      part!.name,
      value(part!.number),
      value(part!.startBytes),
      value(part!.sizeBytes),
      part!.holders,
    ],
    ['sda1', 1, 2048 * 512, 1024 * 512, ['md0']],
  );
  const medium = (name: string) => value(disks.get(name)!.medium);
  assert.deepEqual(
    ['md0', 'dm-0', 'dm-1', 'dm-2', 'loop1'].map(medium),
    // Through md0 to an SSD; over two media; made of itself; a file.
    ['ssd', 'ssd', no, no, 'virtual'],
  );
  assert.equal(value(disks.get('dm-0')!.stackType), 'CRYPT');
});

test('a recorded NVMe controller', { skip: noRecordings }, async () => {
  const tree = unpackTtar(recorded('node_exporter/sys.ttar'), '');
  const outcome = await nvmeProbe.read(memoryHost(tree));
  const [controller] = outcome.kind === 'found' ? outcome.value : [];
  assert.deepEqual(
    [
      value(controller!.model),
      value(controller!.serial),
      value(controller!.firmware),
      value(controller!.state),
    ],
    ['Samsung SSD 970 PRO 512GB', 'S680HF8N190894I', '1B2QEXP7', 'live'],
  );
  assert.deepEqual(
    controller!.namespaces.map((n) => [
      n.name,
      value(n.sizeBytes),
      value(n.logicalBlockBytes),
      value(n.usedBlocks),
    ]),
    [['nvme0n1', 3_906_250_000 * 512, 4096, 488_281_250]],
  );
});

/** Medium, healthy, m°C, hours, wear in basis points, bytes written, reallocated, uncorrected, alarms. */
const drives: Record<string, readonly unknown[]> = {
  'HITACHI_H109060SESUN600G_10.json': [
    'hdd',
    true,
    26_000,
    22_364,
    no,
    127_551_260_000_000,
    0,
    0,
    [],
  ],
  'WDC_WD20EFRX-68EUZN0_18.json': ['hdd', true, 33_000, 71_605, no, no, 0, 0, []],
  'nvme-null-INTEL_SSDPEDMD400G4-nvme0.json': [
    'nvme',
    true,
    28_000,
    41_951,
    500,
    655_012_839 * 512_000,
    no,
    0,
    [],
  ],
  'nvme-null-Micron_7400_MTFDKCB3T2TFC-nvme2.json': [
    'nvme',
    true,
    24_000,
    10_346,
    0,
    124_370_358 * 512_000,
    no,
    0,
    [],
  ],
  'nvme-null-SAMSUNG_MZWLL3T2HAJQ-00005-nvme0.json': [
    'nvme',
    false,
    40_000,
    18_376,
    0,
    147_556_750 * 512_000,
    no,
    0,
    ['failing'],
  ],
  'sat-Hitachi_HGST_Ultrastar_7K4000-HGST_HUS724040ALA640-sda.json': [
    'hdd',
    true,
    36_000,
    64_012,
    no,
    no,
    0,
    0,
    [],
  ],
  'sat-Intel_S4510_S4610_S4500_S4600_Series_SSDs-INTEL_SSDSC2KB019T8-sdr.json': [
    'ssd',
    true,
    25_000,
    17_704,
    100,
    2_856_519 * 2 ** 25,
    0,
    0,
    [],
  ],
  'sat-Micron_5100_Pro___52x0___5300_SSDs-Micron_5300_MTFDDAK960TDS-sdi.json': [
    'ssd',
    true,
    23_000,
    26_409,
    100,
    153_586_889_664 * 512,
    0,
    0,
    [],
  ],
  'sat-Seagate_Enterprise_Capacity_3.5_HDD-ST10000NM0016-1TT101-sda.json': [
    'hdd',
    true,
    25_000,
    34_013,
    no,
    336_030_386_452 * 512,
    0,
    0,
    [],
  ],
  'sat-Toshiba_MG05ACA..._Enterprise_Capacity_HDD-TOSHIBA_MG05ACA800E-sdw.json': [
    'hdd',
    true,
    24_000,
    37_603,
    no,
    no,
    0,
    0,
    ['errors in its log'],
  ],
  'sat-Western_Digital_Re-WDC_WD2000FYYZ-01UL1B1-sdj.json': [
    'hdd',
    true,
    22_000,
    28_035,
    no,
    no,
    0,
    0,
    [],
  ],
};
const health = (r: SmartReport) => [
  value(r.medium),
  value(r.healthy),
  value(r.temperatureMilliCelsius),
  value(r.powerOnHours),
  value(r.wearBp),
  value(r.writtenBytes),
  value(r.reallocated),
  value(r.uncorrectedErrors),
  r.alarms,
];
for (const [file, want] of Object.entries(drives)) {
  test(`smartctl of ${file}`, { skip: noRecordings }, () => {
    const report = parseSmartctl(recorded(`smartctl/${file}`));
    assert.ok(report);
    assert.deepEqual(health(report), want);
  });
}

test('a drive in bad health is told although smartctl exits with bits set', async () => {
  const failing = JSON.stringify({
    device: { name: '/dev/sda', protocol: 'ATA' },
    smartctl: { exit_status: 24 },
    smart_status: { passed: false },
    rotation_rate: 7200,
  });
  const asked = 'smartctl --json --info --health --attributes --nocheck=standby -d';
  const outcome = await smartProbe.read(
    memoryHost({
      programs: {
        'smartctl --scan --json': JSON.stringify({
          devices: [
            { name: '/dev/sda', type: 'sat' },
            { name: '/dev/sdb', type: 'sat' },
            { name: '/dev/bus/0;reboot', type: 'megaraid,0' },
          ],
        }),
        [`${asked} sat /dev/sda`]: { kind: 'failed', detail: 'exit status 24', output: failing },
        [`${asked} sat /dev/sdb`]: { kind: 'timed-out', detail: 'no answer' },
      },
    }),
  );
  assert.equal(outcome.kind, 'found');
  if (outcome.kind !== 'found') return;
  assert.deepEqual(
    outcome.value.map((r) => [value(r.device), value(r.healthy), r.alarms]),
    [['/dev/sda', false, ['failing', 'attribute below its threshold']]],
  );
  assert.deepEqual(outcome.problems, [{ kind: 'timed-out', detail: 'no answer' }]);
});
test('no smartctl, no answer', async () => {
  assert.deepEqual(await smartProbe.read(memoryHost({})), { kind: 'absent' });
});
