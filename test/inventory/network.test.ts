import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipv4Addresses, ipv6Addresses } from '../../src/inventory/parsers/addresses.ts';
import { netRates, parseNetDev } from '../../src/inventory/parsers/net-dev.ts';
import { infinibandProbe } from '../../src/inventory/probes/infiniband.ts';
import { networkProbe } from '../../src/inventory/probes/network.ts';
import { type HostContent, memoryHost } from './memory-host.ts';
import { noRecordings, recorded, tarMembers, value } from './recorded.ts';
import { unpackTtar } from './ttar.ts';

const no = 'not-reported';

test('counters of /proc/net/dev', { skip: noRecordings }, () => {
  const [lo, ens33] = parseNetDev(recorded('misc/proc/net_dev'));
  assert.deepEqual([lo!.name, lo!.receivedBytes, lo!.sentPackets], ['lo', 13_222, 152]);
  assert.deepEqual(
    [
      ens33!.name,
      ens33!.receivedBytes,
      ens33!.receivedPackets,
      ens33!.sentBytes,
      ens33!.sentPackets,
    ],
    ['ens33', 60_600_053, 109_378, 44_256_546, 121_425],
  );
  const tree = unpackTtar(recorded('procfs/fixtures.ttar'), 'fixtures/');
  const all = parseNetDev(String(tree.files!['/proc/net/dev']));
  assert.deepEqual(
    all.map((c) => [c.name, c.receivedBytes, c.sentBytes]),
    [
      ['vethf345468', 648, 438],
      ['lo', 1_664_039_048, 1_664_039_048],
      ['docker0', 2568, 438],
      ['eth0', 874_354_587, 563_352_563],
    ],
  );
});

test('a name may hold a colon, and old kernels leave no blank after it', () => {
  const found = parseNetDev('eth0:1:123 1 0 0 0 0 0 0 456 2 0 0 0 0 0 0\nbad: 1 2 3\n');
  assert.deepEqual(
    found.map((c) => [c.name, c.receivedBytes, c.sentBytes]),
    [['eth0:1', 123, 456]],
  );
});

test('network rates and loss are differences', () => {
  const [before] = parseNetDev('eth0: 1000 10 0 0 0 0 0 0 500 5 0 0 0 0 0 0');
  const [after] = parseNetDev('eth0: 5000 40 1 2 0 0 0 0 900 12 0 0 0 0 0 0');
  assert.deepEqual(netRates(before!, after!, 2000), {
    receivedBytesPerSecond: 2000,
    sentBytesPerSecond: 200,
    receivedPacketsPerSecond: 15,
    sentPacketsPerSecond: 3.5,
    lossBp: 750,
  });
  assert.equal(netRates(after!, before!, 2000), undefined);
  assert.equal(netRates(before!, before!, 1000)!.lossBp, undefined);
});

test('addresses go to the interface of the most specific route', () => {
  const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.0.0.0/8 2 0 2
        |-- 10.1.2.3
           /32 host LOCAL
        |-- 10.1.2.255
           /32 link BROADCAST
        |-- 127.0.0.1
           /32 host LOCAL
        |-- 192.168.9.9
           /32 host LOCAL
Local:
        |-- 10.1.2.3
           /32 host LOCAL
`;
  const routes = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101010A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
eth1\t0002010A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`;
  assert.deepEqual(
    [...ipv4Addresses(trie, routes)],
    [
      ['eth1', ['10.1.2.3']],
      ['lo', ['127.0.0.1']],
    ],
  );
  assert.deepEqual(
    [
      ...ipv6Addresses(
        '00000000000000000000000000000001 01 80 10 80       lo\nfe80000000000000020000fffe000001 02 40 20 80     eth0\n20010db8000000010001000100010001 02 40 00 80     eth0\n',
      ),
    ],
    [
      ['lo', ['::1']],
      ['eth0', ['fe80::200:ff:fe00:1', '2001:db8:0:1:1:1:1:1']],
    ],
  );
});

async function interfaces(content: HostContent) {
  const outcome = await networkProbe.read(memoryHost(content));
  assert.equal(outcome.kind, 'found');
  return new Map((outcome.kind === 'found' ? outcome.value : []).map((i) => [i.name, i]));
}

test('recorded interfaces and bonds', { skip: noRecordings }, async () => {
  const found = await interfaces(unpackTtar(recorded('node_exporter/sys.ttar'), ''));
  assert.deepEqual([...found.keys()], ['bond0', 'dmz', 'eth0', 'int']);
  const eth0 = found.get('eth0')!;
  assert.deepEqual(
    [
      eth0.kind,
      value(eth0.speedBitsPerSecond),
      value(eth0.duplex),
      value(eth0.mtuBytes),
      value(eth0.state),
    ],
    ['ethernet', 1e9, 'full', 1500, 'up'],
  );
  const bond0 = found.get('bond0')!;
  // Its speed is −1: no slave is up.
  assert.deepEqual(
    [bond0.kind, value(bond0.speedBitsPerSecond), bond0.bond!.slaves, bond0.virtual],
    ['bond', no, [], true],
  );
  assert.deepEqual(found.get('dmz')!.bond!.slaves, ['eth0', 'eth4']);
  assert.equal(value(found.get('dmz')!.speedBitsPerSecond), 1e9);
});

