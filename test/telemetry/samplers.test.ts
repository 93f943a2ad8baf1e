import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { families } from '../../src/telemetry/families.ts';
import type { Reading } from '../../src/telemetry/metric.ts';
import type { FileSampler } from '../../src/telemetry/sampler.ts';
import { cpuSampler } from '../../src/telemetry/samplers/cpu.ts';
import { cpuTimeSampler } from '../../src/telemetry/samplers/cpu-time.ts';
import { disksSampler } from '../../src/telemetry/samplers/disks.ts';
import { fileSystemsSampler } from '../../src/telemetry/samplers/file-systems.ts';
import { fragmentationSampler } from '../../src/telemetry/samplers/fragmentation.ts';
import { memorySampler } from '../../src/telemetry/samplers/memory.ts';
import { networkSpeedSampler } from '../../src/telemetry/samplers/network-speed.ts';
import { pagingSampler } from '../../src/telemetry/samplers/paging.ts';
import { powerSampler } from '../../src/telemetry/samplers/power.ts';
import { pressureSampler } from '../../src/telemetry/samplers/pressure.ts';
import { samplers } from '../../src/telemetry/samplers/registry.ts';
import { resctrlSampler } from '../../src/telemetry/samplers/resctrl.ts';
import { tcpSampler } from '../../src/telemetry/samplers/tcp.ts';
import { temperatureSampler } from '../../src/telemetry/samplers/temperature.ts';
import { byKey, playTexts } from './readings.ts';

const STAT = (user: number, idle: number, stolen = 0) => ({
  '/proc/stat': `cpu  ${user} 0 0 ${idle} 0 0 0 ${stolen} 0 0\ncpu0 ${user} 0 0 ${idle} 0 0 0 0 0 0\n`,
});
const PSI = (resource: string, some: number, full: number) => ({
  [`/proc/pressure/${resource}`]: `some avg10=0.00 avg60=0.00 avg300=0.00 total=${some}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=${full}\n`,
});
const MEMINFO = (text: string) => ({ '/proc/meminfo': text });
const DISK = (name: string, figures: string) => ({
  '/proc/diskstats': ` 8 0 ${name} ${figures}\n`,
});
const RAPL = (energy: number, range?: number) => ({
  '/sys/class/powercap/intel-rapl:0/name': 'package-0\n',
  '/sys/class/powercap/intel-rapl:0/energy_uj': `${energy}\n`,
  ...(range !== undefined && {
    '/sys/class/powercap/intel-rapl:0/max_energy_range_uj': `${range}\n`,
  }),
});
const HWMON = '/sys/class/hwmon';

interface Case {
  readonly sampler: FileSampler;
  readonly texts: readonly Readonly<Record<string, string>>[];
  /** Undefined: it is not there. */
  readonly want: Readonly<Record<string, number | undefined>>;
}

