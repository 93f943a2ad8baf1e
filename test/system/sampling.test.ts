import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { type RunningTask, TaskMetrics } from '../../src/app/task-metrics.ts';
import { milliCpu, spanMs, timeMs } from '../../src/base/units.ts';
import type { LocalDriver } from '../../src/execution/io/local/driver.ts';
import { runProgram } from '../../src/inventory/io/run-program.ts';
import { seriesKey } from '../../src/telemetry/metric.ts';
import { samplers } from '../../src/telemetry/samplers/registry.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { id, MIB, Rig } from '../execution/rig.ts';
import { byKey } from '../telemetry/readings.ts';
import { sampled } from '../telemetry/sampling-run.ts';

const EXPORTER = 'prometheus-node-exporter';
const noExporter =
  skipSystem ||
  (spawnSync(EXPORTER, ['--version']).status === 0 ? false : `no ${EXPORTER} is installed`);
const LIMIT = { timeout: 120_000 };

type Exported = ReadonlyMap<string, number>;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function scrape(url: string): Promise<Exported> {
  const text = await (await fetch(url)).text();
  const lines = text.matchAll(/^(node_\w+(?:\{.*\})?) (\S+)$/gm);
  return new Map([...lines].map(([, key, value]) => [key!, Number(value)]));
}

function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stderr!.on('data', (piece) => {
      if (/listening on/i.test(String(piece))) resolve();
    });
    child.on('exit', (status) => reject(new Error(`${EXPORTER} ended with ${status}`)));
  });
}

/** Families that both have: the name of theirs, and its labels from ours. */
const same: Readonly<
  Record<string, (labels: Readonly<Record<string, string>>) => readonly [string, object]>
> = {
  berth_node_cpu_seconds_total: (labels) => ['node_cpu_seconds_total', labels],
  berth_node_context_switches_total: () => ['node_context_switches_total', {}],
  berth_node_interrupts_total: () => ['node_intr_total', {}],
  berth_node_forks_total: () => ['node_forks_total', {}],
  berth_node_major_faults_total: () => ['node_vmstat_pgmajfault', {}],
  berth_node_oom_kills_total: () => ['node_vmstat_oom_kill', {}],
  berth_node_pressure_waiting_seconds_total: ({ resource }) => [
    `node_pressure_${resource}_waiting_seconds_total`,
    {},
  ],
  berth_node_disk_read_bytes_total: (labels) => ['node_disk_read_bytes_total', labels],
  berth_node_disk_written_bytes_total: (labels) => ['node_disk_written_bytes_total', labels],
  berth_node_disk_reads_total: (labels) => ['node_disk_reads_completed_total', labels],
  berth_node_disk_writes_total: (labels) => ['node_disk_writes_completed_total', labels],
  berth_node_disk_busy_seconds_total: (labels) => ['node_disk_io_time_seconds_total', labels],
  berth_node_network_received_bytes_total: (labels) => ['node_network_receive_bytes_total', labels],
  berth_node_network_sent_bytes_total: (labels) => ['node_network_transmit_bytes_total', labels],
  berth_node_network_received_packets_total: (labels) => [
    'node_network_receive_packets_total',
    labels,
  ],
  berth_node_tcp_segments_sent_total: () => ['node_netstat_Tcp_OutSegs', {}],
  berth_node_tcp_segments_retransmitted_total: () => ['node_netstat_Tcp_RetransSegs', {}],
  berth_node_memory_total_bytes: () => ['node_memory_MemTotal_bytes', {}],
  berth_node_swap_total_bytes: () => ['node_memory_SwapTotal_bytes', {}],
};

/** Gauges move to and fro between two looks: at most so far, in bytes. */
const near: Readonly<Record<string, readonly [theirs: string, bound: number]>> = {
  berth_node_memory_available_bytes: ['node_memory_MemAvailable_bytes', 2 ** 30],
  berth_node_memory_cached_bytes: ['node_memory_Cached_bytes', 2 ** 30],
};