test('interfaces of a recorded server', { skip: noRecordings }, async () => {
  const tree = tarMembers('hwloc/32em64t-2n8c+dax+nvme+mic+dimms.tar.gz', '/');
  const found = await interfaces(tree);
  // The links of lo, br0 and the VLAN lead out of the recording: such interfaces have vanished.
  assert.deepEqual([...found.keys()], ['eth0', 'eth1', 'ib0']);
  const row = (name: string) => {
    const i = found.get(name)!;
    return [i.kind, i.virtual, value(i.mtuBytes), value(i.speedBitsPerSecond), value(i.pciAddress)];
  };
  assert.deepEqual(row('eth0'), ['ethernet', false, 1500, 1e9, '0000:02:00.0']);
  assert.deepEqual(row('ib0'), ['infiniband', false, 2044, no, '0000:82:00.0']);
});

const speeds: Record<string, { text: string; want: number | string }> = {
  'a gigabit link': { text: '1000\n', want: 1e9 },
  'a link that is down': { text: '-1\n', want: no },
  'all ones of 32 bits': { text: '4294967295\n', want: no },
  'all ones of 16 bits': { text: '65535\n', want: no },
  zero: { text: '0\n', want: no },
  garbage: { text: 'fast\n', want: 'garbled' },
  'something negative': { text: '-100\n', want: 'garbled' },
};
for (const [name, tc] of Object.entries(speeds)) {
  test(`speed: ${name}`, async () => {
    const at = '/sys/class/net/eth9';
    const found = await interfaces({
      files: { [`${at}/ifindex`]: '1', [`${at}/type`]: '1', [`${at}/speed`]: tc.text },
    });
    assert.equal(value(found.get('eth9')!.speedBitsPerSecond), tc.want);
  });
}

test('a speed that the driver refuses to tell has failed, and is no problem of the host', async () => {
  const at = '/sys/class/net/eth9';
  const outcome = await networkProbe.read(
    memoryHost({
      files: { [`${at}/ifindex`]: '1', [`${at}/speed`]: '' },
      broken: { [`${at}/speed`]: 'failed' },
    }),
  );
  assert.equal(outcome.kind, 'found');
  if (outcome.kind !== 'found') return;
  assert.equal(value(outcome.value[0]!.speedBitsPerSecond), 'failed');
  assert.deepEqual(outcome.problems, []);
});

test('recorded RDMA devices', { skip: noRecordings }, async () => {
  const tree = unpackTtar(recorded('procfs/fixtures.ttar'), 'fixtures/');
  const outcome = await infinibandProbe.read(memoryHost(tree));
  assert.equal(outcome.kind, 'found');
  const devices = new Map((outcome.kind === 'found' ? outcome.value : []).map((d) => [d.name, d]));
  const port = (name: string) => {
    const [p] = devices.get(name)!.ports;
    return [
      p!.number,
      value(p!.linkLayer),
      value(p!.state),
      value(p!.physicalState),
      value(p!.bitsPerSecond),
      value(p!.rateName),
      value(p!.counters.receivedBytes),
    ];
  };
  assert.deepEqual(port('hfi1_0'), [
    1,
    'InfiniBand',
    'ACTIVE',
    'LinkUp',
    1e11,
    '4X EDR',
    345_091_702_026 * 4,
  ]);
  assert.deepEqual(port('mlx5_0').slice(0, 6), [
    1,
    'InfiniBand',
    'ACTIVE',
    'ACTIVE',
    2.5e10,
    '1X EDR',
  ]);
  const mlx5 = devices.get('mlx5_0')!;
  assert.deepEqual(
    [value(mlx5.model), value(mlx5.firmware), value(mlx5.nodeGuid)],
    ['MT4118', '14.28.2006', '0a7f:bc12:45ef:d23b'],
  );
  // node_exporter's own answer for its tree: 5e+09 bytes per second on both ports.
  const exported = await infinibandProbe.read(
    memoryHost(unpackTtar(recorded('node_exporter/sys.ttar'), '')),
  );
  const ports = exported.kind === 'found' ? exported.value.flatMap((d) => d.ports) : [];
  assert.deepEqual(
    ports.map((p) => value(p.bitsPerSecond)),
    [1e10, 4e10, 4e10],
  );
  assert.equal(value(ports[1]!.counters.receivedBytes), 18_527_668);
});