const cases: Record<string, Case> = {
  'a quarter busy, a tenth stolen': {
    sampler: cpuSampler,
    texts: [STAT(1000, 5000), STAT(1050, 5130, 20)],
    want: { berth_node_cpu_busy_ratio: 0.25, berth_node_cpu_stolen_ratio: 0.1 },
  },
  'caches and memory traffic by group of resctrl; what is not available is not there': {
    sampler: resctrlSampler,
    texts: [
      {
        '/sys/fs/resctrl/mon_data/mon_L3_00/llc_occupancy': '16234000\n',
        '/sys/fs/resctrl/mon_data/mon_L3_00/mbm_total_bytes': '71000000000\n',
        '/sys/fs/resctrl/mon_data/mon_L3_00/mbm_local_bytes': 'Unavailable\n',
        '/sys/fs/resctrl/mon_data/mon_L3_01/mbm_total_bytes': 'Error\n',
        '/sys/fs/resctrl/mon_groups/train/mon_data/mon_L3_01/llc_occupancy': '0\n',
        '/sys/fs/resctrl/fast/mon_data/mon_L3_00/mbm_local_bytes': '5\n',
        '/sys/fs/resctrl/fast/mon_groups/web/mon_data/mon_L3_00/llc_occupancy': '4096\n',
      },
    ],
    want: {
      'berth_node_cache_occupancy_bytes{cache="0",group=""}': 16_234_000,
      'berth_node_memory_traffic_bytes_total{cache="0",group=""}': 71_000_000_000,
      'berth_node_memory_local_traffic_bytes_total{cache="0",group=""}': undefined,
      'berth_node_memory_traffic_bytes_total{cache="1",group=""}': undefined,
      'berth_node_cache_occupancy_bytes{cache="1",group="train"}': 0,
      'berth_node_memory_local_traffic_bytes_total{cache="0",group="fast"}': 5,
      'berth_node_cache_occupancy_bytes{cache="0",group="fast/web"}': 4_096,
    },
  },
  'each CPU by itself': {
    sampler: cpuSampler,
    texts: [
      { '/proc/stat': 'cpu 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0\ncpu3 5 0 0 5 0 0 0\n' },
      { '/proc/stat': 'cpu 9 0 0 9 0 0 0\ncpu0 1 0 0 3 0 0 0\ncpu3 9 0 0 9 0 0 0\n' },
    ],
    want: {
      'berth_node_cpu_core_busy_ratio{cpu="0"}': 0.25,
      'berth_node_cpu_core_busy_ratio{cpu="3"}': 0.5,
    },
  },
  'ticks that went back say nothing': {
    sampler: cpuSampler,
    texts: [STAT(1000, 5000), STAT(10, 5100)],
    want: { berth_node_cpu_busy_ratio: undefined, berth_node_cpu_stolen_ratio: undefined },
  },
  'time that moves from iowait to idle is still idle': {
    sampler: cpuSampler,
    texts: [
      { '/proc/stat': 'cpu 0 0 0 100 50 0 0 0\n' },
      { '/proc/stat': 'cpu 10 0 0 150 10 0 0 0\n' },
    ],
    want: { berth_node_cpu_busy_ratio: 0.5 },
  },
  'no ticks at all between two readings': {
    sampler: cpuSampler,
    texts: [STAT(1000, 5000), STAT(1000, 5000)],
    want: { berth_node_cpu_busy_ratio: undefined },
  },
  'interrupts, switches and processes': {
    sampler: cpuSampler,
    texts: [
      {
        '/proc/stat':
          'cpu 1 1 1 1\nintr 99 1 2\nctxt 7\nbtime 1\nprocesses 5\nprocs_running 3\nprocs_blocked 1\nsoftirq 10 1 2 3 4 0 0 0 0 0 0\n',
      },
    ],
    want: {
      berth_node_interrupts_total: 99,
      berth_node_context_switches_total: 7,
      berth_node_forks_total: 5,
      'berth_node_processes{state="running"}': 3,
      'berth_node_processes{state="blocked"}': 1,
      'berth_node_softirqs_total{kind="net_rx"}': 4,
    },
  },
  'CPU time in seconds, and its share of the time': {
    sampler: cpuTimeSampler,
    texts: [
      { '/proc/stat': 'cpu1 100 0 0 50 0 0 0 0 0 0\n' },
      { '/proc/stat': 'cpu1 150 0 0 100 0 0 0 0 0 0\n' },
    ],
    want: {
      'berth_node_cpu_seconds_total{cpu="1",mode="user"}': 1.5,
      'berth_node_cpu_ratio{cpu="1",mode="user"}': 0.5,
    },
  },
  'pressure is the share of the time that passed, and never more': {
    sampler: pressureSampler,
    texts: [
      { ...PSI('cpu', 0, 0), ...PSI('memory', 0, 0) },
      { ...PSI('cpu', 250_000, 0), ...PSI('memory', 1_000_100, 100_000) },
    ],
    want: {
      'berth_node_pressure_waiting_ratio{resource="cpu"}': 0.25,
      'berth_node_pressure_waiting_ratio{resource="memory"}': 1,
      'berth_node_pressure_stalled_ratio{resource="memory"}': 0.1,
      'berth_node_pressure_stalled_ratio{resource="cpu"}': undefined,
      'berth_node_pressure_waiting_ratio{resource="io"}': undefined,
    },
  },
  'a kernel that accounts interrupts': {
    sampler: pressureSampler,
    texts: [
      { '/proc/pressure/irq': 'full avg10=0.00 avg60=0.00 avg300=0.00 total=8494\n' },
      { '/proc/pressure/irq': 'full avg10=0.00 avg60=0.00 avg300=0.00 total=508494\n' },
    ],
    want: {
      'berth_node_pressure_stalled_ratio{resource="irq"}': 0.5,
      'berth_node_pressure_waiting_ratio{resource="irq"}': undefined,
    },
  },
  'memory is what cannot be had without swapping': {
    sampler: memorySampler,
    texts: [
      MEMINFO(
        'MemTotal:  1000 kB\nMemAvailable:  250 kB\nSwapTotal: 8 kB\nSwapFree: 2 kB\nCached: 5 kB\nDirty: 1 kB\n',
      ),
    ],
    want: {
      berth_node_memory_total_bytes: 1_024_000,
      berth_node_memory_used_bytes: 768_000,
      berth_node_memory_available_bytes: 256_000,
      berth_node_memory_cached_bytes: 5_120,
      berth_node_memory_dirty_bytes: 1_024,
      berth_node_swap_used_bytes: 6_144,
    },
  },
  'a kernel without MemAvailable: used is not guessed': {
    sampler: memorySampler,
    texts: [MEMINFO('MemTotal: 1000 kB\nMemFree: 10 kB\n')],
    want: { berth_node_memory_total_bytes: 1_024_000, berth_node_memory_used_bytes: undefined },
  },
  'more available than there is cannot be': {
    sampler: memorySampler,
    texts: [MEMINFO('MemTotal: 1000 kB\nMemAvailable: 1001 kB\n')],
    want: { berth_node_memory_used_bytes: undefined },
  },
  'pages are as large as what is free says': {
    sampler: pagingSampler,
    texts: [
      {
        '/proc/vmstat': 'nr_free_pages 100\npswpin 3\npswpout 0\npgmajfault 9\noom_kill 1\n',
        ...MEMINFO('MemFree: 6400 kB\n'),
      },
    ],
    want: {
      'berth_node_swapped_bytes_total{direction="in"}': 3 * 65_536,
      berth_node_major_faults_total: 9,
      berth_node_oom_kills_total: 1,
      berth_node_compact_stalls_total: undefined,
    },
  },
  'a disk, and not its partitions': {
    sampler: disksSampler,
    texts: [
      DISK('sda', '10 0 8 100 20 0 16 200 0 500 300'),
      DISK('sda', '11 0 10 100 20 0 16 200 0 1000 300'),
    ],
    want: {
      'berth_node_disk_read_bytes_total{device="sda"}': 5_120,
      'berth_node_disk_read_bytes_per_second{device="sda"}': 1_024,
      'berth_node_disk_busy_ratio{device="sda"}': 0.5,
    },
  },
  'a partition is counted for its disk': {
    sampler: disksSampler,
    texts: [DISK('nvme0n1p1', '10 0 8 100 20 0 16 200 0 500 300')],
    want: { 'berth_node_disk_reads_total{device="nvme0n1p1"}': undefined },
  },
  'segments by the names of their columns': {
    sampler: tcpSampler,
    texts: [
      { '/proc/net/snmp': 'Ip: A\nIp: 1\nTcp: X RetransSegs OutSegs\nTcp: -1 5 70\nTcpExt: 1\n' },
    ],
    want: {
      berth_node_tcp_segments_sent_total: 70,
      berth_node_tcp_segments_retransmitted_total: 5,
    },
  },
  'free memory in small blocks': {
    sampler: fragmentationSampler,
    texts: [
      {
        '/proc/buddyinfo':
          'Node 0, zone      DMA      0      0      0      0      0      0      0      0      0      0      3\nNode 1, zone   Normal    512      0      0      0      0      0      0      0      0      1      0\nNode 1, zone  Movable      0      0\n',
      },
    ],
    want: {
      'berth_node_memory_unusable_free_ratio{numa="0",zone="DMA"}': 0,
      'berth_node_memory_unusable_free_ratio{numa="1",zone="Normal"}': 0.5,
      'berth_node_memory_unusable_free_ratio{numa="1",zone="Movable"}': undefined,
    },
  },
  'a link that does not say how fast it is': {
    sampler: networkSpeedSampler,
    texts: [{ '/sys/class/net/eth0/speed': '-1\n', '/sys/class/net/eth1/speed': '1000\n' }],
    want: {
      'berth_node_network_speed_bytes{device="eth0"}': undefined,
      'berth_node_network_speed_bytes{device="eth1"}': 125_000_000,
    },
  },
  'sensors of the same name on two chips, and one that is not connected': {
    sampler: temperatureSampler,
    texts: [
      {
        [`${HWMON}/hwmon0/name`]: 'coretemp\n',
        [`${HWMON}/hwmon0/temp2_label`]: 'Core 0\n',
        [`${HWMON}/hwmon0/temp2_input`]: '54000\n',
        [`${HWMON}/hwmon1/name`]: 'coretemp\n',
        [`${HWMON}/hwmon1/temp2_label`]: 'Core 0\n',
        [`${HWMON}/hwmon1/temp2_input`]: '-1500\n',
        [`${HWMON}/hwmon2/temp1_input`]: '-128000\n',
        '/sys/class/thermal/thermal_zone0/temp': '12376\n',
      },
    ],
    want: {
      'berth_node_temperature_celsius{sensor="hwmon0/coretemp/Core 0"}': 54,
      'berth_node_temperature_celsius{sensor="hwmon1/coretemp/Core 0"}': -1.5,
      'berth_node_temperature_celsius{sensor="hwmon2/temp1"}': undefined,
      'berth_node_temperature_celsius{sensor="thermal_zone0"}': 12.376,
    },
  },
  'energy goes on where the hardware begins anew': {
    sampler: powerSampler,
    texts: [RAPL(9_000_000, 10_000_000), RAPL(1_000_000, 10_000_000), RAPL(3_000_000, 10_000_000)],
    want: {
      'berth_node_energy_joules_total{zone="intel-rapl:0/package-0"}': 13,
      'berth_node_energy_joules_per_second{zone="intel-rapl:0/package-0"}': 2,
    },
  },
  'energy that went back, of a range that nobody knows': {
    sampler: powerSampler,
    texts: [RAPL(9_000_000), RAPL(1_000_000)],
    want: {
      'berth_node_energy_joules_total{zone="intel-rapl:0/package-0"}': 1,
      'berth_node_energy_joules_per_second{zone="intel-rapl:0/package-0"}': undefined,
    },
  },
};
for (const [name, { sampler, texts, want }] of Object.entries(cases)) {
  test(`${sampler.name}: ${name}`, () => {
    const found = playTexts(sampler, texts);
    for (const [key, value] of Object.entries(want)) assert.equal(found[key], value, key);
  });
}

