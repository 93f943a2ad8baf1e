import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { samplers } from '../../src/telemetry/samplers/registry.ts';
import { unpackTtar } from '../inventory/ttar.ts';
import { nodeExporter, recordedProc, withoutData } from './host-data.ts';
import { byKey } from './readings.ts';
import { sampled, tree } from './sampling-run.ts';

const PROC = [
  'stat',
  'meminfo',
  'loadavg',
  'vmstat',
  'diskstats',
  'buddyinfo',
  'net/snmp',
  'pressure/cpu',
  'pressure/memory',
  'pressure/io',
  'pressure/irq',
];
const OF_SYS = /^\/sys\/(class\/(hwmon|net|powercap|thermal)|devices)\//;

type Exported = ReadonlyMap<string, number>;

/** The numbers that node_exporter gives for the same tree, by name and labels as they stand there. */
function exported(): Exported {
  const text = readFileSync(join(nodeExporter, 'e2e-output.txt'), 'utf8');
  const lines = text.matchAll(/^([a-z]\w*(?:\{.*\})?) (\S+)$/gim);
  return new Map([...lines].map(([, key, value]) => [key!, Number(value)]));
}

/** `theirs` of each series of ours; undefined: they have none. */
const same: readonly (readonly [ours: RegExp, theirs: (...parts: string[]) => string])[] = [
  [
    /^berth_node_cpu_seconds_total\{cpu="(\d+)",mode="(\w+)"\}$/,
    (cpu, mode) => `node_cpu_seconds_total{cpu="${cpu}",mode="${mode}"}`,
  ],
  [/^berth_node_context_switches_total$/, () => 'node_context_switches_total'],
  [/^berth_node_interrupts_total$/, () => 'node_intr_total'],
  [/^berth_node_forks_total$/, () => 'node_forks_total'],
  [/^berth_node_processes\{state="(\w+)"\}$/, (state) => `node_procs_${state}`],
  [
    /^berth_node_softirqs_total\{kind="(\w+)"\}$/,
    (kind) => `node_softirqs_total{vector="${kind === 'irq_poll' ? 'block_iopoll' : kind}"}`,
  ],
  [/^berth_node_load1$/, () => 'node_load1'],
  [/^berth_node_memory_total_bytes$/, () => 'node_memory_MemTotal_bytes'],
  [/^berth_node_memory_cached_bytes$/, () => 'node_memory_Cached_bytes'],
  [/^berth_node_memory_dirty_bytes$/, () => 'node_memory_Dirty_bytes'],
  [/^berth_node_swap_total_bytes$/, () => 'node_memory_SwapTotal_bytes'],
  [/^berth_node_major_faults_total$/, () => 'node_vmstat_pgmajfault'],
  [/^berth_node_oom_kills_total$/, () => 'node_vmstat_oom_kill'],
  [
    /^berth_node_pressure_(waiting|stalled)_seconds_total\{resource="(\w+)"\}$/,
    (kind, resource) => `node_pressure_${resource}_${kind}_seconds_total`,
  ],
  [
    /^berth_node_disk_(read|written)_bytes_total\{(.*)\}$/,
    (kind, device) => `node_disk_${kind}_bytes_total{${device}}`,
  ],
  [
    /^berth_node_disk_(reads|writes)_total\{(.*)\}$/,
    (kind, device) => `node_disk_${kind}_completed_total{${device}}`,
  ],
  [
    /^berth_node_disk_(read|write)_time_seconds_total\{(.*)\}$/,
    (kind, device) => `node_disk_${kind}_time_seconds_total{${device}}`,
  ],
  [
    /^berth_node_disk_busy_seconds_total\{(.*)\}$/,
    (device) => `node_disk_io_time_seconds_total{${device}}`,
  ],
  [
    /^berth_node_disk_queue_seconds_total\{(.*)\}$/,
    (device) => `node_disk_io_time_weighted_seconds_total{${device}}`,
  ],
  [/^berth_node_tcp_segments_sent_total$/, () => 'node_netstat_Tcp_OutSegs'],
  [/^berth_node_tcp_segments_retransmitted_total$/, () => 'node_netstat_Tcp_RetransSegs'],
  [
    /^berth_node_numa_memory_total_bytes\{numa="(\d)"\}$/,
    (numa) => `node_memory_numa_MemTotal{node="${numa}"}`,
  ],
  [
    /^berth_node_numa_memory_free_bytes\{numa="(\d)"\}$/,
    (numa) => `node_memory_numa_MemFree{node="${numa}"}`,
  ],
  [
    /^berth_node_numa_misses_total\{numa="(\d)"\}$/,
    (numa) => `node_memory_numa_numa_miss_total{node="${numa}"}`,
  ],
  [
    /^berth_node_cpu_frequency_hertz\{cpu="(\d)"\}$/,
    (cpu) => `node_cpu_scaling_frequency_hertz{cpu="${cpu}"}`,
  ],
  [
    /^berth_node_network_speed_bytes\{device="(eth0)"\}$/,
    () => 'node_network_speed_bytes{device="eth0"}',
  ],
  [
    /^berth_node_energy_joules_total\{zone="(intel-rapl:[\d:]+)\/(\w+)(?:-\d)?"\}$/,
    (zone, name) =>
      `node_rapl_${name}_joules_total{index="0",path="collector/fixtures/sys/class/powercap/${zone}"}`,
  ],
];