test('on this machine we read what node_exporter reads, before and after us', {
  skip: noExporter,
  ...LIMIT,
}, async (t) => {
  const port = await freePort();
  const exporter = spawn(EXPORTER, [`--web.listen-address=127.0.0.1:${port}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => exporter.kill());
  await listening(exporter);
  const url = `http://127.0.0.1:${port}/metrics`;
  const kept = samplers.filter(({ kind, everyMs }) => kind !== 'stream' && everyMs < 60_000);
  const before = await scrape(url);
  // The first tick reads all that is read in ticks.
  const { live } = await sampled(
    { samplers: kept, sysroot: '/', run: runProgram },
    (latest) => latest.latest('berth_node_filesystem_size_bytes').length > 0,
  );
  const ours = live.latest();
  const after = await scrape(url);
  const compared = new Map<string, number>();
  for (const { name, labels, value } of ours) {
    const other = same[name]?.(labels);
    if (other === undefined) continue;
    const key = seriesKey(other[0], { ...other[1] });
    const [from, to] = [before.get(key), after.get(key)];
    // A link that came or went between the two.
    if (from === undefined || to === undefined) continue;
    // They tell seconds of CPU and of disks with other last digits.
    const slack = Math.max(1e-9 * to, 1e-6);
    assert.ok(
      value >= from - slack && value <= to + slack,
      `${seriesKey(name, labels)}: ${value} is not between ${from} and ${to} of ${key}`,
    );
    compared.set(name, (compared.get(name) ?? 0) + 1);
  }
  for (const name of Object.keys(same)) {
    const [theirs] = same[name]!({ resource: 'cpu' });
    if (![...after.keys()].some((key) => key.startsWith(theirs))) continue;
    assert.ok(compared.has(name), `nothing of ${name} was compared`);
  }
  const found = byKey(ours);
  for (const [name, [theirs, bound]] of Object.entries(near)) {
    const [value, other] = [found[name]!, after.get(theirs)!];
    assert.ok(Math.abs(value - other) < bound, `${name}: ${value}, not about ${other}`);
  }
  const root = [...after].find(([key]) =>
    /^node_filesystem_size_bytes\{.*mountpoint="\/"\}/.test(key),
  );
  if (root !== undefined) {
    assert.equal(found['berth_node_filesystem_size_bytes{mount="/"}'], root[1]);
  }
  t.diagnostic(`${[...compared.values()].reduce((a, b) => a + b, 0)} series agree`);
});

test('of a real task we read what it does: CPU at its limit, throttled, and its memory', {
  skip: skipSystem,
  ...LIMIT,
}, async (t) => {
  const rig = await new Rig(t, {}).open();
  const hold = 'my $x = "a" x (40 << 20); my $end = time + 60; 1 while time < $end';
  rig.start(1, { run: ['perl', '-e', hold], limits: { cpu: milliCpu(500) }, memory: 64 * MIB });
  await rig.started(1);
  const task: RunningTask = {
    id: id(1),
    startedAt: timeMs(1),
    placement: { held: { cpu: 500 }, memoryLimit: 64 * MIB },
    task: { tenant: 'ann', step: { spec: { id: 'step' }, workload: { id: '1' } } },
  };
  const { uses } = rig.driver as LocalDriver;
  const running = [task];
  const readings: Record<string, number>[] = [];
  let metrics: TaskMetrics | undefined;
  t.after(() => metrics?.close());
  const cpu = (found: Record<string, number>) =>
    Object.entries(found).find(([key]) => key.startsWith('berth_task_cpu_ratio'))?.[1];
  await sampled(
    {
      samplers: [],
      sysroot: '/',
      sources: [
        {
          name: 'tasks',
          everyMs: 1_000,
          read: () => metrics?.sources().flatMap(({ read }) => read(0) ?? []),
        },
      ],
    },
    (live) => {
      metrics ??= new TaskMetrics({ running: () => running, uses, live });
      readings.push(byKey(live.latest()));
      return readings.length === 8;
    },
  );
  const shares = readings.map(cpu).filter((share) => share !== undefined);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  // Other load can only lower it.
  assert.ok(mean > 0.1 && mean < 0.6, `${shares}`);
  const last = readings.at(-1)!;
  const found = (name: string) =>
    Object.entries(last).find(([key]) => key.startsWith(`berth_task_${name}{`))?.[1];
  const memory = found('memory_bytes')!;
  assert.ok(memory > 40 * MIB && memory < 128 * MIB, `${memory} bytes`);
  if (found('throttled_seconds_total') !== undefined) {
    assert.ok(found('throttled_seconds_total')! > 0);
  }
  assert.equal(found('processes'), 1);
  assert.ok(last['berth_tenant_memory_bytes{tenant="ann"}'] === memory);
  rig.driver.stop(id(1), 'preempted', spanMs(0));
  await rig.ended(1);
});