test('a place of each file system, once; what cannot be asked is not there', () => {
  const mounts = [
    '21 1 8:1 / / rw - ext4 /dev/sda1 rw',
    '22 21 0:5 / /proc rw - proc proc rw',
    '23 21 8:1 /srv /bound rw - ext4 /dev/sda1 rw',
    '24 21 0:9 / /mnt/a\\040b rw - nfs4 server:/a rw',
    '25 21 0:10 / /run/lock rw - tmpfs tmpfs rw',
    '26 21 0:11 / /opt/tools ro - tmpfs tools ro,size=4k',
    '27 21 0:12 / /var/lib/docker/overlay2/5f/merged rw - overlay overlay rw,lowerdir=a',
    '28 21 8:17 / /var/lib/docker rw - ext4 /dev/sdb1 rw',
    '29 21 8:33 / /data ro - ext4 /dev/sdc1 rw',
  ].join('\n');
  const command = fileSystemsSampler.command(new Map([['/proc/self/mountinfo', mounts]]));
  assert.deepEqual(command?.slice(4), ['/', '/mnt/a b', '/var/lib/docker', '/data']);
  assert.deepEqual(byKey(fileSystemsSampler.read('4096 100 40 10 7 /\n512 8 0 0 0 /mnt/a b\n')!), {
    'berth_node_filesystem_size_bytes{mount="/"}': 409_600,
    'berth_node_filesystem_available_bytes{mount="/"}': 163_840,
    'berth_node_filesystem_files_free{mount="/"}': 7,
    'berth_node_filesystem_size_bytes{mount="/mnt/a b"}': 4_096,
    'berth_node_filesystem_available_bytes{mount="/mnt/a b"}': 0,
  });
  assert.equal(fileSystemsSampler.read('stat: cannot read\n'), undefined);
});