test('of a recorded host all that both read is as node_exporter reads it', {
  skip: withoutData,
  timeout: 60_000,
}, async (t) => {
  const { files = {}, links = {} } = unpackTtar(
    readFileSync(join(nodeExporter, 'sys.ttar'), 'utf8'),
    '',
  );
  const texts = Object.entries(files).filter(([path]) => OF_SYS.test(path) && !path.endsWith('/'));
  const proc = PROC.map((name) => {
    const text = readFileSync(join(recordedProc, name), 'latin1');
    // One was recorded without the newline that the kernel writes.
    return [`/proc/${name}`, text.endsWith('\n') ? text : `${text}\n`];
  });
  const root = tree(t, Object.fromEntries([...texts.map(([p, text]) => [p, `${text}`]), ...proc]));
  for (const [path, target] of Object.entries(links)) {
    if (!OF_SYS.test(path)) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  }
  const asked = samplers.filter(({ kind }) => kind === 'kept' || kind === 'aside');
  const last = ['temperature', 'power', 'cpu-frequency', 'throttles'];
  const { live } = await sampled({ samplers: asked, sysroot: root }, (latest) => {
    const up = latest.latest('berth_sampler_up').map(({ labels }) => labels['sampler']);
    return last.every((name) => up.includes(name));
  });
  const ours = byKey(live.latest());
  const theirs = exported();
  const compared = new Map<string, number>();
  for (const [key, value] of Object.entries(ours)) {
    for (const [pattern, other] of same) {
      const parts = pattern.exec(key)?.slice(1);
      if (parts === undefined) continue;
      const want = theirs.get(other(...parts));
      assert.ok(want !== undefined, `they have no ${other(...parts)}`);
      assert.ok(
        Math.abs(value - want) <= Math.abs(want) * 1e-12,
        `${key} is ${value}, not ${want}`,
      );
      compared.set(pattern.source, (compared.get(pattern.source) ?? 0) + 1);
    }
  }
  for (const [pattern] of same) assert.ok(compared.has(pattern.source), `nothing of ${pattern}`);
  const count = (name: string) =>
    [...theirs.keys()].filter((key) => key.startsWith(`${name}{`)).length;
  // Those of theirs that we have no other name for are all there, too.
  assert.equal(live.latest('berth_node_cpu_seconds_total').length, count('node_cpu_seconds_total'));
  const degrees = [...theirs].filter(([key]) =>
    /^node_(hwmon_temp|thermal_zone_temp)(_celsius)?\{/.test(key),
  );
  const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);
  assert.deepEqual(
    sorted(live.latest('berth_node_temperature_celsius').map(({ value }) => value)),
    sorted(degrees.map(([, value]) => value)),
  );
  const throttles = live.latest('berth_node_thermal_throttles_total').map(({ value }) => value);
  const cores = [...theirs].filter(([key]) => key.startsWith('node_cpu_core_throttles_total{'));
  assert.deepEqual(sorted(throttles), sorted(cores.map(([, value]) => value)));
  t.diagnostic(`${[...compared.values()].reduce((a, b) => a + b, 0)} series agree`);
});