test('the folder and the registry have the same samplers', () => {
  const folder = join(import.meta.dirname, '../../src/telemetry/samplers');
  const files = readdirSync(folder)
    .filter((file) => file !== 'registry.ts' && file !== 'gpu-readings.ts')
    .map((file) => file.replace(/\.ts$/, ''));
  assert.deepEqual(samplers.map(({ name }) => name).sort(), files.sort());
});

const catalogue = new Map(families.map((family) => [family.name, family]));

test('every sampler names families that were agreed on, and a cadence in whole seconds', () => {
  for (const { name, families: own, everyMs } of samplers) {
    for (const family of own) assert.ok(catalogue.has(family), `${name}: ${family}`);
    assert.ok(everyMs >= 1_000 && everyMs % 1_000 === 0, name);
  }
});

/** What its files may hold, for noise that goes deeper than noise. */
const words = fc.constantFrom(
  'cpu ',
  'cpu0 ',
  'intr ',
  'softirq ',
  'Tcp: ',
  'some avg10=',
  'full avg10=',
  ' total=',
  'MemTotal:',
  'Node 0, zone DMA ',
  'Node 0 MemFree: ',
  ' 8 0 sda ',
  'eth0:',
  ' kB',
  '\n',
  ' ',
  '-1',
  '1e9',
  '99999999999999999999',
  '7 7 7 7 7 7 7 7 7 7 7',
  '7',
  'NaN',
);
const noise = fc
  .array(fc.oneof(words, fc.string({ unit: 'binary', maxLength: 10 })), { maxLength: 30 })
  .map((parts) => parts.join(''));

for (const sampler of samplers) {
  test(`${sampler.name}: garbage never throws, and what is told is a number of its own families`, () => {
    const checked = (readings: readonly Reading[]): void => {
      for (const { name, labels, value } of readings) {
        assert.ok(sampler.families.includes(name), name);
        assert.ok(Number.isFinite(value), `${name} is ${value}`);
        assert.deepEqual(Object.keys(labels).sort(), [...catalogue.get(name)!.labels].sort());
      }
    };
    const read = sampler.kind === 'kept' || sampler.kind === 'aside' ? sampler.open() : undefined;
    fc.assert(
      fc.property(fc.array(noise, { minLength: 1, maxLength: 4 }), (texts) => {
        if (sampler.kind === 'program') checked(sampler.read(texts[0]!) ?? []);
        else if (sampler.kind === 'stream') checked(sampler.read(texts[0]!));
        else {
          const files = sampler.files.map((file) => file.replaceAll('*', '0'));
          checked(read!(new Map(files.map((file, i) => [file, texts[i % texts.length]!]))));
        }
      }),
      { numRuns: 300 },
    );
  });
}
